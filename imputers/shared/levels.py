"""Levels of a scale drawn from their probabilities."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats


def draw_level(probabilities: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw the position of a level for each row of probabilities (h, K), shape (h,), by inversion.

    Rows need not sum to one: they are taken relative to their sum. One uniform number is used for each row.

    Examples
    --------
    >>> draw_level(np.array([[0.0, 1.0, 0.0], [0.2, 0.0, 0.0]]), np.random.default_rng(0)).tolist()
    [1, 0]
    """
    reached = probabilities.cumsum(axis=1)
    return (rng.random((len(reached), 1)) * reached[:, -1:] >= reached[:, :-1]).sum(axis=1)
