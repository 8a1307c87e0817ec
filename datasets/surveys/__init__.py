"""The surveys and tables that the suite knows by name."""
