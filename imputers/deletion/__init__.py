"""Deletion: nothing is filled, moments come from the cells that are there."""
