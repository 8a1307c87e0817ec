"""Columns of somebody's own file with too few answers to hide a share of them, or one answer only."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from datasets.errors import InputError
from datasets.schema import Role
from datasets.table import Dataset

SHOWN = 5


def without_sparse(dataset: Dataset, rates: Iterable[float]) -> tuple[Dataset, str]:
    """Leave out columns of one answer, and those of which a rate would hide none or all; say which, or "".

    Drivers, which are never hidden, stay.

    Raises
    ------
    InputError
        If no other column is left.
    """
    observed = (~np.isnan(dataset.values)).sum(axis=0)
    counts = np.array([[round(rate * int(number)) for number in observed] for rate in rates])
    kept = ((counts > 0) & (counts < observed)).all(axis=0)
    kept &= np.fmin.reduce(dataset.values, axis=0) < np.fmax.reduce(dataset.values, axis=0)
    kept[dataset.schema.having(Role.DRIVER)] = True
    if kept.all():
        return dataset, ""
    names = [name for name, keeps in zip(dataset.schema.names, kept, strict=True) if not keeps]
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    told = f"{dataset.title}: left out, as they have too few answers to hide some, or one: {shown}"
    places = np.flatnonzero(kept)
    part = dataset.schema.take(places)
    if all(column.role is Role.DRIVER for column in part):
        raise InputError(f"{told}; no column is left to hide: take more rows, or another rate")
    values, reasons = dataset.values[:, places], dataset.reasons[:, places]
    told += "; more --rows or another rate may keep them"
    return replace(dataset, schema=part, values=values, reasons=reasons), told
