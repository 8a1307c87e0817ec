"""Growth: how time and memory of imputers grow with rows and items, measured, fitted, and told before a run."""
