"""Donors: what follows once it is known which respondents lend their answers to a hole, and with what weight."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import LABELLED, UNORDERED, Floats
from imputers.base import Imputer

Choice = TypeVar("Choice")


@dataclass(frozen=True, eq=False)
class Lenders:
    """Who lends to each hole, holes in row-major order.

    Parameters
    ----------
    table : the rows with holes (n, p) they were sought for.
    rows : numbers of the donors, shape (holes, k); each answered the item.
    weights : shape (holes, k), on any scale; 0 where an item has fewer donors than others.
    """

    table: Floats
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
    _found: Lenders | None = None

    def _seek(self, X: Floats) -> Lenders:
        raise TypeError(f"{type(self).__name__} must write _seek(X)")

    def _lenders(self, X: Floats) -> Lenders:
        """Lenders of every hole of X; kept for the three questions that are asked about the same table."""
        if self._found is None or self._found.table is not X:
            self._found = self._seek(X)
        return self._found

    def _draws(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        found = self._lenders(X)
        columns = np.nonzero(np.isnan(X))[1]
        reached = found.weights.cumsum(axis=1, dtype=np.float32)
        draws = np.empty((n_draws, len(columns)))
        for draw in draws:
            chosen = (rng.random((len(reached), 1)) * reached[:, -1:] >= reached[:, :-1]).sum(axis=1)
            draw[:] = self._donors[found.rows[np.arange(len(reached)), chosen], columns]
        return draws

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        table = X.copy()
        table[np.isnan(X)] = self._draws(X, 1, rng)[0]
        return table

    def _expected(self, X: Floats) -> Floats:
        found = self._lenders(X)
        columns = np.nonzero(np.isnan(X))[1]
        expected = np.full(len(columns), np.nan)
        for j, column in enumerate(self.schema_):
            if column.kind not in UNORDERED:
                own = columns == j
                expected[own] = (self._donors[found.rows[own], j] * found.shares(own)).sum(axis=1)
        return expected

    def _probabilities(self, X: Floats) -> Mapping[int, Floats]:
        found = self._lenders(X)
        columns = np.nonzero(np.isnan(X))[1]
        shares = {}
        for j in self.schema_.where(*LABELLED):
            own, levels = columns == j, self.schema_.columns[j].levels
            lent = np.searchsorted(levels, self._donors[found.rows[own], j])  # (holes_j, k)
            cell = np.arange(len(lent))[:, None] * len(levels) + lent
            table = np.bincount(cell.ravel(), found.shares(own).ravel(), minlength=len(lent) * len(levels))
            shares[int(j)] = table.reshape(len(lent), len(levels)).astype(float, copy=False)
        return shares


def sample_donors(X: Floats, most: int, fewest: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows that may lend, in random order, so that ties favour no part of the file.

    At most ``most`` of them, and beyond these the first ``fewest`` who answered each item: a rare item keeps lenders.
    """
    order = rng.permutation(len(X))
    answering = [order[~np.isnan(X[order, j])][:fewest] for j in range(X.shape[1])]
    return order[np.isin(order, np.concatenate([order[:most], *answering]))]


def choose(options: Mapping[str, Choice], name: str, what: str) -> Choice:
    """Look an option up by name.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if name not in options:
        raise InputError(f"{what}={name!r} is unknown; choose one of {sorted(options)}")
    return options[name]


def at_least_one(name: str, count: int | None) -> None:
    """Check a parameter that counts something; None stands for a default of the method's own.

    Raises
    ------
    InputError
        If it is below 1.
    """
    if count is not None and count < 1:
        raise InputError(f"{name}={count}: wanted a number of at least 1; raise it")
