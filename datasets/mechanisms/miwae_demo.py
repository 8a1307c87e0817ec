"""The mask of the MIWAE authors' public demonstration, cell for cell."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.table import Dataset


@MECHANISMS.register("miwae-demo")
def miwae_demo(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Missing completely at random, for validation: the very cells that the MIWAE notebook hides.

    Mattei and Frellsen 2019 (ICML) and their public notebook: half of all cells of a complete table, drawn with
    NumPy's legacy generator from the seed 1234, so that its published error can be met on the same cells.

    Parameters
    ----------
    dataset : a table without holes.
    rate : must be 0.5.
    rng : not used.

    Returns
    -------
    hidden : shape (n, p).

    Raises
    ------
    InputError
        If the rate is another, or the table has holes.
    """
    if rate != 0.5:
        raise InputError(f"miwae-demo hides half of the cells; the rate is {rate:g}; give --rates 0.5")
    if np.isnan(dataset.values).any():
        raise InputError(f"miwae-demo needs a complete table; {dataset.name!r} has holes; take mcar")
    size = dataset.values.size
    hidden = np.zeros(size, dtype=bool)
    hidden[np.random.RandomState(1234).choice(size, size // 2, replace=False)] = True
    return hidden.reshape(dataset.values.shape)
