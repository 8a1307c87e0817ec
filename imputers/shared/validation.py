"""Validation cells: observed cells that a method hides from itself, to stop learning, calibrate or choose by."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats


def validation_cells(X: Floats, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose observed cells of X (n, p) at random, each with the same chance; NaN is a hole.

    One uniform number is used for each cell of X. There is one validation cell at least if any is observed.

    Examples
    --------
    >>> X = np.array([[1.0, np.nan], [2.0, 3.0]])
    >>> validation_cells(X, 1.0, np.random.default_rng(0)).tolist()
    [[True, False], [True, True]]
    """
    observed = ~np.isnan(X)
    cells = (rng.random(X.shape) < share) & observed
    if observed.any() and not cells.any():
        cells.flat[observed.argmax()] = True
    return cells
