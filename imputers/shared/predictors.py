"""The predictors of a regression: the schema's design with an intercept, centred and scaled on the fitted rows."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from datasets.schema import Floats, Kind, Schema


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
        known = [x[~np.isnan(x)] for x in X.T]
        levels = [np.unique(x) if c.kind is Kind.NOMINAL else np.empty(0) for c, x in zip(schema, known, strict=True)]
        dummies = tuple(found[-1:] if len(found) == 2 else found for found in levels)
        raw = [_numbers(x, found) for x, found in zip(known, dummies, strict=True)]
        ends = 1 + np.cumsum([columns.shape[1] for columns in raw])
        blocks = tuple(slice(int(e) - columns.shape[1], int(e)) for e, columns in zip(ends, raw, strict=True))
        centre = tuple(columns.mean(axis=0) for columns in raw)
        scale = tuple(np.ones(1) if len(d) else columns.std(axis=0) for d, columns in zip(dummies, raw, strict=True))
        return cls(dummies, blocks, centre, scale)

    def encode(self, j: int, codes: Floats) -> Floats:
        """Columns of item j for codes (n,): shape (n, width); NaN where the code is NaN."""
        columns = (_numbers(codes, self.dummies[j]) - self.centre[j]) / self.scale[j]
        columns[np.isnan(codes)] = np.nan
        return columns

    def design(self, X: Floats) -> Floats:
        """All columns for a table (n, p), intercept first: shape (n, 1 + q)."""
        return np.hstack([np.ones((len(X), 1)), *(self.encode(j, x) for j, x in enumerate(X.T))])


def _numbers(codes: Floats, dummies: Floats) -> Floats:
    return (codes[:, None] == dummies).astype(float) if len(dummies) else codes[:, None].astype(float)
