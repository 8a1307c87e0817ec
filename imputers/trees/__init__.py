"""Trees: random forests and boosted trees for each item, chained over items."""
