"""An item's part in a chain, and what it is regressed on when its turn comes."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats, Kind
from imputers.shared.linear import Sums
from imputers.shared.predictors import Design

Rows = NDArray[np.integer]


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
    unread : positions of the items that it is not regressed on.
    """

    j: int
    column: Column
    known: Rows
    holes: Rows
    levels: Floats
    answers: NDArray
    unread: tuple[int, ...] = ()

    @classmethod
    def of(cls, j: int, column: Column, known: Rows, codes: Floats, holes: Rows, unread: tuple[int, ...] = ()) -> Self:
        """Item j with codes (known,); of many rows their numbers take more memory than the answers."""
        known, holes = known.astype(np.int32), holes.astype(np.int32)
        if column.kind is Kind.NUMERIC:
            return cls(j, column, known, holes, np.empty(0), codes, unread)
        levels = np.unique(codes)
        answers = np.searchsorted(levels, codes).astype(np.min_scalar_type(len(levels)))
        return cls(j, column, known, holes, levels, answers, unread)

    @property
    def codes(self) -> Floats:
        """Codes of the known rows, shape (known,)."""
        return self.levels[self.answers] if len(self.levels) else self.answers

    def codes_of(self, places: Rows) -> Floats:
        """Codes of some of the known rows, by their place among these."""
        answers = self.answers.take(places)
        return self.levels[answers] if len(self.levels) else answers

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
    def chosen(self) -> Rows:
        """Columns of the design that are the predictors, the constant first, shape (q,)."""

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
