"""Donors: what follows once it is known which respondents lend their answers to a hole, and with what weight."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import LABELLED, UNORDERED, Floats
from imputers.base import Imputer
from imputers.shared.levels import draw_level


@dataclass(frozen=True, eq=False)
class Lenders:
    """Who lends to each hole, holes in row-major order.

    Parameters
    ----------
    rows : numbers of the donors, shape (holes, k); each answered the item.
    weights : shape (holes, k), on any scale; 0 where an item has fewer donors than others.
    """

    rows: NDArray[np.int32]
    weights: NDArray[np.float32] | NDArray[np.bool_]

    def shares(self, own: NDArray[np.bool_]) -> Floats:
        """Weights of the lenders to some of the holes, shape (own, k), summing to one."""
        weights = self.weights[own].astype(float)
        return weights / weights.sum(axis=1, keepdims=True)


class DonorImputer(Imputer):
    """Base of methods in which respondents lend answers: a subclass writes ``_fit`` and ``_seek``.

    ``_fit`` sets ``_donors``, ``_seek`` finds who lends to each hole. Numeric holes get the weighted mean of the lent
    answers, ordinal the weighted median, nominal and text the weighted vote; probabilities are the lenders'
    shares; a draw takes the answer of one lender, chosen by weight.
    """

    _donors: Floats  # rows that may lend, (d, p)

    def _seek(self, X: Floats) -> Lenders:
        raise TypeError(f"{type(self).__name__} must write _seek(X)")

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        found = self._seek(X)
        columns = np.nonzero(np.isnan(X))[1]
        draws = np.empty((n_draws, len(columns)))
        for draw in draws:
            lender = draw_level(found.weights, rng)
            draw[:] = self._donors[found.rows[np.arange(len(columns)), lender], columns]
        expected = np.full(len(columns), np.nan)
        probabilities = {}
        for j, column in enumerate(self.schema_):
            own = columns == j
            lent, shares = self._donors[found.rows[own], j], found.shares(own)  # both (holes_j, k)
            if column.kind not in UNORDERED:
                expected[own] = (lent * shares).sum(axis=1)
            if column.kind in LABELLED:
                probabilities[j] = _level_shares(column.levels, lent, shares)
        return Prediction(draws, expected, probabilities)


def _level_shares(levels: Floats, lent: Floats, shares: Floats) -> Floats:
    """Share of each of K levels among lent answers (h, k) of these shares (h, k): shape (h, K)."""
    cell = np.arange(len(lent))[:, None] * len(levels) + np.searchsorted(levels, lent)
    table = np.bincount(cell.ravel(), shares.ravel(), minlength=len(lent) * len(levels))
    return table.reshape(len(lent), len(levels)).astype(float, copy=False)


def sample_donors(X: Floats, most: int, fewest: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows that may lend, in random order, so that ties favour no part of the file.

    At most ``most`` of them, and beyond these the first ``fewest`` who answered each item: a rare item keeps lenders.
    """
    order = rng.permutation(len(X))
    answering = [order[~np.isnan(X[order, j])][:fewest] for j in range(X.shape[1])]
    return order[np.isin(order, np.concatenate([order[:most], *answering]))]
