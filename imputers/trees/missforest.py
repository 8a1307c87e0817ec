"""MissForest: a random forest per item, pass after pass, until the fills stop settling."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.trees.forest import Forest, Growth, grow
from imputers.trees.predictors import encode, increasing_holes, others

SMALLEST_LEAF = {Kind.NOMINAL: 1, Kind.ORDINAL: 5, Kind.NUMERIC: 5}  # rows, as in R's randomForest


@IMPUTERS.register("missforest")
class MissForest(Imputer):
    """MissForest: a random forest per item, repeated until the fills stop settling.

    Stekhoven & Bühlmann 2012 (Bioinformatics 28, 112–118), algorithm 1. Holes start at the mean or mode. In each
    pass the items, fewest holes first, are predicted by a random forest on all others as they stand. As soon
    as the change from one pass to the next has shrunk for neither kind of item, the pass before is returned. The change
    is Σ(new − old)² / Σ new² over numeric items, among which ordinal ones count with their codes (their fills are
    snapped to the scale at the end), and the share of changed fills over nominal items.

    Assumes missingness at random, and nothing of the form of effects. It is single imputation: draws are equal rows,
    which understates spread and overstates associations. New rows are filled by replaying the forests of every
    pass; the holes of the fitted table so get exactly the fills of the algorithm. For that, forests are grown for items
    without holes too. Survey weights are not used.

    Defaults are those of R's ``missForest``: 100 trees on bootstrap samples of full size, at most 10 passes, and the
    smallest leaves of ``randomForest``, one row for nominal items and five for others. One departs: a nominal item is
    a 0/1 column for each level, where R splits its levels in two sets, so that ⌊√q⌋ of the q predictors as coded are
    tried at a split, where R tries ⌊√p⌋ of p items.

    Parameters
    ----------
    n_estimators : trees in a forest.
    max_iter : most passes through the items.
    min_samples_leaf : smallest number of rows in a leaf; None is 1 for nominal items and 5 for others.
    max_samples : rows drawn for a tree, as a share of those that know the item.

    Attributes
    ----------
    errors_ : out-of-bag error of each item in the returned pass, shape (p,): share misclassified of a nominal item,
        mean squared error of another.
    changes_ : change in every pass made, for the kinds of items that have holes.
    """

    family: ClassVar[str] = "trees"
    defaults: ClassVar[str] = "as published (Stekhoven & Bühlmann 2012), nominal as dummies"
    deterministic: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left"), None],
        "max_samples": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self, n_estimators: int = 100, max_iter: int = 10, min_samples_leaf: int | None = None, max_samples: float = 1.0
    ) -> None:
        self.n_estimators = n_estimators
        self.max_iter = max_iter
        self.min_samples_leaf = min_samples_leaf
        self.max_samples = max_samples

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self.start_ = np.array([_start(x, column.kind) for x, column in zip(X.T, self.schema_, strict=True)])
        self.order_ = increasing_holes(X)
        self.passes_: list[dict[int, Forest]] = []
        self.changes_: list[dict[str, float]] = []
        D = self._started(X)
        for _ in range(self.max_iter):
            before = D.copy()
            forests = self._pass(X, D, rng)
            self.changes_.append(self._change(np.isnan(X), before, D))
            if stops(self.changes_):
                break
            self.passes_.append(forests)
        self.errors_ = np.array([self.passes_[-1][j].error for j in range(X.shape[1])])

    def _started(self, X: Floats) -> Floats:
        """Design (n, q) of a table with its holes at the mean or mode."""
        return self.schema_.design(np.where(np.isnan(X), self.start_, X))

    def _pass(self, X: Floats, D: Floats, rng: np.random.Generator) -> dict[int, Forest]:
        """Grow a forest for every item, and write its fills into the design before the next item."""
        forests = {}
        for j in self.order_:
            known, column = ~np.isnan(X[:, j]), self.schema_.columns[j]
            smallest = self.min_samples_leaf or SMALLEST_LEAF[column.kind]
            growth = Growth(self.n_estimators, self.max_samples, smallest)
            forests[j] = grow(column, others(D[known], self.schema_, j), X[known, j], growth, rng)
            self._fill(D, ~known, j, forests[j])
        return forests

    def _fill(self, D: Floats, gone: NDArray[np.bool_], j: int, forest: Forest) -> Floats:
        """Write predictions into the design of the rows that lack item j; return their level shares (h, K)."""
        if not gone.any():
            return np.empty((0, 0))
        shares, codes = forest.predict(others(D[gone], self.schema_, j))
        D[gone, self.schema_.blocks[j]] = encode(self.schema_, j, codes)
        return shares

    def _change(self, holes: NDArray[np.bool_], before: Floats, after: Floats) -> dict[str, float]:
        """How much the fills moved in a pass, for the kinds of items that have holes."""
        moved, total = {"numeric": 0.0, "nominal": 0.0}, {"numeric": 0.0, "nominal": 0.0}
        for j in np.flatnonzero(holes.any(axis=0)):
            old, new = before[:, self.schema_.blocks[j]], after[:, self.schema_.blocks[j]]
            nominal = self.schema_.columns[j].kind is Kind.NOMINAL
            kind = "nominal" if nominal else "numeric"
            moved[kind] += np.any(old != new, axis=1).sum() if nominal else np.sum((new - old) ** 2)
            total[kind] += holes[:, j].sum() if nominal else np.sum(new**2)
        return {kind: float(moved[kind] / total[kind]) for kind in moved if total[kind] > 0}

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        D, holes = self._started(X), np.isnan(X)
        shares: dict[int, Floats] = {}
        for forests in self.passes_:
            for j in self.order_:
                shares[j] = self._fill(D, holes[:, j], j, forests[j])
        expected = np.column_stack([D[:, block.start] for block in self.schema_.blocks])
        expected[:, self.schema_.where(Kind.NOMINAL)] = np.nan
        fills = self.schema_.undesign(D)[holes]
        probabilities = {j: found for j, found in shares.items() if found.size}
        return Prediction(np.tile(fills, (n_draws, 1)), expected[holes], probabilities)


def stops(changes: Sequence[Mapping[str, float]]) -> bool:
    """Tell from the changes of all passes so far whether the last one moved no kind of item less than that before it.

    The rule of Stekhoven & Bühlmann 2012, section 2, over the kinds that have holes; as in the authors' R code, a
    change that stays the same counts as one that did not shrink.

    Examples
    --------
    >>> stops([{"numeric": 0.2, "nominal": 0.3}, {"numeric": 0.1, "nominal": 0.4}])
    False
    >>> stops([{"numeric": 0.2, "nominal": 0.3}, {"numeric": 0.2, "nominal": 0.4}])
    True
    """
    if len(changes) < 2:
        return False
    before, now = changes[-2:]
    return not any(now[kind] < before[kind] for kind in now)


def _start(codes: Floats, kind: Kind) -> float:
    """Mean of a column (n,) with holes, or its mode if it is nominal; ties go to the lower code."""
    if kind is not Kind.NOMINAL:
        return float(np.nanmean(codes))
    levels, counts = np.unique(codes[~np.isnan(codes)], return_counts=True)
    return float(levels[counts.argmax()])
