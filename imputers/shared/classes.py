"""Adjustment classes: respondents alike in a few columns, with a way back to larger classes where one is too small."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import LABELLED, Floats, Kind
from imputers.base import Imputer
from imputers.shared.bins import Positions, bins_of_rows, into_bins, table_edges
from imputers.shared.ranges import COUNT, NUMBER_OR_ZERO


@dataclass(frozen=True, eq=False)
class Donors:
    """Rows that answered one item, sorted by class, once for each depth of back-off.

    Parameters
    ----------
    groups : positions of the grouping columns, most informative first; depth d uses the first d of them.
    sizes : number of bins of each grouping column.
    rows : per depth, the donors' row numbers, sorted by class.
    keys : per depth, the classes that have donors, ascending.
    edges : per depth, where each class starts in ``rows``, and the end.
    """

    groups: tuple[int, ...]
    sizes: tuple[int, ...]
    rows: tuple[Positions, ...]
    keys: tuple[Positions, ...]
    edges: tuple[Positions, ...]

    def locate(self, binned: Positions, smallest: int) -> tuple[Positions, Positions, Positions]:
        """Depth, start and stop of the donors of each row (n,): the finest class with enough of them.

        Parameters
        ----------
        binned : bins of the grouping columns, in the order of ``groups``, shape (n, d).
        smallest : donors that a class needs.
        """
        depths, starts, stops = (np.zeros(len(binned), dtype=np.intp) for _ in range(3))
        for depth, (keys, edges) in enumerate(zip(self.keys, self.edges, strict=True)):
            own = class_keys(binned[:, :depth], self.sizes[:depth])
            at = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
            enough = keys[at] == own
            if depth:  # depth 0 is everybody, and has to do where nothing finer does
                enough &= edges[at + 1] - edges[at] >= smallest
            depths[enough], starts[enough], stops[enough] = depth, edges[at[enough]], edges[at[enough] + 1]
        return depths, starts, stops


class ClassImputer(Imputer):
    """Base of methods that read the distribution of an item off the respondents of the same class.

    A subclass writes ``_draw``. A grouping column that is itself missing counts as a level of its own,
    "missing". Ordinal and numeric grouping columns are cut at quantiles. Of an item's nested classes
    the finest is used that has enough donors. Donors count alike, unless ``_donor_weights`` says otherwise.

    Parameters
    ----------
    groups : names of the columns that form the classes, the last given up first; None chooses for each
        item the columns that inform most about it (see `informative_groups`).
    max_features : how many columns to choose at most.
    min_samples : donors that a class needs; with fewer it is merged by giving up a column.
    n_bins : bins of an ordinal or numeric grouping column; fewer in a table so small that no class had enough donors.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Donors,)
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "groups": ["array-like", None],
        "max_features": NUMBER_OR_ZERO,
        "min_samples": COUNT,
        "n_bins": COUNT,
    }

    def __init__(
        self, groups: Sequence[str] | None = None, max_features: int = 2, min_samples: int = 5, n_bins: int = 8
    ) -> None:
        self.groups = groups
        self.max_features = max_features
        self.min_samples = min_samples
        self.n_bins = n_bins

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._table = X
        n_bins = bins_of_rows(self.n_bins, len(X), self.min_samples)
        self._edges = table_edges(X, self.schema_, n_bins)
        self._weights = self._donor_weights(len(X))
        binned = into_bins(X, self._edges)
        self.donors_ = [
            sort_donors(binned, np.flatnonzero(binned[:, j]), self._groups(binned, j), self._edges)
            for j in range(len(self.schema_))
        ]

    def _donor_weights(self, n: int) -> Floats:
        """How much each of n fitted rows counts as a donor."""
        return np.ones(n)

    def _groups(self, binned: Positions, j: int) -> tuple[int, ...]:
        """Positions of the columns that form the classes of item j."""
        if self.groups is None:
            return informative_groups(binned, j, self.max_features)
        for name in self.groups:
            self.full_schema_.index(name)  # says which columns there are if there is none of this name
        named = [
            self.schema_.index(name) for name in self.groups if name in self.schema_.names
        ]  # constants tell nothing
        return tuple(g for g in named if g != j)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        return Prediction(super()._impute(X, n_draws, rng).draws, self._means(X)[np.isnan(X)], self._shares(X))

    def _means(self, X: Floats) -> Floats:
        """Class means of the ordinal and numeric holes; NaN elsewhere, shape (n, p)."""
        means = np.full(X.shape, np.nan)
        for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC):
            means[np.isnan(X[:, j]), j] = self._averages(X, j, self._table[:, [j]])[:, 0]
        return means

    def _shares(self, X: Floats) -> dict[int, Floats]:
        """Shares of the levels in the class of each hole of the columns with labels (holes of the column, K)."""
        shares = {}
        for j in self.schema_.where(*LABELLED):
            chosen = (self._table[:, [j]] == self.schema_.columns[j].levels).astype(float)
            table = np.clip(self._averages(X, j, chosen), 0, None)  # differences of sums may be -1e-16
            shares[int(j)] = table / table.sum(axis=1, keepdims=True)
        return shares

    def _averages(self, X: Floats, j: int, features: Floats) -> Floats:
        """Weighted class mean of features (rows of the fitted table, k) for each hole of item j: (holes_j, k)."""
        groups = list(self.donors_[j].groups)
        binned = into_bins(X[np.isnan(X[:, j])][:, groups], [self._edges[g] for g in groups])
        depths, starts, stops = self.donors_[j].locate(binned, self.min_samples)
        means = np.empty((len(binned), features.shape[1]))
        for depth, rows in enumerate(self.donors_[j].rows):
            here = depths == depth
            sums = np.zeros((len(rows) + 1, features.shape[1] + 1))
            weighted = self._weights[rows, None] * np.column_stack([features[rows], np.ones(len(rows))])
            weighted.cumsum(axis=0, out=sums[1:])
            totals = sums[stops[here]] - sums[starts[here]]
            means[here] = totals[:, :-1] / totals[:, -1:]
        return means


def class_keys(binned: Positions, sizes: Sequence[int]) -> Positions:
    """One number per combination of bins (n, d): shape (n,)."""
    keys = np.zeros(len(binned), dtype=np.intp)
    for column, size in zip(binned.T, sizes, strict=True):
        keys = keys * size + column
    return keys


def sort_donors(binned: Positions, answered: Positions, groups: tuple[int, ...], edges: Sequence[Floats]) -> Donors:
    """Sort the rows that answered an item by their class, at every depth."""
    sizes = tuple(len(edges[g]) + 2 for g in groups)
    rows, keys, starts = [], [], []
    for depth in range(len(groups) + 1):
        own = class_keys(binned[answered][:, groups[:depth]], sizes[:depth])
        order = np.argsort(own, kind="stable")
        found, first = np.unique(own[order], return_index=True)
        rows.append(answered[order])
        keys.append(found)
        starts.append(np.append(first, len(answered)))
    return Donors(groups, sizes, tuple(rows), tuple(keys), tuple(starts))


def informative_groups(binned: Positions, j: int, max_features: int) -> tuple[int, ...]:
    """Columns that inform most about item j together, at most ``max_features`` of them.

    Forward selection by mutual information with the item, corrected for the number of cells (Miller 1955,
    "Note on the bias of information estimates"); it stops when no further column adds information.
    """
    answered = binned[:, j] > 0
    target, others = binned[answered, j], binned[answered]
    classes, known, chosen = np.zeros(len(target), dtype=np.intp), 0.0, list[int]()
    while len(chosen) < max_features:
        refined = {
            g: classes * (others[:, g].max() + 1) + others[:, g]
            for g in range(binned.shape[1])
            if g != j and g not in chosen
        }
        told = {g: mutual_information(keys, target) for g, keys in refined.items()}
        best = max(told, key=lambda g: told[g], default=None)
        if best is None or told[best] <= known:
            break
        known = told[best]
        chosen.append(best)
        classes = np.unique(refined[best], return_inverse=True)[1]
    return tuple(chosen)


def mutual_information(a: Positions, b: Positions) -> float:
    """Mutual information of two columns of bins in nats, less its expectation under independence.

    The expectation is Miller's, because scikit-learn's exact one takes twenty times as long, and a table of p items
    asks for it some p² times.

    Examples
    --------
    >>> coin = np.tile([0, 1], 500)
    >>> round(mutual_information(coin, coin), 2)  # a coin tells log(2) nats about itself
    0.69
    """
    width = int(b.max()) + 1
    cells = np.bincount(a * width + b, minlength=(int(a.max()) + 1) * width).reshape(-1, width)
    cells = cells[cells.any(axis=1)][:, cells.any(axis=0)]
    share = cells / cells.sum()
    filled = share > 0
    independent = share.sum(axis=1, keepdims=True) * share.sum(axis=0)
    plain = float((share[filled] * np.log(share[filled] / independent[filled])).sum())
    return plain - (int(filled.sum()) - sum(cells.shape) + 1) / (2 * int(cells.sum()))
