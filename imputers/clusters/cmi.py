"""Clustering-based imputation: kernel regression among the respondents of the same cluster."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.clusters.k_means import Space, choose_clusters, k_means, nearest
from imputers.shared.donors import sample_donors
from imputers.shared.ranges import COUNT_OR_NONE, TWO_OR_MORE

Rows = NDArray[np.intp]

BLOCK = 256  # rows whose distances to the donors are held at a time
TRIED = 500  # donors that are forecast from the others to choose a bandwidth
NARROWEST, WIDTHS = 0.25, 17  # c of the bandwidths to choose from, each √2 of the one before: 0.25 … 64


def bandwidths(n: int) -> Floats:
    """Bandwidths c·n^(-1/5) to choose from, ascending, for n donors."""
    return NARROWEST * np.sqrt(2) ** np.arange(WIDTHS) * n**-0.2


def kernel_weights(squared: Floats, bandwidth: float) -> Floats:
    """Weights of n donors, shape (rows, n), from their squared distances (rows, n): exp(-d²/2h²) + n⁻³.

    exp(-d²/2h²) is the product of a Gaussian kernel per coordinate. The n donors' n⁻³ sum to the n⁻² that keeps the
    denominator of the regression from zero; given to the donors, rather than to nobody, it draws a row without
    near donors to the donors' mean instead of to zero, and serves means, shares and draws alike.
    """
    return np.exp(squared / (-2 * bandwidth**2)) + float(squared.shape[1]) ** -3


def leave_one_out(squared: Floats, own: NDArray[np.intp], Y: Floats) -> Floats:
    """Mean squared error of forecasting donors from all others, for each of `bandwidths`: shape (WIDTHS,).

    Parameters
    ----------
    squared : squared distances of some of the donors to all of them, shape (rows, n).
    own : which donor each row is, shape (rows,).
    Y : what is forecast of the donors, shape (n, f).

    Notes
    -----
    A kernel mean without donor i is the kernel mean with weight i set to zero, so nothing is fitted twice. A
    bandwidth √2 narrower squares the Gaussian weights, so nothing is exponentiated twice.
    """
    n, rows = len(Y), np.arange(len(own))
    guard = float(n) ** -3
    errors = np.empty(WIDTHS)
    K = np.exp(squared / (-2 * bandwidths(n)[-1] ** 2))
    K[rows, own] = 0
    rest = Y.sum(axis=0) - Y[own]
    for at in reversed(range(WIDTHS)):
        means = (K @ Y + guard * rest) / (K.sum(axis=1, keepdims=True) + guard * (n - 1))
        errors[at] = np.mean(((Y[own] - means) ** 2).sum(axis=1))
        np.square(K, out=K)
    return errors


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
    (`Space.squared_distances`), a choice made on validation cells of the GSS core table; c may grow to 64, as a
    product over many items is nearly zero at the bandwidths that suit one; at most 500 donors are left out in turn;
    and the number of clusters is chosen as `choose_clusters` says.

    It falls short where clusters are no natural groups. One bandwidth for all items gives items that tell nothing as
    much say as the others.

    Parameters
    ----------
    n_clusters : number of clusters; None chooses by silhouette.
    min_samples : answers to an item that a cluster needs, 2 at least; with fewer all respondents lend.
    max_donors : with more fitted rows than this, a random sample of so many is clustered and lends.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Space,)
    family: ClassVar[str] = "clusters"
    defaults: ClassVar[str] = "distance chosen on the GSS 2022 core table, rest by the table"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_clusters": COUNT_OR_NONE,
        "min_samples": TWO_OR_MORE,
        "max_donors": TWO_OR_MORE,
    }

    def __init__(self, n_clusters: int | None = None, min_samples: int = 10, max_donors: int = 10_000) -> None:
        self.n_clusters = n_clusters
        self.min_samples = min_samples
        self.max_donors = max_donors

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._donors = X[sample_donors(X, self.max_donors, self.min_samples, rng)]
        self._answered = ~np.isnan(self._donors)
        self._space = Space.of(X, self.schema_)
        D = self._D = self._space.place(self._donors)
        self.centres_ = (
            choose_clusters(self._space, D, rng) if self.n_clusters is None else k_means(D, self.n_clusters, rng)
        )
        own = nearest(D, self.centres_)
        self._pools = [np.flatnonzero(own == k) for k in range(len(self.centres_))] + [np.arange(len(D))]
        self.bandwidths_ = self._bandwidths(rng)

    def _bandwidths(self, rng: np.random.Generator) -> Floats:
        """Bandwidth of each item in each cluster (k + 1, p), all respondents last; NaN where answers are too few.

        All respondents have none of their own (infinite: equal weights) where no cluster needs them; then they
        lend to rows without any answer only, from which everybody is equally far.
        """
        counts = np.array([self._answered[pool].sum(axis=0) for pool in self._pools])  # (k + 1, p)
        wanted = counts >= self.min_samples
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

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        holes = np.isnan(X)
        number = holes.cumsum().reshape(X.shape) - 1  # of a hole, in row-major order
        chances = rng.random((n_draws, int(holes.sum())))  # drawn ahead, so that blocks do not show
        draws = np.empty(chances.shape)
        means = [np.empty((len(X), max(1, len(column.levels)))) for column in self.schema_]  # of codes, or level shares
        for j, rows, lenders, weights in self._weights(X):
            answers, levels = self._donors[lenders, j, None], self.schema_.columns[j].levels
            reached, into = weights.cumsum(axis=1), number[rows, j]
            means[j][rows] = weights @ (answers == levels if len(levels) else answers) / reached[:, -1:]
            for draw, chance in zip(draws, chances, strict=True):
                chosen = (chance[into, None] * reached[:, -1:] >= reached[:, :-1]).sum(axis=1)
                draw[into] = answers[chosen, 0]
        expected, probabilities = np.full(X.shape, np.nan), {}
        for j, (column, found) in enumerate(zip(self.schema_, means, strict=True)):
            own = holes[:, j]
            if column.kind is Kind.NUMERIC:
                expected[own, j] = found[own, 0]
            else:
                probabilities[j] = found[own]
            if column.kind is Kind.ORDINAL:
                expected[own, j] = found[own] @ column.levels
        return Prediction(draws, expected[holes], probabilities)

    def _weights(self, X: Floats) -> Iterator[tuple[int, Rows, Rows, Floats]]:
        """Item j, rows with a hole in it (r,), donors who answered it (n,) and their weights (r, n), block by block."""
        D, holes = self._space.place(X), np.isnan(X)
        for rows, items, at in self._blocks(D, holes):
            pool = self._pools[at]
            squared = self._space.squared_distances(D[rows], self._D[pool])
            for j in items[holes[np.ix_(rows, items)].any(axis=0)]:
                here, lend = holes[rows, j], self._answered[pool, j]
                weights = kernel_weights(squared[np.ix_(here, lend)], self.bandwidths_[at, j])
                yield int(j), rows[here], pool[lend], weights

    def _blocks(self, D: Floats, holes: NDArray[np.bool_]) -> Iterator[tuple[Rows, Rows, int]]:
        """Rows of one cluster, at most `BLOCK`, items to fill, and the number of the pool that lends for them."""
        everybody = len(self.centres_)
        own = np.where(holes.all(axis=1), everybody, nearest(D, self.centres_))
        for k in range(everybody + 1):
            short = np.isnan(self.bandwidths_[k])  # items with too few answers in cluster k
            for at, items in ((k, np.flatnonzero(~short)), (everybody, np.flatnonzero(short))):
                asking = np.flatnonzero((own == k) & holes[:, items].any(axis=1))
                for start in range(0, len(asking), BLOCK):
                    yield asking[start : start + BLOCK], items, at
