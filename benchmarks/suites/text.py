"""Restaurants whose city is to be told from strings, in ten folds."""

from benchmarks.suite import FOLDS, PUBLISHED_DRAWS, Block, Suite
from benchmarks.suites import SUITES

TEXT_ENCODERS = ("ipm-multi(max_epochs=8)", "ipm-binary(max_epochs=8)")  # two minutes a fold; 40 epochs take ten


@SUITES.register("text")
def text() -> Suite:
    """Methods that read strings, ten folds."""
    imputers = ("mean", "knn-1", "knn", "dlm", "holoclean", "ngram-logistic", "datawig", *TEXT_ENCODERS)
    return Suite("text", (Block("restaurant", imputers, FOLDS, (0.1,), (1,), PUBLISHED_DRAWS),))
