"""Methods of the database field, which clean a table by how its columns and its rows depend on each other."""
