"""Scripts that build what ships with the package, and measure speed."""
