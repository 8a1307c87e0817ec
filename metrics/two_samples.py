"""Two samples: whether a classifier can tell completed respondents from true ones."""

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import Floats
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.metric import TABLE, BoardName, Headline, Reads, metric

FOLDS, SEED = 3, 2017
BOOSTING = {
    "objective": "binary",
    "num_leaves": 15,
    "seed": SEED,
    "num_threads": 1,
    "deterministic": True,
    "verbose": -1,
}
ROUNDS = 60


@METRICS.register("two-sample-auc")
@metric(
    reads=Reads.FILLS,
    better="0.5",
    span=(0, 1),
    best=0.5,
    trivial="0.91 at 30 % hidden (mean, mode)",
    headline=Headline("told apart (AUC)", place=6, board=BoardName.DISTRIBUTIONS),
)
def two_sample_auc(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """How well a classifier tells rows that the first draw completed from true ones.

    Area under the ROC curve of gradient-boosted trees (LightGBM: Ke et al. 2017) that learn from the codes of a row
    whether they are all a respondent's own (classifier two-sample test: Lopez-Paz and Oquab 2017, ICLR). A row is
    judged by trees that saw neither it nor its other version. 0.5: cannot be told apart. Rows without hidden cells, the
    same in both samples, are left out; so is a table with fewer than three others. The trees see less than there
    is, so the number compares methods on one table and is no bound.
    """
    table = next(completed_tables(masked, prediction))
    touched = masked.hidden.any(axis=1)
    if touched.sum() < FOLDS:
        return {}
    return {TABLE: _told_apart(masked.truth.values[touched], table[touched])}


def _told_apart(true: Floats, completed: Floats) -> float:
    """Area under the ROC curve of rows (n, p) of either kind, by cross-validation over respondents."""
    from lightgbm import Dataset, train
    from sklearn.metrics import roc_auc_score

    fold = np.random.default_rng(SEED).permutation(len(true)) % FOLDS
    scores = np.empty((2, len(true)))
    for own in range(FOLDS):
        learned = np.vstack([true[fold != own], completed[fold != own]])
        kind = np.repeat([0.0, 1.0], len(learned) // 2)
        trees = train(BOOSTING, Dataset(learned, kind), ROUNDS)
        scores[0, fold == own] = trees.predict(true[fold == own])
        scores[1, fold == own] = trees.predict(completed[fold == own])
    return float(roc_auc_score(np.repeat([0, 1], len(true)), scores.ravel()))
