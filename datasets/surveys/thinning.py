"""Thinning: fewer rows of a table, for methods that take long for each."""

from dataclasses import replace

import numpy as np

from datasets.errors import InputError
from datasets.table import Dataset


def thinned(dataset: Dataset, rows: int) -> Dataset:
    """Keep so many rows, evenly spaced in the order of the file; the name says how many.

    Raises
    ------
    InputError
        If rows is below one or more than there are.
    """
    if not 1 <= rows <= len(dataset.values):
        raise InputError(f"{rows} rows of {dataset.title!r} were asked for; it has 1 to {len(dataset.values)} to give")
    kept = np.arange(rows) * len(dataset.values) // rows
    weights, strata, psu = (
        None if part is None else part[kept] for part in (dataset.weights, dataset.strata, dataset.psu)
    )
    return replace(
        dataset,
        name=f"{dataset.name}, {rows} rows",
        values=dataset.values[kept],
        reasons=dataset.reasons[kept],
        weights=weights,
        strata=strata,
        psu=psu,
    )
