"""Answers on a scale: levels drawn from their probabilities, and what a normal number becomes as an answer."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats


def draw_level(probabilities: NDArray[np.floating] | NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw the position of a level for each row of probabilities (h, K), shape (h,), by inversion.

    Rows need not sum to one: they are taken relative to their sum. One uniform number is used for each row.

    Examples
    --------
    >>> draw_level(np.array([[0.0, 1.0, 0.0], [0.2, 0.0, 0.0]]), np.random.default_rng(0)).tolist()
    [1, 0]
    """
    return level_at(probabilities, rng.random((len(probabilities), 1)))


def level_at(probabilities: NDArray[np.floating] | NDArray[np.bool_], shares: Floats) -> NDArray[np.intp]:
    """Position of the level at a share (h, 1) of the way, 0 to below 1, through each row of probabilities (h, K)."""
    reached = probabilities.cumsum(axis=1)
    return (shares * reached[:, -1:] >= reached[:, :-1]).sum(axis=1)


def normal_shares(mean: Floats, deviation: Floats | float, levels: Floats) -> Floats:
    """Probability that a normal number is nearest to each of K levels, shape (h, K).

    Parameters
    ----------
    mean : shape (h, 1).
    deviation : standard deviation, shape (h, 1) or one for all.
    levels : ascending, shape (K,).
    """
    from scipy.special import ndtr

    middles = (levels[1:] + levels[:-1]) / 2
    return np.diff(ndtr((middles - mean) / deviation), axis=1, prepend=0.0, append=1.0)


def normal_mean(column: Column, mean: Floats, deviation: Floats | float) -> Floats:
    """Mean (h,) of normal numbers kept between the smallest and the largest answer of a numeric column.

    The first moment of a normal distribution censored on both sides (Tobin 1958, Econometrica 26), of which draws that
    are snapped to the column are a sample, but for rounding.

    Parameters
    ----------
    mean : shape (h,).
    deviation : standard deviation, shape (h,) or one for all.
    """
    from scipy.special import ndtr

    low = -np.inf if column.low is None else (column.low - mean) / deviation
    high = np.inf if column.high is None else (column.high - mean) / deviation
    inside = mean * (ndtr(high) - ndtr(low)) + deviation * (_density(low) - _density(high))
    below = 0.0 if column.low is None else column.low * ndtr(low)
    above = 0.0 if column.high is None else column.high * ndtr(-high)
    return np.asarray(below + inside + above)


def _density(z: Floats | float) -> Floats:
    return np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)
