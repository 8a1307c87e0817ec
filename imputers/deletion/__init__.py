"""Deletion and adjustment: nothing is filled; moments and regressions come from the cells that are there."""
