"""Relational: methods of the database field, which clean a table by how its columns and its rows hang together."""
