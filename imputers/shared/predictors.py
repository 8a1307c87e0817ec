"""The predictors of a regression: the schema's design with an intercept, centred and scaled on the fitted rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from datasets.schema import Floats, Kind, Schema

Design = NDArray[np.floating]
ROWS = 4096  # at a time, so that the columns of a block are read from the processor's cache


@dataclass(frozen=True, eq=False)
class Predictors:
    """How codes (n, p) become the columns of a regression (n, 1 + q), and which belong to which item.

    A nominal item gets a 0/1 column for each level that was observed, a single one if there are two; ordinal and
    numeric items enter by their code, scaled to variance 1. All are centred. So a ridge of one weighs like one more
    row at a level, or one standard deviation from the mean. Were 0/1 columns scaled too, the ridge would
    hardly hold the effects of rare levels, which need it most (Gelman et al. 2008, Annals of Applied Statistics 2:4).

    Parameters
    ----------
    dummies : per item, the levels that have a column of their own; empty for ordinal and numeric items.
    blocks : per item, its columns; column 0 is the intercept and belongs to none.
    centre, scale : per item, mean of its columns over the observed cells, and what they are divided by.
    """

    dummies: tuple[Floats, ...]
    blocks: tuple[slice, ...]
    centre: tuple[Floats, ...]
    scale: tuple[Floats, ...]

    @classmethod
    def learn(cls, schema: Schema, X: Floats) -> Self:
        """Read levels, means and scales off a table with holes; each column has two different values."""
        read = [_read(column.kind, x[~np.isnan(x)]) for column, x in zip(schema, X.T, strict=True)]
        dummies, centre, scale = zip(*read, strict=True)
        ends = 1 + np.cumsum([len(means) for means in centre])
        blocks = tuple(slice(int(end) - len(means), int(end)) for end, means in zip(ends, centre, strict=True))
        return cls(dummies, blocks, centre, scale)

    @property
    def width(self) -> int:
        """Number of columns, the intercept included."""
        return self.blocks[-1].stop

    def unit(self, j: int) -> tuple[float, float]:
        """Mean and standard deviation of the codes of ordinal or numeric item j."""
        return float(self.centre[j][0]), float(self.scale[j][0])

    def encode(self, j: int, codes: Floats) -> Floats:
        """Columns of item j for codes (n,): shape (n, width); NaN where the code is NaN."""
        if not len(self.dummies[j]):
            return (codes[:, None] - self.centre[j]) / self.scale[j]
        columns = (codes[:, None] == self.dummies[j]) - self.centre[j]
        columns[np.isnan(codes)] = np.nan
        return columns

    def design(self, X: Floats, dtype: DTypeLike = np.float64) -> Design:
        """All columns for a table (n, p), intercept first: shape (n, 1 + q)."""
        return self._written(X, np.empty((len(X), self.width), dtype=dtype), self.encode)

    def columns(self, X: Floats, dtype: DTypeLike = np.float64) -> Design:
        """All columns for a table (n, p), one after the other, intercept first: shape (1 + q, n)."""
        return self._written(X, np.empty((self.width, len(X)), dtype=dtype).T, self.encode).T

    def raw(self, X: Floats) -> NDArray[np.uint8]:
        """The same, neither centred nor scaled, for whole codes from 0 to 255; 0 where the code is NaN."""
        return self._written(X, np.empty((self.width, len(X)), dtype=np.uint8).T, self._raw).T

    @property
    def to_design(self) -> Floats:
        """What a row of raw columns is to be multiplied by to be centred and scaled, shape (1 + q, 1 + q)."""
        scale = np.concatenate(
            [np.repeat(own, len(centre)) for own, centre in zip(self.scale, self.centre, strict=True)]
        )
        matrix = np.diag(np.append(1.0, 1 / scale))
        matrix[0, 1:] = -np.concatenate(self.centre) / scale
        return matrix

    def _raw(self, j: int, codes: Floats) -> Floats | NDArray[np.bool_]:
        if len(self.dummies[j]):
            return codes[:, None] == self.dummies[j]
        return np.where(np.isnan(codes), 0, codes)[:, None]

    def _written(self, X: Floats, D: NDArray, encode: Callable[[int, Floats], NDArray]) -> NDArray:
        D[:, 0] = 1
        for start in range(0, len(X), ROWS):
            rows = slice(start, start + ROWS)
            for j, block in enumerate(self.blocks):
                D[rows, block] = encode(j, X[rows, j])
        return D


def _read(kind: Kind, known: Floats) -> tuple[Floats, Floats, Floats]:
    """Levels with a column of their own, means and scales of the columns, of an item's observed codes (n,)."""
    if kind is not Kind.NOMINAL:
        return np.empty(0), known.mean(keepdims=True), known.std(keepdims=True)
    levels, counts = np.unique(known, return_counts=True)
    own = slice(-1, None) if len(levels) == 2 else slice(None)
    return levels[own], counts[own] / len(known), np.ones(1)
