"""Nearest neighbours: the respondents most alike in what both answered lend their answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Codes, Kind
from imputers import IMPUTERS
from imputers.base import Imputer

BLOCK = 64  # rows at a time: distances of a block to all donors stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Donors of each hole, holes in row-major order.

    Parameters
    ----------
    table : the rows with holes (n, p) they were sought for.
    values : the donors' answers, shape (holes, k).
    weights : shape (holes, k), summing to one; 0 where an item has fewer donors than others.
    """

    table: Codes
    values: NDArray[np.float64]
    weights: NDArray[np.float64]


@IMPUTERS.register("knn")
class NearestNeighbours(Imputer):
    """Fill from the k most alike respondents who answered, by Gower distance.

    Troyanskaya et al. (2001), Bioinformatics 17, with the mixed-kind distance of Gower (1971), Biometrics 27,
    equation 5: the mean, over items that both answered, of mismatch for nominal and of difference over range
    for ordinal and numeric items. Donors weigh 1 / distance. Numeric holes get the weighted mean, ordinal the
    weighted median, nominal the weighted vote; probabilities are the donors' shares. Draws take one donor
    by weight; they are improper (the neighbourhood counts as known) and vary somewhat too little between
    draws. Assumes missing at random given the other answers. New rows seek donors among the fitted rows. A row
    that shares no answer with a donor is as far from it as can be. Time grows with rows times donors; memory
    does not, as rows are compared in blocks.

    Parameters
    ----------
    k : number of donors; None takes the square root of the number of respondents who answered the item
        (Loftsgaarden & Quesenberry 1965, Annals of Mathematical Statistics 36: k must grow with n, but slower).
    most_donors : with more fitted rows than this, a random sample of so many lends.
    """

    def __init__(self, k: int | None = None, most_donors: int = 10_000) -> None:
        self.k = k
        self.most_donors = most_donors

    def _fit(self, X: Codes, rng: np.random.Generator) -> None:
        order = rng.permutation(len(X))[: self.most_donors]  # shuffled, so that ties favour no part of the file
        self._donors = X[order]
        self._low = np.nanmin(X, axis=0)
        self._range = np.nanmax(X, axis=0) - self._low
        self._found: Neighbours | None = None

    def _draws(self, X: Codes, n_draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        found = self._neighbours(X)
        reached = found.weights.cumsum(axis=1)
        chosen = (rng.random((n_draws, len(reached), 1)) * reached[:, -1:] >= reached[:, :-1]).sum(axis=2)
        return found.values[np.arange(len(reached)), chosen]

    def _draw(self, X: Codes, rng: np.random.Generator) -> Codes:
        table = X.copy()
        table[np.isnan(X)] = self._draws(X, 1, rng)[0]
        return table

    def _expected(self, X: Codes) -> NDArray[np.float64]:
        found = self._neighbours(X)
        means = (found.values * found.weights).sum(axis=1)
        nominal = np.isin(np.nonzero(np.isnan(X))[1], self.schema_.where(Kind.NOMINAL))
        return np.where(nominal, np.nan, means)

    def _probabilities(self, X: Codes) -> Mapping[int, NDArray[np.float64]]:
        found = self._neighbours(X)
        columns = np.nonzero(np.isnan(X))[1]
        shares = {}
        for j in self.schema_.where(Kind.NOMINAL, Kind.ORDINAL):
            own = columns == j
            levels = self.schema_.columns[j].levels
            shares[int(j)] = ((found.values[own, :, None] == levels) * found.weights[own, :, None]).sum(axis=1)
        return shares

    def _neighbours(self, X: Codes) -> Neighbours:
        """Donors of every hole of X; kept for the three questions that are asked about the same table."""
        if self._found is not None and self._found.table is X:
            return self._found
        holes = np.isnan(X)
        number = holes.cumsum().reshape(X.shape) - 1  # of a hole, in row-major order
        answered = [np.flatnonzero(~np.isnan(column)) for column in self._donors.T]
        lend = [min(self.k or int(np.ceil(np.sqrt(len(donors)))), len(donors)) for donors in answered]
        values = np.zeros((int(holes.sum()), max(lend)))
        weights = np.zeros_like(values)
        for rows, distances in self._distances(X):
            for j, (donors, k) in enumerate(zip(answered, lend, strict=True)):
                here = np.flatnonzero(holes[rows, j])
                if not len(here):
                    continue
                far = distances[here][:, donors]
                near = np.argpartition(far, k - 1, axis=1)[:, :k]
                into = number[rows.start + here, j]
                values[into, :k] = self._donors[donors[near], j]
                values[into, k:] = values[into, :1]  # a valid answer, of weight zero
                weights[into, :k] = 1 / np.maximum(np.take_along_axis(far, near, axis=1), 1e-6)
        weights /= weights.sum(axis=1, keepdims=True)
        self._found = Neighbours(X, values, weights)
        return self._found

    def _distances(self, X: Codes) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Gower distances (block, donors) of X to the donors, a block of rows at a time; 1 if nothing is shared."""
        numeric = self.schema_.where(Kind.NUMERIC)
        ours, theirs = self._scaled(X, numeric), self._scaled(self._donors, numeric).T.copy()
        we_know, they_know = (~np.isnan(X)).astype(np.float32), (~np.isnan(self._donors)).T.astype(np.float32)
        left, right = self._products(X)[0], self._products(self._donors)[1].T.copy()
        for start in range(0, len(X), BLOCK):
            rows = slice(start, min(start + BLOCK, len(X)))
            total = left[rows] @ right
            for at, j in enumerate(numeric):
                both = we_know[rows, j, None] * they_know[j]
                total += np.abs(ours[rows, at, None] - theirs[at]) * both
            shared = we_know[rows] @ they_know
            yield rows, np.where(shared > 0, total, 1) / np.maximum(shared, 1)

    def _scaled(self, X: Codes, numeric: NDArray[np.intp]) -> NDArray[np.float32]:
        """Numeric answers in units of their range; 0 where missing."""
        return np.nan_to_num((X[:, numeric] - self._low[numeric]) / self._range[numeric]).astype(np.float32)

    def _products(self, X: Codes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Numbers whose products sum to the distances of nominal and ordinal items, so that one matrix product does.

        A nominal mismatch is (both answered) less (both at this level), summed over levels. An ordinal
        difference is the sum of the steps of the scale that one of the two has climbed and the other has not.
        A missing answer is 0 everywhere.
        """
        left, right = [], []
        for j in self.schema_.where(Kind.NOMINAL, Kind.ORDINAL):
            column, codes = self.schema_.columns[j], X[:, [j]]
            known = ~np.isnan(codes)
            if column.kind is Kind.NOMINAL:
                match = codes == column.levels
                left += [known, match]
                right += [known, -1.0 * match]
            else:
                climbed = codes > column.levels[:-1]
                below = known & ~climbed
                step = np.diff(column.levels) / self._range[j]
                left += [climbed * step, below * step]
                right += [below, climbed]
        empty = np.empty((len(X), 0))
        return np.hstack([empty, *left]).astype(np.float32), np.hstack([empty, *right]).astype(np.float32)
