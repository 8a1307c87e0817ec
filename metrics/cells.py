"""What is held against the truth: the hidden cells, column by column, and the tables that the draws complete."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind
from datasets.table import Masked

SCALE = (Kind.ORDINAL, Kind.NUMERIC)
CATEGORICAL = (Kind.NOMINAL, Kind.ORDINAL)


@dataclass(frozen=True, eq=False)
class HiddenCells:
    """The h hidden cells of one column, in row order.

    Parameters
    ----------
    column, position : the column and its place in the schema.
    truth : their true codes, shape (h,).
    holes : their places among all holes of the table, as in the draws of a prediction, shape (h,).
    own : their places among the holes of their column, as in the probabilities of a prediction, shape (h,).
    spread : standard deviation (denominator n) of all observed answers of the column, hidden ones included.
    """

    column: Column
    position: int
    truth: Floats
    holes: NDArray[np.intp]
    own: NDArray[np.intp]
    spread: float

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.column.name


def hidden_cells(masked: Masked, *kinds: Kind) -> Iterator[HiddenCells]:
    """Give the hidden cells of every column of these kinds that has any; natural holes are never among them."""
    rows, columns = np.nonzero(np.isnan(masked.values))
    by_column = np.argsort(columns, kind="stable")  # once for all columns: a table may have a thousand
    stops = np.bincount(columns, minlength=len(masked.schema)).cumsum()
    for j in masked.schema.where(*kinds):
        holes = by_column[stops[j - 1] if j else 0 : stops[j]]
        own = np.flatnonzero(masked.scored[holes])
        if len(own):
            known = masked.truth.values[:, j]
            truth = known[rows[holes[own]]]
            yield HiddenCells(masked.schema.columns[j], int(j), truth, holes[own], own, float(np.nanstd(known)))


def completed_tables(masked: Masked, prediction: Prediction) -> Iterator[Floats]:
    """Give the table (n, p) completed by each draw, with natural holes left open as in the truth.

    Raises
    ------
    InputError
        If the method fills nothing.
    """
    if prediction.draws is None:
        raise InputError("this method fills no holes, so it completes no table")
    for fills in prediction.draws[:, masked.scored]:
        table = np.array(masked.truth.values)
        table[masked.hidden] = fills  # both in row-major order
        yield table
