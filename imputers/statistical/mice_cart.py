"""Chained classification and regression trees: every hole gets the answer of a row in its leaf."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.item import Item, Rows, Turn
from imputers.shared.predictors import Design, Predictors
from imputers.shared.ranges import COUNT, NOT_NEGATIVE
from imputers.statistical.histogram_tree import MOST, NumericOutcome, Outcome, binned, cuts, grow

EXACT = 50_000  # rows up to which splits are sought between all values


@IMPUTERS.register("mice-cart")
class MiceCart(ChainedImputer):
    """Chained classification and regression trees: donors from the leaf.

    Burgette & Reiter 2010 (American Journal of Epidemiology 172, 1070–1076); Doove, van Buuren & Dusseldorp 2014
    (Computational Statistics & Data Analysis 72, 92–104, algorithm 1), with the settings of R's ``mice.impute.cart``:
    leaves of 5 rows or more, no split of a node below 15, and no split that improves the fit by less than 1e-4 of the
    root's impurity. Nominal items by classification (Gini), ordinal and numeric ones by regression on the code.
    Predictors are codes and, for nominal items, a 0/1 column a level.

    In tables of more than 50,000 rows splits are sought between bins: the distinct values of a predictor, or its
    quantiles where there are more than 255.

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

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        super()._fit(X, rng)
        self.edges_ = list(design_cuts(self.predictors_, X)) if len(X) > EXACT else []

    def decided(self) -> str:
        """Say that numeric predictors were cut into bins, if they were."""
        numeric = self.schema_.where(Kind.NUMERIC)
        if not self.edges_ or not len(numeric):
            return ""
        return (
            f"mice-cart splits numeric items at {MOST - 1} quantiles at most in tables of more than {EXACT:,} rows, "
            "as this one; fewer rows are split at every value."
        )

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        known, holes = turn.known(), turn.holes()
        if self.edges_:
            edges = [self.edges_[k - 1] for k in turn.chosen[1:]]
            leaves = self._binned_leaves(turn.item, known, holes, edges, rng)
        else:
            leaves = self._leaves(turn.item, known, holes, rng)
        return leaf_donors(turn.item, *leaves, rng)

    def _leaves(self, item: Item, known: Design, holes: Design, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Leaves of the known rows (n,) and the holes (h,), by splits at any value."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

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
        return tree.apply(known), tree.apply(holes)

    def _binned_leaves(
        self, item: Item, known: Design, holes: Design, edges: Sequence[Floats], rng: np.random.Generator
    ) -> tuple[Rows, Rows]:
        """The same by splits between the bins of each predictor; of equal splits, chance prefers a predictor."""
        order = rng.permutation(len(edges))
        shuffled = [edges[k] for k in order]
        return grow(
            binned([known[:, 1 + k] for k in order], shuffled),  # the constant tells nothing
            outcome_of(item),
            binned([holes[:, 1 + k] for k in order], shuffled),
            min_samples_leaf=self.min_samples_leaf,
            min_samples_split=3 * self.min_samples_leaf,
            min_gain=self.min_impurity_decrease,
        )


def design_cuts(predictors: Predictors, X: Floats) -> Iterator[Floats]:
    """Where each column of the design of a table (n, p) is cut into bins, the constant left out."""
    for j, codes in enumerate(X.T):
        for values in predictors.encode(j, codes[~np.isnan(codes)]).T:
            yield cuts(values)


def outcome_of(item: Item) -> Outcome | NumericOutcome:
    """What a tree of an item tells apart: the levels of a nominal one, the codes of another."""
    if item.column.kind is Kind.NUMERIC:
        return NumericOutcome(item.codes - item.codes.mean())  # about zero, squares lose no digits
    nominal = item.column.kind is Kind.NOMINAL
    return Outcome(item.answers, np.eye(len(item.levels)) if nominal else item.levels[:, None])


def leaf_donors(item: Item, known: Rows, holes: Rows, rng: np.random.Generator) -> Fill:
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
        return Fill(item.codes_of(donors), lambda: np.bincount(known, item.codes)[holes] / sizes[holes])
    K = len(item.levels)
    counts = np.bincount(known * K + item.answers, minlength=leaves * K).reshape(leaves, K)
    return Fill(item.codes_of(donors), lambda: counts[holes] / sizes[holes, None])
