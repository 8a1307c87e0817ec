"""Conditional mutual information: a few telling columns, and the table of the item within their classes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.shared.classes import bin_edges, into_bins, sort_donors

Numbers = Floats
Bins = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes that lend to some holes of one item.

    Parameters
    ----------
    holes : which of the item's holes, shape (h,).
    donors : rows that answered the item, sorted by class.
    starts, stops : where the class of each hole lies among the donors, shape (h,).
    """

    holes: Bins
    donors: Bins
    starts: Bins
    stops: Bins


@IMPUTERS.register("cmi-info")
class ConditionalInformation(Imputer):
    """Fill from the table of an item given the few columns that inform about it.

    Forward selection by conditional mutual information (Brown, Pocock, Zhao & Luján 2012, Journal of Machine Learning
    Research 13, 27–66): the context S of item Y grows by argmax I(X; Y | S) until it has ``most`` columns, or the gain
    is below ``epsilon`` · H(Y), or chance could have made it: the plain estimate is too large in small cells and
    would never stop, so its expectation by chance is taken off and a χ² test must reject, at ``chance`` divided
    by the number of candidates (see `conditional_information`). Ordinal and numeric columns are cut at quantiles.
    Nominal and ordinal holes get P(Y | S) with ``alpha`` added to each level's count (Laplace's rule of succession),
    numeric ones the mean answer of the class.

    A missing answer is no level: where a row lacks some of the context, the table is of those selected that it
    did answer; and a class of fewer than ``n_min`` rows gives up its last selected column, then the next, down
    to everybody. Assumes missing at random given the context. Draws are proper but for the context, which counts
    as known: before each draw the shares of a class are drawn from their Dirichlet posterior, whose mean is the
    smoothed table, and numeric donors get Bayesian bootstrap weights (Rubin 1981, Annals of Statistics 9).
    Survey weights are not used. New rows join the classes of the fitted rows.

    It falls short in that columns that inform only together are not found, as each must gain by itself, and in
    that 3,500 respondents carry a context of two or three columns: what many columns add in little steps is lost. On
    the GSS 2022 with 30 % hidden at random its correlation-error is .23, that of gaussian-em .07.

    Parameters
    ----------
    most : columns in a context at most.
    epsilon : smallest gain, as a share of the item's entropy.
    chance : probability of taking a column where none informs, all candidates together.
    alpha : answers that each level of an item has in advance.
    n_min : rows that a class needs.
    bins : bins of an ordinal or numeric column.
    """

    def __init__(
        self,
        most: int = 5,
        epsilon: float = 1e-3,
        chance: float = 0.01,
        alpha: float = 1.0,
        n_min: int = 5,
        bins: int = 8,
    ) -> None:
        self.most = most
        self.epsilon = epsilon
        self.chance = chance
        self.alpha = alpha
        self.n_min = n_min
        self.bins = bins

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        for name, lowest in (("most", 0), ("alpha", 0), ("n_min", 1), ("bins", 2)):
            if getattr(self, name) < lowest:
                raise InputError(f"cmi-info: {name} is {getattr(self, name)}; it must be {lowest} at least; raise it")
        self._table = X
        self._cuts = bin_edges(X, self.schema_, self.bins)
        self._binned = into_bins(X, self._cuts)
        self.context_ = [self._select(j) for j in range(len(self.schema_))]

    def _select(self, j: int) -> tuple[int, ...]:
        """Positions of the columns that inform about item j, in the order they were found."""
        rows = self._binned[self._binned[:, j] > 0]
        shares = np.bincount(rows[:, j])[1:] / len(rows)
        least = -self.epsilon * float(shares[shares > 0] @ np.log(shares[shares > 0]))
        classes, chosen = np.zeros(len(rows), dtype=np.intp), list[int]()
        while len(chosen) < self.most:
            gains = {
                g: conditional_information(rows[:, g], rows[:, j], np.where(rows[:, g] > 0, classes, -1), self.n_min)
                for g in range(rows.shape[1])
                if g != j and g not in chosen
            }
            best = max(gains, key=lambda g: gains[g][0], default=None)
            if best is None or gains[best][0] < least or gains[best][1] > self.chance / len(gains):
                break
            chosen.append(best)
            both = (classes >= 0) & (rows[:, best] > 0)
            classes = np.where(both, classes * (rows[:, best].max() + 1) + rows[:, best], -1)
        return tuple(chosen)

    def _draws(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Numbers:
        columns = np.nonzero(np.isnan(X))[1]
        fills = np.empty((n_draws, len(columns)))
        for j, column in enumerate(self.schema_):
            draw = self._drawn_answers if column.kind is Kind.NUMERIC else self._drawn_levels
            filled = np.empty((n_draws, int((columns == j).sum())))
            for found in self._classes(X, j):
                filled[:, found.holes] = draw(j, found, n_draws, rng)
            fills[:, columns == j] = filled
        return fills

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        table = X.copy()
        table[np.isnan(X)] = self._draws(X, 1, rng)[0]
        return table

    def _drawn_levels(self, j: int, found: Classes, n_draws: int, rng: np.random.Generator) -> Numbers:
        """Levels (m, h) from shares drawn for each class from their Dirichlet posterior."""
        _, first, own = np.unique(found.starts, return_index=True, return_inverse=True)
        counts = self._sums(j, found)[first] + self.alpha
        reached = rng.standard_gamma(counts, (n_draws, *counts.shape)).cumsum(axis=2)[:, own]  # (m, h, K)
        chances = rng.random((n_draws, len(own), 1)) * reached[:, :, -1:]
        return self.schema_.columns[j].levels[(reached[:, :, :-1] <= chances).sum(axis=2)]

    def _drawn_answers(self, j: int, found: Classes, n_draws: int, rng: np.random.Generator) -> Numbers:
        """Answers (m, h) of donors of the class, by Bayesian bootstrap weights."""
        answers = self._table[found.donors, j]
        drawn = np.empty((n_draws, len(found.holes)))
        for fill in drawn:
            edges = np.append(0.0, rng.exponential(size=len(answers)).cumsum())
            low, high = edges[found.starts], edges[found.stops]
            picked = np.searchsorted(edges, low + rng.random(len(low)) * (high - low), side="right") - 1
            fill[:] = answers[np.clip(picked, found.starts, found.stops - 1)]  # rounding may step over the edge
        return drawn

    def _expected(self, X: Floats) -> Numbers:
        expected, shares = np.full(X.shape, np.nan), self._probabilities(X)
        for j, column in enumerate(self.schema_):
            if column.kind is Kind.ORDINAL:
                expected[np.isnan(X[:, j]), j] = shares[j] @ column.levels
            elif column.kind is Kind.NUMERIC:
                rows = np.flatnonzero(np.isnan(X[:, j]))
                for found in self._classes(X, j):
                    expected[rows[found.holes], j] = self._sums(j, found)[:, 0] / (found.stops - found.starts)
        return expected[np.isnan(X)]

    def _probabilities(self, X: Floats) -> Mapping[int, Numbers]:
        shares = {}
        for j in self.schema_.where(Kind.NOMINAL, Kind.ORDINAL):
            counts = np.empty((int(np.isnan(X[:, j]).sum()), len(self.schema_.columns[j].levels)))
            for found in self._classes(X, j):
                counts[found.holes] = self._sums(j, found) + self.alpha
            shares[int(j)] = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def _sums(self, j: int, found: Classes) -> Numbers:
        """Sum over the class of each hole: of the answers (h, 1) if numeric, else how many gave each level (h, K)."""
        levels, answers = self.schema_.columns[j].levels, self._table[found.donors, j, None]
        summed = (answers == levels) if len(levels) else answers
        reached = np.vstack([np.zeros((1, summed.shape[1])), summed.cumsum(axis=0)])
        return reached[found.stops] - reached[found.starts]

    def _classes(self, X: Floats, j: int) -> Iterator[Classes]:
        """Classes of the holes of item j, by what was answered of the context and how much of it could be kept."""
        context, binned = np.array(self.context_[j], dtype=np.intp), into_bins(X[np.isnan(X[:, j])], self._cuts)
        answered = np.flatnonzero(self._binned[:, j])
        patterns, own = np.unique(binned[:, context] > 0, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            holes = np.flatnonzero(own.ravel() == number)
            donors = sort_donors(self._binned, answered, tuple(context[pattern].tolist()), self._cuts)
            depths, starts, stops = donors.locate(binned[holes][:, donors.groups], self.n_min)
            for depth in np.unique(depths):
                here = depths == depth
                yield Classes(holes[here], donors.rows[depth], starts[here], stops[here])


def conditional_information(x: Bins, y: Bins, classes: Bins, smallest: int = 1) -> tuple[float, float]:
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


def independence_statistics(x: Bins, y: Bins, classes: Bins) -> tuple[float, float, int]:
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
