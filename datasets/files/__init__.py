"""Anybody's survey file: read, described by a schema, written back completed."""
