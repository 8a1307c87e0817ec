"""Chained random forests: every hole gets the answer of a row that shares a leaf with it in one of ten trees."""

from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.item import Item, Turn
from imputers.shared.ranges import COUNT

Leaves = NDArray[np.intp]
SMALLEST_SPLIT = {Kind.NOMINAL: 2, Kind.ORDINAL: 6, Kind.NUMERIC: 6}  # rows of a node, as ranger has it


@IMPUTERS.register("mice-rf")
class MiceRf(ChainedImputer):
    """Chained random forests: donors from the leaves of ten trees.

    Doove, van Buuren & Dusseldorp 2014 (Computational Statistics & Data Analysis 72, 92–104, algorithm 2), with the
    settings of R's ``mice.impute.rf``: ten trees, each on a bootstrap sample of the rows that know the item, with
    ⌊√q⌋ of the q predictors tried at a split, and nodes of one row (nominal items) or of up to five (others) left as
    they are. All rows that know the item then go down every tree, whether it grew from them or not. The donors of a
    hole are those that share its leaf in one of the trees, a row as often as it does, and one is drawn at random.
    Nominal items by classification (Gini), ordinal and numeric ones by regression on the code. Predictors are codes
    and, for nominal items, a 0/1 column a level, where R splits levels in two sets.

    Shah et al. 2014 (American Journal of Epidemiology 179, 764–774) draw instead from a normal law about the forest's
    mean, with its out-of-bag error as variance; answers on a scale want donors.

    Assumes missingness at random, and nothing of the form of effects. New rows are dropped down trees grown on the
    fitted rows. Draws are improper: each hole takes another tree, so that holes do not share what is uncertain about
    the trees. Rows that a tree grew from stand in leaves that fit them better than the holes beside them.

    Parameters
    ----------
    max_iter : iterations over the items.
    n_estimators : trees of a forest.
    """

    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "as published (R's mice)"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {"max_iter": COUNT, "n_estimators": COUNT}

    def __init__(self, max_iter: int = 5, n_estimators: int = 10) -> None:
        self.max_iter = max_iter
        self.n_estimators = n_estimators

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        item, known, holes = turn.item, turn.known().astype(np.float32), turn.holes().astype(np.float32)
        known, holes = known[:, 1:], holes[:, 1:]  # the constant would be tried for nothing
        nominal = item.column.kind is Kind.NOMINAL
        answers = item.answers if nominal else item.codes
        at_known, at_holes = [], []
        for _ in range(self.n_estimators):
            drawn = rng.integers(len(known), size=len(known))
            tree = (DecisionTreeClassifier if nominal else DecisionTreeRegressor)(
                max_features="sqrt",
                min_samples_split=SMALLEST_SPLIT[item.column.kind],
                random_state=int(rng.integers(2**31)),
            ).fit(known[drawn], answers[drawn])
            at_known.append(tree.apply(known))
            at_holes.append(tree.apply(holes))
        return forest_donors(item, at_known, at_holes, rng)


def forest_donors(item: Item, known: list[Leaves], holes: list[Leaves], rng: np.random.Generator) -> Fill:
    """Draw one of the rows that share a leaf with each hole, over all trees; their shares or mean are the forecast.

    Parameters
    ----------
    known, holes : for each tree, leaf numbers of the rows with the item observed (n,) and missing (h,). A leaf with a
        hole holds a known row.
    """
    sizes = [np.bincount(leaves, minlength=leaves.max() + 1) for leaves in known]
    offered = np.column_stack([size[own] for size, own in zip(sizes, holes, strict=True)])  # (h, trees)
    ends = offered.cumsum(axis=1)
    place = (rng.random(len(ends)) * ends[:, -1]).astype(np.intp)  # of the donor among all that are offered
    chosen = (place[:, None] >= ends).sum(axis=1)  # the tree that it stands in
    donors = np.empty(len(place), dtype=np.intp)
    for t, (leaves, size, own) in enumerate(zip(known, sizes, holes, strict=True)):
        some = np.flatnonzero(chosen == t)
        order = np.argsort(leaves, kind="stable")  # rows of a leaf stand together
        last = size.cumsum()[own[some]] - 1
        donors[some] = order[last - (ends[some, t] - 1 - place[some])]
    return Fill(item.codes[donors], partial(_forecast, item, known, holes, ends[:, -1]))


def _forecast(item: Item, known: list[Leaves], holes: list[Leaves], offered: NDArray[np.intp]) -> Floats:
    """Mean code of all donors of each hole (h,), or the shares of K levels among them (h, K)."""
    if item.column.kind is Kind.NUMERIC:
        return sum(np.bincount(own, item.codes)[at] for own, at in zip(known, holes, strict=True)) / offered
    K, counts = len(item.levels), np.zeros((len(offered), len(item.levels)))
    for own, at in zip(known, holes, strict=True):
        counts += np.bincount(own * K + item.answers, minlength=(own.max() + 1) * K).reshape(-1, K)[at]
    return counts / offered[:, None]
