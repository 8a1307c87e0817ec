"""Fuzzy k-means: each respondent belongs to every cluster to a degree, and is filled from them by that degree."""

import itertools
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.utils._param_validation import Interval

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.shared.levels import draw_level
from imputers.shared.ranges import COUNT, COUNT_OR_NONE
from imputers.shared.validation import validation_cells

FUZZIFIERS, SIZES = (1.1, 1.2, 1.3, 1.5), (3, 5, 10, 20, 40)  # to choose from
VALIDATION = 0.1  # share of the observed cells that the choice is validated on
NOTHING = 1e-12  # a squared distance below this is rounding, and counts as this
STILL = 1e-5  # centres that move by less have settled
SHORT, LONG = 20, 200  # steps that tell a good start, and that are taken from it at most


@dataclass(frozen=True, eq=False)
class Observed:
    """A design (n, q) with holes, taken apart once for the matrix products of every step.

    Parameters
    ----------
    known : 1 where observed, else 0, shape (n, q).
    filled : the design with 0 in its holes, shape (n, q).
    norms : sum of squares of each row's observed cells, shape (n, 1).
    """

    known: Floats
    filled: Floats
    norms: Floats

    @classmethod
    def of(cls, D: Floats) -> "Observed":
        """Take apart a design with NaN in its holes."""
        filled = np.nan_to_num(D)
        return cls((~np.isnan(D)).astype(float), filled, (filled**2).sum(axis=1, keepdims=True))


def squared_distances(data: Observed, centres: Floats) -> Floats:
    """Squared distances (n, K) of rows to centres (K, q), over the observed cells of each row.

    Hathaway & Bezdek also scale a row's distances up to all cells. That changes no membership, as it changes
    all distances of the row alike.
    """
    # (x - v)² multiplied out: three matrix products instead of an (n, K, q) array
    crossed = data.filled @ centres.T
    return np.maximum(data.norms - 2 * crossed + data.known @ (centres**2).T, NOTHING)


def log_memberships(distances: Floats, fuzzifier: float) -> Floats:
    """Logarithms of memberships (n, K): proportional to squared distance to the power -1 / (fuzzifier - 1)."""
    return log_softmax(np.log(distances) / (1 - fuzzifier), axis=1)


def powers(logs: Floats, fuzzifier: float) -> Floats:
    """Memberships to the power of the fuzzifier (n, K), up to a factor per cluster that keeps them from vanishing."""
    raised = fuzzifier * logs
    return np.exp(raised - raised.max(axis=0))


def weighted_means(data: Observed, weights: Floats) -> Floats:
    """Centres (K, q): means of the observed cells by weights (n, K); the column's mean, 0, where none weighs."""
    mass, sums = weights.T @ data.known, weights.T @ data.filled
    return np.divide(sums, mass, out=np.zeros_like(sums), where=mass > 0)


def settle(data: Observed, centres: Floats, fuzzifier: float, max_iter: int) -> tuple[Floats, list[float]]:
    """Alternate memberships and centres (K, q) until the centres rest; also tell the objective before each step.

    The objective is the sum of membership^m times squared distance. No step raises it.
    """
    objective: list[float] = []
    moved = np.inf
    while moved >= STILL and len(objective) < max_iter:
        distances = squared_distances(data, centres)
        logs = log_memberships(distances, fuzzifier)
        objective.append(float((np.exp(fuzzifier * logs) * distances).sum()))
        update = weighted_means(data, powers(logs, fuzzifier))
        moved = float(np.abs(update - centres).max())
        centres = update
    return centres, objective


def best_centres(data: Observed, n_clusters: int, fuzzifier: float, n_init: int, rng: np.random.Generator) -> Floats:
    """Centres (K, q) after a short run, the lowest in objective among several such starts.

    A run starts half-way between random rows and the mean: with a large fuzzifier, a centre that is a row is one
    for good.
    """
    found = []
    for _ in range(n_init):
        rows = rng.choice(len(data.filled), size=min(n_clusters, len(data.filled)), replace=False)
        found.append(settle(data, data.filled[rows] / 2, fuzzifier, SHORT))
    return min(found, key=lambda pair: pair[1][-1])[0]


@IMPUTERS.register("fuzzy-k-means")
class FuzzyKMeans(Imputer):
    """Fill from fuzzy clusters, each by the row's degree of membership.

    Li, Deogun, Spaulding & Shuart (2004), Rough Sets and Current Trends in Computing, LNCS 3066; distances over
    observed cells as in Hathaway & Bezdek (2001), IEEE Transactions on Systems, Man, and Cybernetics B 31
    (partial distance strategy). Ordinal codes and numbers are standardised; nominal levels are dummies divided
    by √2, so that a mismatch costs 1. A numeric or ordinal hole is expected to be the mean of the cluster
    centres by membership, as in the paper; a nominal or ordinal hole gets the levels' shares in the clusters by
    membership. Assumes missing at random given the clusters, and items unrelated within a cluster.

    The paper gives one value. Draws here take one cluster for the row by membership, and then each hole from the
    cluster's distribution of the item, so that their mean is the paper's value. They are improper: clusters count
    as known, and a membership is a degree that the fuzzifier sets, not a probability that was estimated. New
    rows join the fitted clusters. Rows without any answer belong to clusters as the fitted rows do on average.
    Survey weights are not used.

    Many items blur the clusters: a fuzzifier that suits few items leaves memberships so even that holes get little
    more than the column's mean, which is why it is chosen with the data. Clusters know less than the normal of
    ``gaussian-em``.

    Parameters
    ----------
    n_clusters : number of clusters; None chooses among 3, 5, 10, 20 and 40 by the squared error on validation cells.
    fuzzifier : exponent m of the memberships, above 1. Near 1 clusters are crisp; when it grows, all centres become
        the columns' means, if no direction has half of the spread (Yu, Cheng & Huang 2004, IEEE Transactions on
        Systems, Man, and Cybernetics B 34). None chooses among 1.1, 1.2, 1.3 and 1.5 in the same way.
    n_init : random starts, of which the one with the lowest objective is kept.
    """

    nouns: ClassVar[tuple[object, ...] | None] = ()
    family: ClassVar[str] = "clusters"
    defaults: ClassVar[str] = "chosen on the table at hand (validation cells)"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_clusters": COUNT_OR_NONE,
        "fuzzifier": [Interval(Real, 1, None, closed="neither"), None],
        "n_init": COUNT,
    }

    def __init__(self, n_clusters: int | None = None, fuzzifier: float | None = None, n_init: int = 5) -> None:
        self.n_clusters = n_clusters
        self.fuzzifier = fuzzifier
        self.n_init = n_init

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        D = self.schema_.design(X)
        self._centre, self._scale = np.nanmean(D, axis=0), np.nanstd(D, axis=0)
        for j in self.schema_.where(Kind.NOMINAL):
            self._scale[self.schema_.blocks[j]] = np.sqrt(2)
        self.fuzzifier_, self.n_clusters_ = self._choose(X, rng)
        data = self._observed(X)
        start = best_centres(data, self.n_clusters_, self.fuzzifier_, self.n_init, rng)
        self.centres_, _ = settle(data, start, self.fuzzifier_, LONG)
        logs = log_memberships(squared_distances(data, self.centres_), self.fuzzifier_)
        self._average = np.exp(logs).mean(axis=0)
        self._describe(X, powers(logs, self.fuzzifier_))

    def _choose(self, X: Floats, rng: np.random.Generator) -> tuple[float, int]:
        """Fuzzifier and number of clusters with the least squared error on validation cells."""
        fuzzifiers = FUZZIFIERS if self.fuzzifier is None else (self.fuzzifier,)
        wanted = SIZES if self.n_clusters is None else (self.n_clusters,)
        sizes = [size for size in wanted if size <= len(X) / 5] or [min(wanted)]
        if len(fuzzifiers) == len(sizes) == 1:
            return fuzzifiers[0], sizes[0]
        shown = np.where(validation_cells(X, VALIDATION, rng), np.nan, X)
        data, whole = self._observed(shown), self._observed(X)
        target = whole.known > data.known
        errors = {}
        for pair in itertools.product(fuzzifiers, sizes):
            centres = best_centres(data, pair[1], pair[0], 1, rng)
            fills = np.exp(log_memberships(squared_distances(data, centres), pair[0])) @ centres
            errors[pair] = ((fills - whole.filled)[target] ** 2).sum()
        return min(errors, key=lambda pair: errors[pair])

    def _describe(self, X: Floats, weights: Floats) -> None:
        """Values of each item (L,) and their shares in each cluster (K, L), from weights (n, K).

        An item that none of a cluster's weight has answered has the shares of the whole table there.
        """
        self._values, self._shares = [], []
        for column, answers in zip(self.schema_, X.T, strict=True):
            known = ~np.isnan(answers)
            values = column.levels if column.labels else np.unique(answers[known])
            level = np.searchsorted(values, answers[known])
            mass = np.stack([np.bincount(level, weight, len(values)) for weight in weights[known].T])
            mass[mass.sum(axis=1) == 0] = np.bincount(level, minlength=len(values))
            self._values.append(values)
            self._shares.append(mass / mass.sum(axis=1, keepdims=True))

    def _observed(self, X: Floats) -> Observed:
        return Observed.of((self.schema_.design(X) - self._centre) / self._scale)

    def _memberships(self, X: Floats) -> Floats:
        """Membership of each row in each cluster (n, K)."""
        distances = squared_distances(self._observed(X), self.centres_)
        unknown = np.isnan(X).all(axis=1, keepdims=True)
        return np.where(unknown, self._average, np.exp(log_memberships(distances, self.fuzzifier_)))

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        memberships, holes = self._memberships(X), np.isnan(X)
        draws = np.stack([self._draw_fills(holes, memberships, rng)[holes] for _ in range(n_draws)])
        expected, probabilities = np.full(X.shape, np.nan), {}
        for j, column in enumerate(self.schema_):
            if column.kind is not Kind.NOMINAL:
                expected[:, j] = memberships @ (self._shares[j] @ self._values[j])
            if column.kind is not Kind.NUMERIC:
                probabilities[j] = memberships[holes[:, j]] @ self._shares[j]
        return Prediction(draws, expected[holes], probabilities)

    def _draw_fills(self, holes: NDArray[np.bool_], memberships: Floats, rng: np.random.Generator) -> Floats:
        """Draw a cluster for each row by memberships (n, K), and from it fills of its holes (n, p)."""
        table = np.full(holes.shape, np.nan)
        chosen = draw_level(memberships, rng)
        for j, (values, shares) in enumerate(zip(self._values, self._shares, strict=True)):
            for k, share in enumerate(shares):
                rows = np.flatnonzero(holes[:, j] & (chosen == k))
                table[rows, j] = rng.choice(values, size=len(rows), p=share)
        return table
