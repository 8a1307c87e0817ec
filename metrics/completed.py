"""Completed tables to set beside the truth, like with like: both hold the cells that the truth knows, and no others."""

from collections.abc import Iterator

import numpy as np

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Floats
from datasets.table import Masked


def completed_tables(masked: Masked, prediction: Prediction) -> Iterator[Floats]:
    """Give the table (n, p) completed by each draw, with natural holes left open as in the truth.

    Raises
    ------
    InputError
        If the method fills nothing.
    """
    if prediction.draws is None:
        raise InputError("this method fills no holes, so it completes no table")
    for fills in prediction.draws[:, masked.scored]:
        table = np.array(masked.truth.values)
        table[masked.hidden] = fills  # both in row-major order
        yield table
