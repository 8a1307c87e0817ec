"""The predictors of trees: the design of all other columns, kept in step with the fills of a chain."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind, Schema

Design = NDArray[np.floating]


def others(D: Design, schema: Schema, j: int) -> NDArray[np.float32]:
    """Design (…, n, q) without the columns of item j, in single precision, which is what trees compare in."""
    block = schema.blocks[j]
    return np.concatenate([D[..., : block.start], D[..., block.stop :]], axis=-1, dtype=np.float32)


def encode(schema: Schema, j: int, codes: Floats) -> Design:
    """Design columns of item j for codes (…,): shape (…, K) dummies of a nominal item, (…, 1) codes of another."""
    column = schema.columns[j]
    return (codes[..., None] == column.levels).astype(float) if column.kind is Kind.NOMINAL else codes[..., None]


def increasing_holes(X: Floats) -> list[int]:
    """Positions of the columns of a table (n, p), fewest holes first; ties in order."""
    return np.argsort(np.isnan(X).sum(axis=0), kind="stable").tolist()
