"""Conditional mutual information: a few informative columns, and the table of the item within their classes."""

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.shared.bins import Positions, bins_of_rows, into_bins, table_edges
from imputers.shared.classes import sort_donors
from imputers.shared.levels import draw_level
from imputers.shared.ranges import COUNT, NOT_NEGATIVE, NUMBER_OR_ZERO, TWO_OR_MORE


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes that lend to some holes of one item.

    Parameters
    ----------
    holes : which of the item's holes, shape (h,).
    donors : rows that answered the item, sorted by class.
    starts, stops : where the class of each hole lies among the donors, shape (h,).
    """

    holes: Positions
    donors: Positions
    starts: Positions
    stops: Positions


@IMPUTERS.register("cmi-info")
class ConditionalInformation(Imputer):
    """Fill from the table of an item given the few columns that inform about it.

    Forward selection by conditional mutual information (Brown, Pocock, Zhao & Luján 2012, Journal of Machine Learning
    Research 13, 27–66): the context S of item Y grows by argmax I(X; Y | S) until it has ``max_features`` columns, or
    the gain is below ``tol`` · H(Y), or chance could have made it: the plain estimate is too large in small cells and
    would never stop, so its expectation by chance is taken off and a χ² test must reject, at ``significance`` divided
    by the number of columns left to choose from (see `conditional_information`). Ordinal and numeric columns are cut at
    quantiles. Nominal and ordinal holes get P(Y | S) with ``alpha`` added to each level's count (Laplace's rule of
    succession), numeric ones the mean answer of the class.

    A missing answer is no level: where a row lacks some of the context, the table is of those selected that it
    did answer; and a class of fewer than ``min_samples`` rows gives up its last selected column, then the next, down
    to everybody. Assumes missing at random given the context. Draws are proper but for the context, which counts
    as known: before each draw the shares of a class are drawn from their Dirichlet posterior, whose mean is the
    smoothed table, and numeric donors get Bayesian bootstrap weights (Rubin 1981, Annals of Statistics 9).
    Survey weights are not used. New rows join the classes of the fitted rows.

    It falls short in that columns that inform only together are not found, as each must gain by itself, and in
    that a survey of some thousand respondents carries a context of two or three columns: what many columns add in
    little steps is lost.

    Parameters
    ----------
    max_features : columns in a context at most.
    tol : smallest gain, as a share of the item's entropy.
    significance : probability of taking a column where none informs, all candidates together.
    alpha : answers that each level of an item has in advance.
    min_samples : rows that a class needs.
    n_bins : bins of an ordinal or numeric column; fewer in a table so small that no class had enough rows.

    Attributes
    ----------
    context_ : per item, positions of the columns that inform about it, in the order they were found.
    """

    nouns: ClassVar[tuple[object, ...] | None] = ()
    family: ClassVar[str] = "statistical"
    least_rows: ClassVar[int] = 300
    defaults: ClassVar[str] = "ours; on which table is not recorded"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_features": NUMBER_OR_ZERO,
        "tol": NOT_NEGATIVE,
        "significance": [Interval(Real, 0, 1, closed="both")],
        "alpha": NOT_NEGATIVE,
        "min_samples": COUNT,
        "n_bins": TWO_OR_MORE,
    }

    def __init__(
        self,
        max_features: int = 5,
        tol: float = 1e-3,
        significance: float = 0.01,
        alpha: float = 1.0,
        min_samples: int = 5,
        n_bins: int = 8,
    ) -> None:
        self.max_features = max_features
        self.tol = tol
        self.significance = significance
        self.alpha = alpha
        self.min_samples = min_samples
        self.n_bins = n_bins

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._table = X
        n_bins = bins_of_rows(self.n_bins, len(X), self.min_samples)
        self._edges = table_edges(X, self.schema_, n_bins)
        self._binned = into_bins(X, self._edges)
        self.context_ = [self._select(j) for j in range(len(self.schema_))]

    def _select(self, j: int) -> tuple[int, ...]:
        """Positions of the columns that inform about item j, in the order they were found."""
        rows = self._binned[self._binned[:, j] > 0]
        shares = np.bincount(rows[:, j])[1:] / len(rows)
        least = -self.tol * float(shares[shares > 0] @ np.log(shares[shares > 0]))
        classes, chosen = np.zeros(len(rows), dtype=np.intp), list[int]()
        while len(chosen) < self.max_features:
            gains = {
                g: conditional_information(
                    rows[:, g], rows[:, j], np.where(rows[:, g] > 0, classes, -1), self.min_samples
                )
                for g in range(rows.shape[1])
                if g != j and g not in chosen
            }
            best = max(gains, key=lambda g: gains[g][0], default=None)
            if best is None or gains[best][0] < least or gains[best][1] > self.significance / len(gains):
                break
            chosen.append(best)
            both = (classes >= 0) & (rows[:, best] > 0)
            classes = np.where(both, classes * (rows[:, best].max() + 1) + rows[:, best], -1)
        return tuple(chosen)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        holes = np.isnan(X)
        drawn, expected, probabilities = np.tile(X, (n_draws, 1, 1)), np.full(X.shape, np.nan), {}
        for j, column in enumerate(self.schema_):
            rows = np.flatnonzero(holes[:, j])
            counts = np.empty((len(rows), len(column.levels)))
            for found in self._classes(X, j):
                own, sums = rows[found.holes], self._sums(j, found)
                if column.kind is Kind.NUMERIC:
                    drawn[:, own, j] = self._drawn_answers(j, found, n_draws, rng)
                    expected[own, j] = sums[:, 0] / (found.stops - found.starts)
                else:
                    counts[found.holes] = sums + self.alpha
                    drawn[:, own, j] = drawn_levels(column, found, counts[found.holes], n_draws, rng)
            if column.kind is not Kind.NUMERIC:
                probabilities[j] = counts / counts.sum(axis=1, keepdims=True)
            if column.kind is Kind.ORDINAL:
                expected[rows, j] = probabilities[j] @ column.levels
        return Prediction(drawn[:, holes], expected[holes], probabilities)

    def _drawn_answers(self, j: int, found: Classes, n_draws: int, rng: np.random.Generator) -> Floats:
        """Answers (m, h) of donors of the class, by Bayesian bootstrap weights."""
        answers = self._table[found.donors, j]
        drawn = np.empty((n_draws, len(found.holes)))
        for fill in drawn:
            edges = np.append(0.0, rng.exponential(size=len(answers)).cumsum())
            low, high = edges[found.starts], edges[found.stops]
            picked = np.searchsorted(edges, low + rng.random(len(low)) * (high - low), side="right") - 1
            fill[:] = answers[np.clip(picked, found.starts, found.stops - 1)]  # rounding may step over the edge
        return drawn

    def _sums(self, j: int, found: Classes) -> Floats:
        """Sum over the class of each hole: of the answers (h, 1) if numeric, else how many gave each level (h, K)."""
        levels, answers = self.schema_.columns[j].levels, self._table[found.donors, j, None]
        summed = (answers == levels) if len(levels) else answers
        reached = np.vstack([np.zeros((1, summed.shape[1])), summed.cumsum(axis=0)])
        return reached[found.stops] - reached[found.starts]

    def _classes(self, X: Floats, j: int) -> Iterator[Classes]:
        """Classes of the holes of item j, by what was answered of the context and how much of it could be kept."""
        context, binned = np.array(self.context_[j], dtype=np.intp), into_bins(X[np.isnan(X[:, j])], self._edges)
        answered = np.flatnonzero(self._binned[:, j])
        patterns, own = np.unique(binned[:, context] > 0, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            holes = np.flatnonzero(own.ravel() == number)
            donors = sort_donors(self._binned, answered, tuple(context[pattern].tolist()), self._edges)
            depths, starts, stops = donors.locate(binned[holes][:, donors.groups], self.min_samples)
            for depth in np.unique(depths):
                here = depths == depth
                yield Classes(holes[here], donors.rows[depth], starts[here], stops[here])


def drawn_levels(column: Column, found: Classes, counts: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
    """Levels (m, h) from shares drawn for each class from their Dirichlet posterior, of these counts (h, K)."""
    _, first, own = np.unique(found.starts, return_index=True, return_inverse=True)
    gammas = rng.standard_gamma(counts[first], (n_draws, len(first), counts.shape[1]))
    return column.levels[np.stack([draw_level(gamma[own], rng) for gamma in gammas])]


def conditional_information(x: Positions, y: Positions, classes: Positions, smallest: int = 1) -> tuple[float, float]:
    """Information (nats) that x has about y within classes, less its expectation by chance; and its p-value.

    Parameters
    ----------
    x, y : bins of two columns, shape (n,).
    classes : class of each row, shape (n,); -1 leaves the row out.
    smallest : rows that a cell of class and x needs to be counted on; those of smaller cells, whose table would be
        given up, count as if x told nothing about them.

    Returns
    -------
    The plain estimate is G / 2n, with G the likelihood ratio statistic. If x and y are independent within
    classes, G has about a χ² distribution with Σ (levels of x - 1)(levels of y - 1) degrees of freedom, over classes
    and levels found in them (Miller 1955, "Note on the bias of information estimates"), and its mean is taken
    off. Where few rows are expected in a cell of x and y, G tends to be larger than that; the p-value is therefore
    that of Pearson's X², whose mean stays right.

    Examples
    --------
    >>> coin = np.tile([0, 1], 500)
    >>> round(conditional_information(coin, coin, np.zeros(1000, dtype=int))[0], 2)  # log 2, about itself
    0.69
    >>> conditional_information(coin, coin, coin)  # but nothing to who knows it already
    (0.0, 1.0)
    """
    from scipy.special import chdtrc

    rows = classes >= 0
    _, cell, sizes = np.unique((classes * (x.max() + 1) + x)[rows], return_inverse=True, return_counts=True)
    large = sizes[cell] >= smallest
    G, X2, freedom = independence_statistics(x[rows][large], y[rows][large], classes[rows][large])
    if freedom == 0:
        return 0.0, 1.0
    return (G - freedom) / (2 * int(rows.sum())), float(chdtrc(freedom, X2))


def independence_statistics(x: Positions, y: Positions, classes: Positions) -> tuple[float, float, int]:
    """Likelihood ratio and Pearson's statistic of independence within classes, and their degrees of freedom."""
    strata, own = np.unique(classes, return_inverse=True)
    width = int(y.max(initial=0)) + 1
    _, first, cell = np.unique(own * (x.max(initial=0) + 1) + x, return_index=True, return_inverse=True)
    counts = np.bincount(cell * width + y, minlength=len(first) * width).reshape(-1, width)  # per class and level of x
    within = own[first]  # class of each row of counts
    totals = np.zeros((len(strata), width))
    np.add.at(totals, within, counts)
    levels_x, levels_y = np.bincount(within, minlength=len(strata)), (totals > 0).sum(axis=1)
    expected = (totals / totals.sum(axis=1, keepdims=True))[within] * counts.sum(axis=1, keepdims=True)
    possible, found = expected > 0, counts > 0
    G = 2 * float((counts[found] * np.log(counts[found] / expected[found])).sum())
    X2 = float(((counts[possible] - expected[possible]) ** 2 / expected[possible]).sum())
    return G, X2, int(((levels_x - 1) * (levels_y - 1)).sum())
