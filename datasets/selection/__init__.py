"""Choosing variables: which items tell most about a target."""
