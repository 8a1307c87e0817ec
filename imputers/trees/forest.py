"""One random forest for one item: what it predicts, and its out-of-bag error."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats, Kind

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

Float32s = NDArray[np.float32]


class Growth(NamedTuple):
    """How forests grow: their number of trees, rows drawn for a tree as a share of all, fewest rows in a leaf."""

    n_estimators: int
    max_samples: float
    min_samples_leaf: int


@dataclass(frozen=True, eq=False)
class Forest:
    """A random forest (Breiman 2001, Machine Learning 45, 5–32) that predicts one item from the design of the others.

    Parameters
    ----------
    column : the item.
    trees : scikit-learn's trees: of classification if the item is nominal, of regression on its code if not.
    error : out-of-bag error: share misclassified if the item is nominal, mean squared error if not.
    """

    column: Column
    trees: tuple["DecisionTreeClassifier | DecisionTreeRegressor", ...]
    error: float

    def predict(self, D: Float32s) -> tuple[Floats, Floats]:
        """Mean leaf share of each level (h, K) and the likeliest level (h,); or (h, 0) and the mean of leaf means."""
        found = np.mean([_leaves(tree, D) for tree in self.trees], axis=0)
        if self.column.kind is not Kind.NOMINAL:
            return found[:, :0], found[:, 0]
        shares = np.zeros((len(D), len(self.column.levels)))
        shares[:, self.trees[0].classes_.astype(np.intp)] = found  # a level never observed keeps 0
        return shares, self.column.levels[shares.argmax(axis=1)]


def grow(column: Column, D: Float32s, codes: Floats, growth: Growth, rng: np.random.Generator) -> Forest:
    """Grow a forest on predictors (n, q) and codes (n,); ⌊√q⌋ predictors are tried at each split.

    The loop is that of scikit-learn's forests, which count a row that no tree left out as predicted to be 0 in their
    out-of-bag error, and so err where trees are few; here such rows do not count.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    n, nominal = len(codes), column.kind is Kind.NOMINAL
    targets = np.searchsorted(column.levels, codes).astype(float) if nominal else codes
    votes = np.zeros((n, len(np.unique(targets)) if nominal else 1))
    times = np.zeros(n)
    trees = []
    for _ in range(growth.n_estimators):
        drawn = np.bincount(rng.integers(n, size=max(1, round(growth.max_samples * n))), minlength=n)
        tree = (DecisionTreeClassifier if nominal else DecisionTreeRegressor)(
            max_features="sqrt", min_samples_leaf=growth.min_samples_leaf, random_state=int(rng.integers(2**31))
        )
        trees.append(tree.fit(D, targets, sample_weight=drawn.astype(float), check_input=False))
        out = drawn == 0
        votes[out] += _leaves(tree, D[out])
        times[out] += 1
    voted = times > 0
    votes, targets, times = votes[voted], targets[voted], times[voted]
    wrong = tree.classes_[votes.argmax(axis=1)] != targets if nominal else (votes[:, 0] / times - targets) ** 2
    return Forest(column, tuple(trees), float(np.mean(wrong)))


def _leaves(tree: "DecisionTreeClassifier | DecisionTreeRegressor", D: Float32s) -> Floats:
    """What a tree's leaves hold for rows (h, q): class shares (h, K), or means (h, 1)."""
    if hasattr(tree, "predict_proba"):
        return tree.predict_proba(D, check_input=False)
    return tree.predict(D, check_input=False)[:, None]
