"""Neighbours: similar respondents lend their answers."""
