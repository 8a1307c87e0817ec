"""The completed table of a chain in which each item is regressed on few others, chosen beforehand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers.shared.completed import products
from imputers.shared.item import Item
from imputers.shared.linear import Sums
from imputers.shared.predictors import Design, Predictors


@dataclass(frozen=True, eq=False)
class Selected:
    """The design of a wide table whose holes are filled, by column, so that a few columns are read fast.

    A visit reads the columns of its predictors alone; sums of all columns, of which there may be thousands, are not
    kept, as `Completed` does for a table all of whose columns count.

    Parameters
    ----------
    predictors : how codes became the design.
    columns : the design in single precision, shape (1 + q, n), the fitted rows first.
    read : per item, positions of the items that it is regressed on, ascending.
    """

    predictors: Predictors
    columns: NDArray[np.float32]
    read: Sequence[NDArray[np.integer]]

    @classmethod
    def begin(
        cls,
        predictors: Predictors,
        table: Floats,
        read: Sequence[NDArray[np.integer]],
        starts: Iterable[tuple[Item, Floats]],
    ) -> Self:
        """Complete a table (n, p) by columns (h, width) for the holes of each item."""
        columns = predictors.columns(table, np.float32)
        for item, own in starts:
            columns[predictors.blocks[item.j], item.holes] = own.T
        return cls(predictors, columns, read)

    def turn(self, item: Item) -> "SelectedTurn":
        """Look at the table from an item."""
        read = [k for k in self.read[item.j] if k not in item.unread] or self.read[item.j]
        blocks = [self.predictors.blocks[k] for k in read]
        return SelectedTurn(item, self, np.r_[tuple([slice(0, 1), *blocks])])

    def put(self, turn: "SelectedTurn", columns: Floats) -> None:
        """Put columns (h, width) into the holes of the item whose turn it is."""
        self.columns[self.predictors.blocks[turn.item.j], turn.item.holes] = columns.T


@dataclass(frozen=True, eq=False)
class SelectedTurn:
    """An item and a wide table completed so far; see `completed.Turn`.

    Parameters
    ----------
    item : the item.
    selected : the table.
    chosen : columns that the item is regressed on, the constant first.
    """

    item: Item
    selected: Selected
    chosen: NDArray[np.integer]

    @property
    def unit(self) -> tuple[float, float]:
        """What an ordinal or numeric item's codes are less and divided by, to become its column: mean and deviation."""
        return self.selected.predictors.unit(self.item.j)

    @cached_property
    def sums(self) -> Sums:
        """Squares and products of the known rows' predictors and the item's own columns."""
        own = self.selected.columns[self.selected.predictors.blocks[self.item.j]][:, self.item.known].T
        X = self.known()
        return Sums(len(X), products(X), products(X, own), products(own))

    def known(self) -> Design:
        """Predictors of the known rows (n, q)."""
        return self._read[:, self.item.known].T

    def holes(self) -> Design:
        """Predictors of the holes (h, q)."""
        return self._read[:, self.item.holes].T

    def at_known(self, coefficients: Floats) -> Design:
        """What coefficients (q, d) predict for the known rows (n, d)."""
        return self.known() @ coefficients

    def at_holes(self, coefficients: Floats) -> Design:
        """What coefficients (q, d) predict for the holes (h, d)."""
        return self.holes() @ coefficients

    @cached_property
    def _read(self) -> NDArray[np.float32]:
        return self.selected.columns[self.chosen]
