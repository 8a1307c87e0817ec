"""A table as completed so far in a chain: its design, and the sums that regressions need, kept up to date."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from datasets.schema import Floats, Kind, Schema
from imputers.shared.item import Item, Rows
from imputers.shared.linear import Sums
from imputers.shared.predictors import Design, Predictors

BLOCK = 4096  # rows at a time, so that their doubles stay in the processor's cache
EXACT = 2**24  # up to which whole numbers are exact in single precision
LARGE = 2**23  # cells of a design that is not kept in double precision


@dataclass(frozen=True, eq=False)
class Completed:
    """The design of a table whose holes are filled, and the sums of squares and products of its fitted rows.

    A visit changes the columns of one item in the rows where it is a hole. So the sums of all rows are carried along,
    changed in its rows and columns alone, and those of the known rows of an item are these less the sums over its
    holes. The design is kept by column, since what a visit changes is a column, and what it predicts a sum of columns.

    The design of a large table is kept as whole numbers of a byte, where codes are such numbers, and else in single
    precision: what that rounds is far below a standard deviation's share that a ridge or a sample could tell. Sums are
    as if formed in double precision.

    Parameters
    ----------
    predictors : how codes became the design.
    columns : the design by column, the fitted rows first, shape (1 + q, n); if of bytes, neither centred nor scaled.
    to_design : what a row of columns is to be multiplied by to be centred and scaled, shape (1 + q, 1 + q).
    fitted : how many rows are fitted.
    sums : of squares and products of the columns in the fitted rows, shape (1 + q, 1 + q).
    room : for the columns in the holes of one item, shape (1 + q, h); taken anew by every turn, since to ask for memory
        costs as much as to fill it.
    """

    predictors: Predictors
    columns: NDArray
    to_design: Floats
    fitted: int
    sums: Floats
    room: NDArray

    @classmethod
    def begin(
        cls,
        predictors: Predictors,
        table: Floats,
        fitted: int,
        starts: Iterable[tuple[Item, Floats]],
        dtype: DTypeLike,
    ) -> Self:
        """Complete a table (n, p) by columns (h, width) for the holes of each item.

        Parameters
        ----------
        dtype : of the columns. Of bytes they hold codes alone, whole numbers up to 255.
        """
        raw, most = np.dtype(dtype) == np.uint8, 0
        columns: NDArray = predictors.raw(table) if raw else predictors.columns(table, dtype)
        to_design = predictors.to_design if raw else np.eye(len(columns))
        for item, own in starts:
            columns[predictors.blocks[item.j], item.holes] = as_kept(predictors, item.j, own, columns.dtype)
            most = max(most, len(item.holes))
        room = np.empty((len(columns), most), columns.dtype)
        return cls(predictors, columns, to_design, fitted, products(columns[:, :fitted].T), room)

    def turn(self, item: Item) -> "CompletedTurn":
        """Look at the table from an item; what the turn before was told is forgotten."""
        before = pick(self.columns, item.holes, self.room[:, : len(item.holes)])
        count = int(below(item.holes, [self.fitted])[0])
        return CompletedTurn(item, self, before, count, products(before[:, :count].T))

    def put(self, turn: "CompletedTurn", columns: Floats) -> None:
        """Put columns (h, width) into the holes of the item whose turn it is."""
        own, before = turn.own, turn.before[:, : turn.count]
        put = as_kept(self.predictors, turn.item.j, columns, self.columns.dtype)
        for column, fills in zip(self.columns[own], put, strict=True):
            column[turn.item.holes] = fills
        change = np.subtract(put[:, : turn.count], before[own], dtype=np.float64).T
        moved = products(before.T, change)
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
    before : its columns in the item's holes, shape (1 + q, h).
    count : how many of the holes are in fitted rows.
    squares : squares and products of these, shape (1 + q, 1 + q).
    """

    item: Item
    completed: Completed
    before: NDArray
    count: int
    squares: Floats

    @property
    def own(self) -> slice:
        """Columns of the item."""
        return self.completed.predictors.blocks[self.item.j]

    @cached_property
    def chosen(self) -> Rows:
        """Columns that the item is regressed on, the constant first."""
        return read_by(self.item, self.completed.predictors, len(self.completed.columns))

    @property
    def unit(self) -> tuple[float, float]:
        """What an ordinal or numeric item's codes are less and divided by, to become its column: mean and deviation."""
        return self.completed.predictors.unit(self.item.j)

    @property
    def sums(self) -> Sums:
        """Squares and products of the known rows' predictors and the item's own columns."""
        own, to_design = self.own, self.completed.to_design
        known = to_design.T @ (self.completed.sums - self.squares) @ to_design
        others = known[self.chosen]
        return Sums(len(self.item.known), others[:, self.chosen], others[:, own], known[own, own])

    def known(self) -> Design:
        """Predictors of the known rows (n, q)."""
        columns, known = self.completed.columns, self.item.known
        return self._predictors(pick(columns, known, np.empty((len(columns), len(known)), columns.dtype)))

    def holes(self) -> Design:
        """Predictors of the holes (h, q)."""
        return self._predictors(self.before)

    def _predictors(self, columns: NDArray) -> Design:
        """Chosen ones of all columns, shape (all, k), centred and scaled: shape (k, q)."""
        others, to_design = columns[self.chosen], self.completed.to_design
        if columns.dtype != np.uint8:
            return others.T
        diagonal, shift = np.diag(to_design)[self.chosen], to_design[0, self.chosen]
        shift[0] = 0
        return (others * diagonal[:, None].astype(np.float32) + shift[:, None].astype(np.float32)).T

    def at_known(self, coefficients: Floats) -> Design:
        """What coefficients (q, d) predict for the known rows (n, d)."""
        fitted = self.completed.columns[:, : self.completed.fitted]
        return weighted(self._widened(coefficients), fitted).take(self.item.known, axis=1).T

    def at_holes(self, coefficients: Floats) -> Design:
        """What coefficients (q, d) predict for the holes (h, d)."""
        return weighted(self._widened(coefficients), self.before).T

    def _widened(self, coefficients: Floats) -> Design:
        """Coefficients of all columns as they are kept, shape (d, all), 0 for those that are not chosen."""
        wide = np.zeros((len(self.completed.columns), coefficients.shape[1]))
        wide[self.chosen] = coefficients
        return (self.completed.to_design @ wide).T.astype(np.result_type(self.completed.columns, np.float32))


def read_by(item: Item, predictors: Predictors, width: int) -> Rows:
    """Columns of a design of some width that an item may be regressed on: all but its own and those of unread items."""
    return np.delete(np.arange(width), np.r_[tuple(predictors.blocks[k] for k in (item.j, *item.unread))])


def as_kept(predictors: Predictors, j: int, columns: Floats, dtype: DTypeLike) -> NDArray:
    """Columns (h, width) of item j's design as they are kept in numbers of some type, shape (width, h)."""
    if dtype != np.uint8:
        return columns.T.astype(dtype)
    return np.rint(columns * predictors.scale[j] + predictors.centre[j]).T.astype(np.uint8)


def pick(columns: NDArray, rows: Rows, room: NDArray) -> NDArray:
    """Put some rows (h,) of columns (q, n) into a room (q, h), and return it."""
    for some in blocks(len(rows), 8 * BLOCK):
        places = rows[some].astype(np.intp)
        for column, own in zip(columns, room, strict=True):
            np.take(column, places, out=own[some], mode="clip")  # in the other mode, numpy copies first
    return room


def weighted(weights: Design, columns: NDArray) -> Design:
    """Sums of columns (q, n) by weights (d, q), in the precision of these, shape (d, n)."""
    found = np.empty((len(weights), columns.shape[1]), dtype=weights.dtype)
    for rows in blocks(columns.shape[1], 4 * BLOCK):
        found[:, rows] = weights @ columns[:, rows].astype(weights.dtype, copy=False)
    return found


def products(D: NDArray, E: NDArray | None = None) -> Floats:
    """DᵀE, or DᵀD, as if in double precision, shape (q, d).

    Products of bytes are whole numbers. In single precision their sums are exact up to 2²⁴, and found twice as fast.
    """
    E = D if E is None else E
    total = np.zeros((D.shape[1], E.shape[1]))
    dtype, size = (np.float32, exact_rows(D, E)) if D.dtype == np.uint8 else (np.float64, BLOCK)
    for rows in blocks(len(D), size):
        some: Design = D[rows].astype(dtype, copy=False)
        others: Design = some if E is D else E[rows].astype(dtype, copy=False)
        total += some.T @ others
    return total


def exact_rows(D: NDArray, E: NDArray) -> int:
    """How many rows of whole numbers have sums of products that are exact in single precision, `BLOCK` at most."""
    largest = int(D.max(initial=1)) * int(np.abs(E).max(initial=1))
    return max(min(EXACT // largest, BLOCK), 1)


def narrowest(schema: Schema, predictors: Predictors, n: int) -> DTypeLike:
    """Type of numbers that holds a design of n rows in whose holes stand codes alone."""
    codes = np.concatenate([column.levels for column in schema])
    labelled = all(column.kind is not Kind.NUMERIC for column in schema)
    whole = labelled and np.isin(codes, np.arange(256)).all()
    return np.uint8 if whole and n * predictors.width > LARGE else narrow(predictors, n)


def narrow(predictors: Predictors, n: int) -> DTypeLike:
    """Type of numbers that holds a design of n rows in whose holes stands anything."""
    return np.float32 if n * predictors.width > LARGE else np.float64


def below(rows: Rows, ends: Sequence[int]) -> Rows:
    """How many of ascending rows (n,) are below each end."""
    return np.searchsorted(rows, np.asarray(ends, dtype=rows.dtype))  # of another type, the rows are copied first


def blocks(n: int, size: int = BLOCK) -> Iterator[slice]:
    """Rows of a table of n, some at a time."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
