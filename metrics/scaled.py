"""The hidden cells of a table row by row, answers and draws on scales on which all items can be added up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import UNORDERED, Column, Floats, Kind
from datasets.table import Masked
from metrics.cells import HiddenCells, hidden_cells

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ScaledItem:
    """One item among the scaled cells.

    Parameters
    ----------
    cells : its h hidden cells, as codes.
    at : their places among all scaled cells, shape (h,).
    unit : standard deviation of all observed answers of the truth, denominator n; 1 if the item has no order.
    observed : the answers that are not hidden, scaled and ascending, shape (o,).
    """

    cells: HiddenCells
    at: Rows
    unit: float
    observed: Floats

    @property
    def unordered(self) -> bool:
        """Whether its answers have no order: nominal and text."""
        return self.cells.column.kind in UNORDERED

    def scaled(self, codes: Floats) -> Floats:
        """Codes as numbers on the item's scale."""
        return _places(self.cells.column, codes) / self.unit


@dataclass(frozen=True, eq=False)
class ScaledCells:
    """H hidden cells in row-major order.

    A numeric answer stands as its value and an ordinal one as its place among the levels, both in standard deviations
    of the item; a nominal answer or a text as its place. The distance of two answers is ``min(|a - b|, cap)``.

    Parameters
    ----------
    items : the items they are of.
    rows : row of each in the table, shape (H,), ascending.
    truth : true answers, shape (H,).
    draws : drawn answers, shape (m, H).
    cap : 1 where answers have no order, so that two are alike or one apart; infinite elsewhere; shape (H,).
    """

    items: tuple[ScaledItem, ...]
    rows: Rows
    truth: Floats
    draws: Floats
    cap: Floats

    @property
    def starts(self) -> Rows:
        """Where the cells of each row begin, shape (rows,)."""
        return np.flatnonzero(np.diff(self.rows, prepend=-1))

    def distance(self, a: Floats, b: Floats) -> Floats:
        """Distance between two answers of each cell, shape (H,)."""
        return np.minimum(np.abs(a - b), self.cap)

    def row_distance(self, a: Floats, b: Floats) -> Floats:
        """Root of the sum of squared distances over the cells of each row, shape (rows,)."""
        return np.sqrt(np.add.reduceat(self.distance(a, b) ** 2, self.starts))


def scaled_cells(masked: Masked, prediction: Prediction) -> ScaledCells | None:
    """Hidden cells of the items whose answers vary, and of which some were left to see; None without any.

    None also for a single draw, which does not show how far draws lie from one another.

    Raises
    ------
    InputError
        If the method fills nothing.
    """
    if prediction.draws is None:
        raise InputError("this method fills no holes, so it has no draws to be scored")
    kept = [cells for cells in hidden_cells(masked, *Kind) if _is_scored(masked, cells)]
    if not kept or len(prediction.draws) < 2:
        return None
    holes = np.sort(np.concatenate([cells.holes for cells in kept]))
    items = tuple(_item(masked, cells, np.searchsorted(holes, cells.holes)) for cells in kept)
    truth, cap, draws = np.empty(len(holes)), np.full(len(holes), np.inf), np.empty((len(prediction.draws), len(holes)))
    for item in items:
        truth[item.at] = item.scaled(item.cells.truth)
        draws[:, item.at] = item.scaled(prediction.draws[:, item.cells.holes])
        cap[item.at] = 1.0 if item.unordered else np.inf
    return ScaledCells(items, np.nonzero(np.isnan(masked.values))[0][holes], truth, draws, cap)


def _is_scored(masked: Masked, cells: HiddenCells) -> bool:
    """Whether an item's answers vary and some of them were left to see."""
    known, seen = masked.truth.values[:, cells.position], masked.values[:, cells.position]
    return bool(np.nanmin(known) < np.nanmax(known)) and not np.isnan(seen).all()


def _item(masked: Masked, cells: HiddenCells, at: Rows) -> ScaledItem:
    known, seen = masked.truth.values[:, cells.position], masked.values[:, cells.position]
    unordered = cells.column.kind in UNORDERED
    unit = 1.0 if unordered else float(np.std(_places(cells.column, known[~np.isnan(known)])))
    return ScaledItem(cells, at, unit, np.sort(_places(cells.column, seen[~np.isnan(seen)]) / unit))


def _places(column: Column, codes: Floats) -> Floats:
    """Values of a numeric item, places among the levels of any other."""
    return codes if column.kind is Kind.NUMERIC else np.searchsorted(column.levels, codes).astype(float)
