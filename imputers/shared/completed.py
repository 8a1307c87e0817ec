"""A table as completed so far in a chain: its design, and the sums that regressions need, kept up to date."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats, Kind
from imputers.shared.linear import Sums
from imputers.shared.predictors import Design, Predictors

Rows = NDArray[np.integer]
BLOCK = 4096  # rows at a time, so that their doubles stay in the processor's cache
LARGE = 2**23  # cells of a design that is kept in single precision


@dataclass(frozen=True, eq=False)
class Item:
    """One item's part in the chain.

    Parameters
    ----------
    j : its position in the schema.
    column : what its codes mean.
    known : fitted rows where it is observed; models learn from these.
    holes : rows where it is missing, fitted or new, ascending.
    levels : its observed codes in order, shape (K,); empty for a numeric item.
    answers : of the known rows, shape (known,): the codes of a numeric item, of another the numbers of the levels.
    """

    j: int
    column: Column
    known: Rows
    holes: Rows
    levels: Floats
    answers: NDArray

    @classmethod
    def of(cls, j: int, column: Column, known: Rows, codes: Floats, holes: Rows) -> Self:
        """Item j with codes (known,); of many rows their numbers take more memory than the answers."""
        known, holes = known.astype(np.int32), holes.astype(np.int32)
        if column.kind is Kind.NUMERIC:
            return cls(j, column, known, holes, np.empty(0), codes)
        levels = np.unique(codes)
        return cls(
            j, column, known, holes, levels, np.searchsorted(levels, codes).astype(np.min_scalar_type(len(levels)))
        )

    @property
    def codes(self) -> Floats:
        """Codes of the known rows, shape (known,)."""
        return self.levels[self.answers] if len(self.levels) else self.answers

    def on_scale(self, forecast: NDArray[np.floating]) -> Floats:
        """Probabilities of all levels of the column from those of the observed levels (h, K); 0 for the others."""
        shares = np.zeros((len(forecast), len(self.column.levels)))
        shares[:, np.searchsorted(self.column.levels, self.levels)] = forecast
        return shares


class Turn(Protocol):
    """What an item is regressed on when its turn comes: predictors of its known rows (n, q) and its holes (h, q).

    The first predictor is constant. Sums and predictions are to be had without the matrices, which are large.
    """

    @property
    def item(self) -> Item:
        """The item."""

    @property
    def unit(self) -> tuple[float, float]:
        """What an ordinal or numeric item's codes are less and divided by, to become its column: mean and deviation."""

    @property
    def sums(self) -> Sums:
        """Squares and products of the known rows' predictors and the item's own columns."""

    def known(self) -> Design:
        """Predictors of the known rows (n, q)."""

    def holes(self) -> Design:
        """Predictors of the holes (h, q)."""

    def at_known(self, coefficients: Floats) -> Design:
        """What coefficients (q, d) predict for the known rows (n, d)."""

    def at_holes(self, coefficients: Floats) -> Design:
        """What coefficients (q, d) predict for the holes (h, d)."""


@dataclass(frozen=True, eq=False)
class Completed:
    """The design of a table whose holes are filled, and the sums of squares and products of its fitted rows.

    A visit changes the columns of one item in the rows where it is a hole. So the sums of all rows are carried along,
    changed in its rows and columns alone, and those of the known rows of an item are these less the sums over its
    holes. The design of a large table is kept in single precision: what that rounds is far below a standard
    deviation's share that a ridge or a sample could tell. Sums and predictions are formed in double precision.

    Parameters
    ----------
    predictors : how codes became the design.
    design : shape (n, 1 + q), the fitted rows first.
    fitted : how many rows are fitted.
    sums : of squares and products of the fitted rows, shape (1 + q, 1 + q).
    """

    predictors: Predictors
    design: Design
    fitted: int
    sums: Floats

    @classmethod
    def begin(cls, predictors: Predictors, table: Floats, fitted: int, starts: Iterable[tuple[Item, Floats]]) -> Self:
        """Complete a table (n, p) by columns (h, width) for the holes of each item."""
        D = predictors.design(table, np.float32 if len(table) * predictors.width > LARGE else np.float64)
        for item, columns in starts:
            D[item.holes, predictors.blocks[item.j]] = columns
        return cls(predictors, D, fitted, products(D[:fitted]))

    def turn(self, item: Item) -> "CompletedTurn":
        """Look at the table from an item."""
        return CompletedTurn(item, self, self.design.take(item.holes, axis=0))

    def put(self, turn: "CompletedTurn", columns: Floats) -> None:
        """Put columns (h, width) into the holes of the item whose turn it is."""
        own, before = turn.own, turn.before[: turn.count]
        columns = columns.astype(self.design.dtype, copy=False)
        self.design[turn.item.holes, own] = columns
        change = columns[: turn.count].astype(np.float64) - before[:, own]
        moved = products(before, change)
        self.sums[:, own] += moved
        self.sums[own, :] += moved.T
        self.sums[own, own] += change.T @ change


@dataclass(frozen=True, eq=False)
class CompletedTurn:
    """An item and a table completed so far; see `Turn`.

    Parameters
    ----------
    item : the item.
    completed : the table.
    before : its design in the item's holes, shape (h, 1 + q).
    """

    item: Item
    completed: Completed
    before: Floats

    @property
    def own(self) -> slice:
        """Columns of the item."""
        return self.completed.predictors.blocks[self.item.j]

    @property
    def unit(self) -> tuple[float, float]:
        """What an ordinal or numeric item's codes are less and divided by, to become its column: mean and deviation."""
        return self.completed.predictors.unit(self.item.j)

    @cached_property
    def count(self) -> int:
        """How many of the holes are in fitted rows."""
        return int(np.searchsorted(self.item.holes, self.completed.fitted))

    @cached_property
    def sums(self) -> Sums:
        """Squares and products of the known rows' predictors and the item's own columns."""
        own, known = self.own, self.completed.sums - products(self.before[: self.count])
        others = np.delete(known, own, axis=0)
        return Sums(len(self.item.known), np.delete(others, own, axis=1), others[:, own], known[own, own])

    def known(self) -> Design:
        """Predictors of the known rows (n, q)."""
        return np.delete(self.completed.design.take(self.item.known, axis=0), self.own, axis=1)

    def holes(self) -> Design:
        """Predictors of the holes (h, q)."""
        return np.delete(self.before.astype(self.completed.design.dtype, copy=False), self.own, axis=1)

    def at_known(self, coefficients: Floats) -> Design:
        """What coefficients (q, d) predict for the known rows (n, d)."""
        wide, D = self._widened(coefficients), self.completed.design[: self.completed.fitted]
        if 2 * len(self.item.known) < len(D):
            return D.take(self.item.known, axis=0) @ wide
        return (D @ wide).take(self.item.known, axis=0)

    def at_holes(self, coefficients: Floats) -> Design:
        """What coefficients (q, d) predict for the holes (h, d)."""
        return self.before @ self._widened(coefficients)

    def _widened(self, coefficients: Floats) -> Design:
        """Coefficients (1 + q, d) of all columns, 0 for the item's own."""
        wide = np.insert(coefficients, np.full(self.own.stop - self.own.start, self.own.start), 0.0, axis=0)
        return wide.astype(self.completed.design.dtype, copy=False)


def products(D: Design, E: Design | None = None) -> Floats:
    """DᵀE, or DᵀD, in double precision, shape (q, d)."""
    E = D if E is None else E
    total = np.zeros((D.shape[1], E.shape[1]))
    for start in range(0, len(D), BLOCK):
        some = D[start : start + BLOCK].astype(np.float64, copy=False)
        total += some.T @ (some if E is D else E[start : start + BLOCK])
    return total
