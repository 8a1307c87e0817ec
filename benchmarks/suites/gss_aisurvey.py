"""Two-answer items of the General Social Survey 2022 in ten folds, after the protocol of Kim and Lee (2023)."""

from typing import TYPE_CHECKING

from benchmarks.suite import FOLDS, Block, Suite
from benchmarks.suites import SUITES

if TYPE_CHECKING:
    from reports.facts import PublishedFacts

FEASIBLE = ("mean", "matrix-factorisation", "gbm(max_iter=1, n_features=40)")  # on hundreds of items
QUICK = (*FEASIBLE, "latent-class", "knn")  # seconds to a minute on a hundred items

TWO_ANSWERS: "PublishedFacts" = {
    "label": "Kim and Lee 2023",
    "values": {"pooled-auc": 0.87},
    "note": "pooled AUC .87 for the imputation of missing cells in ten folds, by a network on a frozen language "
    "model's reading of the questions (Kim and Lee 2023, arXiv 2305.09620). What differs: theirs are 3,110 opinions of "
    "68,846 respondents of 1972–2021, these are items of all sorts, opinions and facts, of the one year 2022; which "
    "answer counts as the second one is coded otherwise, and pooled AUC depends on it; their figure comes from the "
    "training checkpoint that did best on the very fold it is scored on, ours from methods that never saw the hidden "
    "cells. And the holes of this table speak: whoever was asked about a spouse's job has a spouse. Methods that see "
    "open holes (gbm in one iteration) profit from that, and all do from items that are close to each other.",
}
ABOUT = {"published_metrics": TWO_ANSWERS}


@SUITES.register("gss-aisurvey")
def gss_aisurvey() -> Suite:
    """All two-answer items, ten folds."""
    return Suite("gss-aisurvey", (Block("gss2022-binary", FEASIBLE, FOLDS, (0.1,), (1,), 2),), about=ABOUT)


@SUITES.register("gss-aisurvey-100")
def gss_aisurvey_100() -> Suite:
    """A hundred two-answer items, ten folds."""
    return Suite("gss-aisurvey-100", (Block("gss2022-binary-100", QUICK, FOLDS, (0.1,), (1,), 2),), about=ABOUT)


@SUITES.register("gss-aisurvey-slow")
def gss_aisurvey_slow() -> Suite:
    """A hundred two-answer items, two folds of ten, with slower methods."""
    imputers = (*QUICK, "gbm", "mice-pmm", "masked-transformer")
    return Suite("gss-aisurvey-slow", (Block("gss2022-binary-100", imputers, FOLDS[:2], (0.1,), (1,), 2),), about=ABOUT)
