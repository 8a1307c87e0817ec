"""Chained classification and regression trees with donors from the leaf."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Kind
from imputers import IMPUTERS
from imputers.statistical.chained import ChainedImputer, Fill, Item

Matrix = NDArray[np.float64]


@IMPUTERS.register("mice-cart")
class MiceCart(ChainedImputer):
    """Chained classification and regression trees, donors drawn from the leaf.

    """

    def __init__(self, sweeps: int = 5, leaf: int = 5, complexity: float = 1e-4) -> None:
        self.sweeps = sweeps
        self.leaf = leaf
        self.complexity = complexity

    def _fill(
        self, item: Item, known: Matrix, holes: Matrix, start: Matrix | None, rng: np.random.Generator
    ) -> Fill:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        nominal = item.column.kind is Kind.NOMINAL
        outcome = item.positions if nominal else item.codes
        shares = np.bincount(item.positions) / len(known)
        impurity = 1 - np.sum(shares**2) if nominal else np.var(item.codes)
        grow = DecisionTreeClassifier if nominal else DecisionTreeRegressor
        tree = grow(
            min_samples_leaf=self.leaf,
            min_samples_split=3 * self.leaf,
            min_impurity_decrease=self.complexity * impurity,
            random_state=int(rng.integers(2**31)),
        ).fit(known.astype(np.float32), outcome)
        return leaf_donors(item, tree.apply(known.astype(np.float32)), tree.apply(holes.astype(np.float32)), rng)


def leaf_donors(item: Item, known: NDArray[np.intp], holes: NDArray[np.intp], rng: np.random.Generator) -> Fill:
    """Draw a donor at random from the leaf of each hole.

    Parameters
    ----------
    known, holes : leaf numbers of the rows that know the item (n,) and of those that do not (h,).
    """
    order = np.argsort(known, kind="stable")
    sizes = np.bincount(known, minlength=max(known.max(), holes.max()) + 1)
    ends = sizes.cumsum()
    donors = order[ends[holes] - 1 - (rng.random(len(holes)) * sizes[holes]).astype(int)]
    leaves = len(sizes)
    if item.column.kind is Kind.NUMERIC:
        sums = np.bincount(known, item.codes, leaves)
        return Fill(item.codes[donors], sums[holes] / sizes[holes])
    K = len(item.levels)
    counts = np.bincount(known * K + item.positions, minlength=leaves * K).reshape(leaves, K)
    return Fill(item.codes[donors], counts[holes] / sizes[holes, None])
