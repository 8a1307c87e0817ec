"""Systematically missing: an item is silent in one stretch of a driver and nowhere else, without any chance."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.propensity import hide_counts
from datasets.schema import UNORDERED, Role
from datasets.table import Dataset


@MECHANISMS.register("systematic")
def systematic(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Systematically missing: all answers of one stretch of a driver, such as an age group.

    After the systematic errors of Wu, Zhang, Ilyas and Rekatsinas (2020, MLSys), which hit all rows that share a value
    of another attribute. For each column a driver is drawn, and a place on it: hidden are the
    ``round(rate · observed)`` cells that follow each other from there, in the order of the driver, going on at its
    start where it ends. Unordered drivers are put in a random order of their levels; ties are broken at random, and a
    missing driver comes last. It is missing at random (Rubin 1976), but nobody of that stretch is observed: what is
    learned has to carry over.

    Raises
    ------
    InputError
        If the rate is not in (0, 1), a column cannot reach it, or there is no driver that varies.
    """
    counts, X = hide_counts(dataset, rate), dataset.values
    drivers = [j for j in dataset.schema.having(Role.DRIVER) if np.nanmin(X[:, j]) < np.nanmax(X[:, j])]
    if not drivers:
        raise InputError(
            f"mechanism 'systematic' finds no driver that varies in {dataset.name!r}; "
            'mark columns that are always observed with role = "driver" in the schema'
        )
    hidden = np.zeros(X.shape, dtype=bool)
    for j, count in counts.items():
        observed = np.flatnonzero(~np.isnan(X[:, j]))
        driver = rng.choice(drivers)
        values = X[observed, driver]
        if dataset.schema.columns[driver].kind in UNORDERED:
            levels = dataset.schema.columns[driver].levels
            places = np.append(rng.permutation(len(levels)), np.nan)
            values = places[np.where(np.isnan(values), len(levels), np.searchsorted(levels, values))]
        ordered = observed[np.lexsort((rng.random(len(observed)), values))]  # NaN comes last
        hidden[np.roll(ordered, -rng.integers(len(ordered)))[:count], j] = True
    return hidden
