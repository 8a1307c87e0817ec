"""Missing completely at random: chance alone decides."""

import numpy as np
from numpy.typing import NDArray

from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.propensity import hide_counts
from datasets.table import Dataset


@MECHANISMS.register("mcar")
def mcar(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Missing completely at random: every observed cell of an item is equally likely.

    Rubin (1976), Biometrika 63, section 6. A simple random sample of exactly ``round(rate · observed)``
    cells of each column that is not a driver. Assumes nothing.

    Raises
    ------
    InputError
        If the rate is not in (0, 1), or a column cannot reach it.
    """
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    for j, count in hide_counts(dataset, rate).items():
        observed = np.flatnonzero(~np.isnan(dataset.values[:, j]))
        hidden[rng.choice(observed, count, replace=False), j] = True
    return hidden
