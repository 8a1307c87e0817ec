"""Clusters: respondents fall into groups, and a hole is filled from the groups its row may belong to."""
