"""The conductor: suites, cells, workers, the store and the command line; the only room that knows everybody."""
