"""One random forest for one item: what it predicts, and its out-of-bag error."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Codes, Column, Kind

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

Matrix = NDArray[np.float32]


class Growth(NamedTuple):
    """How forests grow: their number of trees, rows drawn for a tree as a share of all, fewest rows in a leaf."""

    trees: int
    share: float
    leaf: int


@dataclass(frozen=True, eq=False)
class Forest:
    """A random forest (Breiman 2001, Machine Learning 45, 5–32) that predicts one item from the design of the others.

    Parameters
    ----------
    column : the item.
    trees : the fitted scikit-learn estimator: a classifier if the item is nominal, a regression on the code if not.
    error : out-of-bag error: share misclassified if the item is nominal, mean squared error if not.
    """

    column: Column
    trees: "RandomForestClassifier | RandomForestRegressor"
    error: float

    def predict(self, D: Matrix) -> tuple[Codes, Codes]:
        """Mean leaf share of each level (h, K) and the likeliest level (h,); or mean of leaf means and (h, 0)."""
        if self.column.kind is not Kind.NOMINAL:
            return np.empty((len(D), 0)), self.trees.predict(D)
        shares = np.zeros((len(D), len(self.column.levels)))
        shares[:, self.trees.classes_] = self.trees.predict_proba(D)  # a level never observed keeps 0
        return shares, self.column.levels[shares.argmax(axis=1)]


def grow(column: Column, D: Matrix, codes: Codes, growth: Growth, seed: int) -> Forest:
    """Grow a forest on predictors (n, q) and codes (n,); ⌊√q⌋ predictors are tried at each split."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    nominal = column.kind is Kind.NOMINAL
    trees = (RandomForestClassifier if nominal else RandomForestRegressor)(
        n_estimators=growth.trees,
        max_features="sqrt",
        max_samples=growth.share,
        min_samples_leaf=growth.leaf,
        oob_score=True,
        random_state=seed,
        n_jobs=1,
    )
    if not nominal:
        trees.fit(D, codes)
        return Forest(column, trees, float(np.mean((trees.oob_prediction_ - codes) ** 2)))
    labels = np.searchsorted(column.levels, codes)
    trees.fit(D, labels)
    guess = trees.classes_[trees.oob_decision_function_.argmax(axis=1)]
    return Forest(column, trees, float(np.mean(guess != labels)))
