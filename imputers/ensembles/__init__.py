"""Methods made of other methods, which are asked for by name."""
