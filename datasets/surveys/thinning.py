"""Thinning: fewer rows of a table, for methods that take long for each."""

from dataclasses import replace

import numpy as np

from datasets.errors import InputError
from datasets.table import Dataset


def thinned(dataset: Dataset, rows: int) -> Dataset:
    """Keep so many rows, of replicates so many of each, evenly spaced in their order; the name says how many.

    Raises
    ------
    InputError
        If rows is below one or more than there are.
    """
    tables = np.zeros(len(dataset.values)) if dataset.replicates is None else dataset.replicates
    _, starts, sizes = np.unique(tables, return_index=True, return_counts=True)
    if not 1 <= rows <= sizes.min():
        raise InputError(f"{rows} rows of {dataset.title!r} were asked for; it has 1 to {sizes.min()} to give")
    kept = (starts[:, None] + np.arange(rows) * sizes[:, None] // rows).ravel()
    weights, strata, psu, replicates = (
        None if part is None else part[kept]
        for part in (dataset.weights, dataset.strata, dataset.psu, dataset.replicates)
    )
    return replace(
        dataset,
        name=f"{dataset.name}, {rows} rows",
        values=dataset.values[kept],
        reasons=dataset.reasons[kept],
        weights=weights,
        strata=strata,
        psu=psu,
        replicates=replicates,
    )
