"""Clustering-based imputation: kernel regression among the respondents of the same cluster."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.clusters.k_means import Space, choose_clusters, k_means, nearest
from imputers.clusters.kernel import bandwidths, kernel_weights, leave_one_out
from imputers.shared.donors import sample_donors

Numbers = Floats
Rows = NDArray[np.intp]

BLOCK = 256  # rows whose distances to the donors are held at a time
TRIED = 500  # donors that are forecast from the others to choose a bandwidth


@dataclass(frozen=True, eq=False)
class Forecasts:
    """What the kernels say of the holes of a table.

    Parameters
    ----------
    table : the codes with holes (n, p) they are about.
    means : per column the kernel mean of each hole (holes_j, f): of the code if numeric (f = 1), else the
        share of each level.
    """

    table: Floats
    means: tuple[Numbers, ...]


@IMPUTERS.register("cmi")
class ClusterKernel(Imputer):
    """Fill by kernel regression within a k-means cluster of respondents.

    Zhang, Zhang, Zhu, Qin & Zhang (2008), "Missing value imputation based on data clustering", Transactions on
    Computational Science 1, LNCS 4750, 128–138. All rows are clustered, incomplete ones too, by distance over the
    answers that they have. A hole is filled from its cluster's respondents who answered the item, with weights
    Π exp(-(x - xᵢ)²/2h²) over the items that both answered, and n⁻² added to the denominator; h = c·n^(-1/5), with
    c by leaving one out, for each item in each cluster. An item with too few answers in a cluster, and a row
    without any answer, are filled from all respondents.

    Assumes missing at random given the other answers, and that near respondents answer alike. Mixed kinds: ordinal
    codes and numbers differ by standard deviations, nominal answers by 0 or 1 (simple matching). Numeric holes
    get the kernel mean; for nominal and ordinal items the kernel shares of the levels are the probabilities.
    Leaving out scores the squared error of codes, and of shares if nominal. Draws take one donor by its
    weight, the paper's random variant with the residuals of the neighbourhood. They are improper: clusters,
    bandwidths and weights count as known. Survey weights are not used. New rows join the nearest cluster.

    Chosen here, where the paper is silent: distances are scaled up to the items that a pair does not share
    (`Space.squared_distances`; without it, re-hidden cells of the GSS 2022 are filled worse, by .011 in nrmse and .007
    in accuracy); c may grow to 64, as a product over many items is nearly zero at the bandwidths that suit one; at
    most 500 donors are left out in turn; and the number of clusters is chosen as `choose_clusters` says.

    It falls short where clusters are no natural groups: on those re-hidden cells nrmse is .874 with the two clusters
    of the widest silhouette, .860 with one, .911 with six, .969 with 24. One bandwidth for all items gives
    items that tell nothing as much say as the others.

    Parameters
    ----------
    clusters : number of clusters; None chooses by silhouette.
    n_min : answers to an item that a cluster needs, 2 at least; with fewer all respondents lend.
    most_donors : with more fitted rows than this, a random sample of so many is clustered and lends.
    """

    def __init__(self, clusters: int | None = None, n_min: int = 10, most_donors: int = 10_000) -> None:
        self.clusters = clusters
        self.n_min = n_min
        self.most_donors = most_donors

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        for name, least in (("clusters", 1), ("n_min", 2), ("most_donors", 2)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"cmi: {name} is {value}; it must be {least} at least; raise it")
        self._donors = X[sample_donors(X, self.most_donors, self.n_min, rng)]
        self._answered = ~np.isnan(self._donors)
        self._space = Space.of(X, self.schema_)
        D = self._D = self._space.place(self._donors)
        self.centres_ = (
            choose_clusters(self._space, D, rng) if self.clusters is None else k_means(D, self.clusters, rng)
        )
        own = nearest(D, self.centres_)
        self._pools = [np.flatnonzero(own == k) for k in range(len(self.centres_))] + [np.arange(len(D))]
        self.bandwidths_ = self._bandwidths(rng)
        self._found: Forecasts | None = None

    def _bandwidths(self, rng: np.random.Generator) -> Numbers:
        """Bandwidth of each item in each cluster (k + 1, p), all respondents last; NaN where answers are too few.

        All respondents have none of their own (infinite: equal weights) where no cluster needs them; then they
        lend to rows without any answer only, from which everybody is equally far.
        """
        counts = np.array([self._answered[pool].sum(axis=0) for pool in self._pools])  # (k + 1, p)
        wanted = counts >= self.n_min
        wanted[-1] = ~wanted[:-1].all(axis=0)
        chosen = np.full(counts.shape, np.nan)
        chosen[-1] = np.inf
        for j, block in enumerate(self.schema_.blocks):
            D = self._D.copy()
            D[:, block] = np.nan  # what is forecast does not help to find neighbours
            for at in np.flatnonzero(wanted[:, j]):
                lenders = self._pools[at][self._answered[self._pools[at], j]]
                tried = rng.permutation(len(lenders))[:TRIED]
                squared = self._space.squared_distances(D[lenders[tried]], D[lenders])
                errors = leave_one_out(squared, tried, self._D[lenders, block])
                chosen[at, j] = bandwidths(len(lenders))[errors.argmin()]
        return chosen

    def _draws(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Numbers:
        fills, self._found = self._fill(X, rng.random((n_draws, int(np.isnan(X).sum()))))
        return fills

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        table = X.copy()
        table[np.isnan(X)] = self._draws(X, 1, rng)[0]
        return table

    def _expected(self, X: Floats) -> Numbers:
        means, expected = self._means(X), np.full(X.shape, np.nan)
        for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC):
            column = self.schema_.columns[j]
            expected[np.isnan(X[:, j]), j] = means[j] @ (column.levels if len(column.levels) else [1.0])
        return expected[np.isnan(X)]

    def _probabilities(self, X: Floats) -> Mapping[int, Numbers]:
        means = self._means(X)
        return {int(j): means[j] for j in self.schema_.where(Kind.NOMINAL, Kind.ORDINAL)}

    def _means(self, X: Floats) -> tuple[Numbers, ...]:
        """Kernel means of the holes of X; those that the draws were taken with, if it is the same table."""
        found = self._found
        if found is None or found.table is not X:
            found = self._found = self._fill(X, np.empty((0, int(np.isnan(X).sum()))))[1]
        return found.means

    def _fill(self, X: Floats, chances: Numbers) -> tuple[Numbers, Forecasts]:
        """Donors' answers for the holes, picked by uniform chances (m, holes), and the kernel means."""
        holes = np.isnan(X)
        number = holes.cumsum().reshape(X.shape) - 1  # of a hole, in row-major order
        within = holes.cumsum(axis=0) - 1  # and in its column
        fills = np.empty(chances.shape)
        means = tuple(
            np.empty((int(count), max(1, len(column.levels))))
            for column, count in zip(self.schema_, holes.sum(axis=0), strict=True)
        )
        for j, rows, lenders, weights in self._weights(X):
            answers, levels = self._donors[lenders, j, None], self.schema_.columns[j].levels
            reached = weights.cumsum(axis=1)
            means[j][within[rows, j]] = weights @ (answers == levels if len(levels) else answers) / reached[:, -1:]
            for fill, chance in zip(fills, chances, strict=True):
                into = number[rows, j]
                chosen = (reached[:, :-1] <= chance[into, None] * reached[:, -1:]).sum(axis=1)
                fill[into] = answers[chosen, 0]
        return fills, Forecasts(X, means)

    def _weights(self, X: Floats) -> Iterator[tuple[int, Rows, Rows, Numbers]]:
        """Item j, rows with a hole in it (r,), donors who answered it (n,) and their weights (r, n), block by block."""
        D, holes = self._space.place(X), np.isnan(X)
        for rows, items, at in self._blocks(D, holes):
            pool = self._pools[at]
            squared = self._space.squared_distances(D[rows], self._D[pool])
            for j in items[holes[np.ix_(rows, items)].any(axis=0)]:
                here, lend = holes[rows, j], self._answered[pool, j]
                weights = kernel_weights(squared[np.ix_(here, lend)], self.bandwidths_[at, j])
                yield int(j), rows[here], pool[lend], weights

    def _blocks(self, D: Numbers, holes: NDArray[np.bool_]) -> Iterator[tuple[Rows, Rows, int]]:
        """Rows of one cluster, at most `BLOCK`, items to fill, and the number of the pool that lends for them."""
        everybody = len(self.centres_)
        own = np.where(holes.all(axis=1), everybody, nearest(D, self.centres_))
        for k in range(everybody + 1):
            short = np.isnan(self.bandwidths_[k])  # items with too few answers in cluster k
            for at, items in ((k, np.flatnonzero(~short)), (everybody, np.flatnonzero(short))):
                asking = np.flatnonzero((own == k) & holes[:, items].any(axis=1))
                for start in range(0, len(asking), BLOCK):
                    yield asking[start : start + BLOCK], items, at
