"""Trees: chained regression trees, forests and boosting."""
