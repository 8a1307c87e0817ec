"""Columns in numbers, for the regressions of a mask card: what drives missingness, and a cell's own value.

A nominal column with many levels counts by dummies of its frequent ones, and by the score that mechanisms give it (see
`propensity.scores`), so that thousands of levels cost no more than thirty.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datasets.mechanisms.propensity import scores
from datasets.schema import UNORDERED, Column, Floats, Kind, Role, Schema
from datasets.table import Dataset

MOST_LEVELS = 30
LEAST_ANSWERS = 30  # of a level among many, lest it be hidden or stay as a whole


def driver_positions(schema: Schema, further: str = "") -> list[int]:
    """Positions of the drivers: the columns with that role, and those named beside them, parted by commas.

    Raises
    ------
    InputError
        If a name is no column's.
    """
    named = [schema.index(name.strip()) for name in further.split(",") if name.strip()]
    return sorted({*schema.having(Role.DRIVER).tolist(), *named})


def driver_design(dataset: Dataset, drivers: Sequence[int]) -> Floats:
    """Ones and the standardised drivers, shape (n, 1 + q); a driver that is missing counts as its mean."""
    X, schema = dataset.values, dataset.schema
    parts = [numbers(X[:, j], schema.columns[j]) for j in drivers]
    D = np.hstack([np.empty((len(X), 0)), *parts])
    return with_ones(np.where(np.isnan(D), 0, D - np.nanmean(D, axis=0)) if D.size else D)


def own_design(codes: Floats, column: Column) -> Floats:
    """Ones and the own value: dummies if nominal, value and square of a number; nothing of a text."""
    if column.kind in UNORDERED:
        return with_ones(numbers(codes, column))
    centred = codes - codes.mean()
    return with_ones(np.column_stack([centred, centred**2]))


def numbers(codes: Floats, column: Column) -> Floats:
    """A column (n,) in numbers (n, q), missing ones NaN: dummies if nominal, the code otherwise; nothing of a text."""
    if column.kind is Kind.TEXT:
        return np.empty((len(codes), 0))
    if column.kind is not Kind.NOMINAL:
        return codes[:, None]
    dummies = (codes[:, None] == _frequent(codes, column)).astype(float)
    if len(column.levels) > MOST_LEVELS:
        dummies = np.column_stack([scores(codes, column), dummies])
    dummies[np.isnan(codes)] = np.nan
    return dummies


def _frequent(codes: Floats, column: Column) -> Floats:
    """All levels where they are few, else the most frequent ones, in the order of the scale."""
    if len(column.levels) <= MOST_LEVELS:
        return column.levels
    counts = level_counts(codes[~np.isnan(codes)], column)
    most = np.sort(np.argsort(-counts, kind="stable")[:MOST_LEVELS])
    return column.levels[most[counts[most] >= LEAST_ANSWERS]]


def level_counts(known: Floats, column: Column) -> NDArray[np.intp]:
    """Answers at each level, shape (K,)."""
    return np.bincount(np.searchsorted(column.levels, known), minlength=len(column.levels))


def with_ones(D: Floats) -> Floats:
    """Prepend ones; drop columns that do not vary or repeat what stands before them, scale the others."""
    D = D[:, D.std(axis=0) > 0]
    D = np.hstack([np.ones((len(D), 1)), D / D.std(axis=0)])
    pivots = np.diag(np.linalg.qr(D.T @ D / len(D), mode="r"))
    return D[:, np.abs(pivots) > 1e-9]
