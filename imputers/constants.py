"""Columns of one answer: nothing is learned of them, and their holes are filled with it outside every method."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Floats, Schema


@dataclass(frozen=True, eq=False)
class Constants:
    """What stands in the columns of the fitted table that do not vary.

    Parameters
    ----------
    values : the one answer of each column, NaN for columns that vary, shape (p,).
    """

    values: Floats

    @classmethod
    def of(cls, codes: Floats, schema: Schema) -> Self:
        """Look at the fitted table (n, p).

        Raises
        ------
        InputError
            If a column has fewer than two observed values.
        """
        observed = (~np.isnan(codes)).sum(axis=0)
        for column, count in zip(schema, observed, strict=True):
            if count < 2:
                raise InputError(
                    f"column {column.name!r} has {count} observed values; an imputer needs two at least to learn "
                    'from; leave the column out (kind = "ignore" in the schema)'
                )
        low, high = np.nanmin(codes, axis=0), np.nanmax(codes, axis=0)
        return cls(np.where(low == high, low, np.nan))

    @cached_property
    def varying(self) -> NDArray[np.intp]:
        """Positions of the columns that vary."""
        return np.flatnonzero(np.isnan(self.values))

    def whole(self, X: Floats) -> Floats:
        """All columns of a table (n, p) from those that vary."""
        codes = np.tile(self.values, (len(X), 1))
        codes[:, self.varying] = X
        return codes

    def widen(self, asked: NDArray[np.bool_], inner: Prediction) -> Prediction:
        """Put the constants among the fills of what is asked (n, p), given those of the columns that vary."""
        if len(self.varying) == asked.shape[1]:
            return inner
        probabilities = {int(self.varying[j]): table for j, table in inner.probabilities.items()}
        if inner.draws is None:
            return Prediction(None, None, probabilities, inner.moments, inner.estimates)
        constant = self.values[np.nonzero(asked)[1]]  # NaN where the method filled
        inside = np.isnan(constant)
        fills = np.tile(constant, (len(inner.draws), 1))
        fills[:, inside] = inner.draws
        expected = None
        if inner.expected is not None:
            expected = constant.copy()
            expected[inside] = inner.expected
        return Prediction(fills, expected, probabilities)
