"""Substitution: a statistic or a donor's answer stands in for the hole."""
