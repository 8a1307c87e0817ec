"""Chained classification and regression trees: every hole gets the answer of a row in its leaf."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.completed import Item, Turn
from imputers.shared.ranges import COUNT, NOT_NEGATIVE


@IMPUTERS.register("mice-cart")
class MiceCart(ChainedImputer):
    """Chained classification and regression trees: donors from the leaf.

    Burgette & Reiter 2010 (American Journal of Epidemiology 172, 1070–1076); Doove, van Buuren & Dusseldorp 2014
    (Computational Statistics & Data Analysis 72, 92–104, algorithm 1), with the settings of R's ``mice.impute.cart``:
    leaves of 5 rows or more, no split of a node below 15, and no split that improves the fit by less than 1e-4 of the
    root's impurity. Nominal items by classification (Gini), ordinal and numeric ones by regression on the code.
    Predictors are codes and, for nominal items, a 0/1 column a level.

    Assumes missingness at random, and nothing of the form of effects. New rows are dropped down trees grown on the
    fitted rows. Draws are improper: as in R, each iteration's tree is grown on all rows as they are, so that
    uncertainty about the tree itself is left out; it enters only by the changing fills of the other items.

    Parameters
    ----------
    max_iter : iterations over the items.
    min_samples_leaf : smallest number of rows in a leaf; a node with fewer than three times as many is not split.
    min_impurity_decrease : smallest gain of a split, as a share of the root's impurity.
    """

    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "as published (R's mice)"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_iter": COUNT,
        "min_samples_leaf": COUNT,
        "min_impurity_decrease": NOT_NEGATIVE,
    }

    def __init__(self, max_iter: int = 5, min_samples_leaf: int = 5, min_impurity_decrease: float = 1e-4) -> None:
        self.max_iter = max_iter
        self.min_samples_leaf = min_samples_leaf
        self.min_impurity_decrease = min_impurity_decrease

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        item, known, holes = turn.item, turn.known(), turn.holes()
        nominal = item.column.kind is Kind.NOMINAL
        impurity = 1 - np.sum((np.bincount(item.answers) / len(known)) ** 2) if nominal else np.var(item.codes)
        tree = (DecisionTreeClassifier if nominal else DecisionTreeRegressor)(
            min_samples_leaf=self.min_samples_leaf,
            min_samples_split=3 * self.min_samples_leaf,
            # scikit-learn weighs the gain by the node's share of rows
            min_impurity_decrease=self.min_impurity_decrease * impurity,
            random_state=int(rng.integers(2**31)),  # order of the predictors, which decides between equal splits
        )
        known, holes = known.astype(np.float32), holes.astype(np.float32)
        tree.fit(known, item.answers if nominal else item.codes)
        return leaf_donors(item, tree.apply(known), tree.apply(holes), rng)


def leaf_donors(item: Item, known: NDArray[np.intp], holes: NDArray[np.intp], rng: np.random.Generator) -> Fill:
    """Draw a donor at random from the leaf of each hole; the leaf's shares or mean are the forecast.

    Parameters
    ----------
    known, holes : leaf numbers of the rows with the item observed (n,) and missing (h,).
    """
    leaves = known.max() + 1  # every leaf holds known rows
    sizes = np.bincount(known)
    last = sizes.cumsum() - 1
    order = np.argsort(known, kind="stable")  # rows of a leaf stand together
    donors = order[last[holes] - (rng.random(len(holes)) * sizes[holes]).astype(int)]
    if item.column.kind is Kind.NUMERIC:
        return Fill(item.codes[donors], lambda: np.bincount(known, item.codes)[holes] / sizes[holes])
    K = len(item.levels)
    counts = np.bincount(known * K + item.answers, minlength=leaves * K).reshape(leaves, K)
    return Fill(item.codes[donors], lambda: counts[holes] / sizes[holes, None])
