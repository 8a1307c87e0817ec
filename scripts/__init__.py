"""Scripts that build what ships with the package, and comparisons with other software."""
