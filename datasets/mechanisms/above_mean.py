"""Self-masking as the not-MIWAE paper does it: what lies above the mean is hidden."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.schema import Kind
from datasets.table import Dataset


@MECHANISMS.register("above-mean")
def above_mean(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Not ignorable, for validation: the first half of the columns lose all values above their mean.

    Ipsen, Mattei and Frellsen 2021 (ICLR), section 4.1: the first ⌊p/2⌋ columns of a numeric table, so that
    published errors can be met to the digit. Nothing is random.

    Parameters
    ----------
    dataset : a table of numeric columns without holes.
    rate : must be 0.5, about the share that lies above the mean.
    rng : not used.

    Returns
    -------
    hidden : shape (n, p).

    Raises
    ------
    InputError
        If the rate is another, or the table is not numeric and complete.
    """
    if rate != 0.5:
        raise InputError(f"above-mean hides what lies above the mean; the rate is {rate:g}; give --rates 0.5")
    X = dataset.values
    if len(dataset.schema.where(Kind.NUMERIC)) < len(dataset.schema) or np.isnan(X).any():
        raise InputError(f"above-mean needs a complete table of numbers; {dataset.name!r} is none; take ni")
    hidden = X.mean(axis=0) < X
    hidden[:, X.shape[1] // 2 :] = False
    return hidden
