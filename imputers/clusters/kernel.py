"""Kernel regression: weights of donors by distance, and how well each bandwidth forecasts donors from the others."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats

Numbers = Floats

NARROWEST, WIDTHS = 0.25, 17  # c of the bandwidths to choose from, each √2 of the one before: 0.25 … 64


def bandwidths(n: int) -> Numbers:
    """Bandwidths c·n^(-1/5) to choose from, ascending, for n donors."""
    return NARROWEST * np.sqrt(2) ** np.arange(WIDTHS) * n**-0.2


def kernel_weights(squared: Numbers, bandwidth: float) -> Numbers:
    """Weights of n donors, shape (rows, n), from their squared distances (rows, n): exp(-d²/2h²) + n⁻³.

    exp(-d²/2h²) is the product of a Gaussian kernel per coordinate. The n donors' n⁻³ sum to the n⁻² that keeps the
    denominator of the regression from zero; given to the donors, rather than to nobody, it draws a row without
    near donors to the donors' mean instead of to zero, and serves means, shares and draws alike.
    """
    return np.exp(squared / (-2 * bandwidth**2)) + float(squared.shape[1]) ** -3


def leave_one_out(squared: Numbers, own: NDArray[np.intp], Y: Numbers) -> Numbers:
    """Mean squared error of forecasting donors from all others, for each of `bandwidths`: shape (WIDTHS,).

    Parameters
    ----------
    squared : squared distances of some of the donors to all of them, shape (rows, n).
    own : which donor each row is, shape (rows,).
    Y : what is forecast of the donors, shape (n, f).

    Notes
    -----
    A kernel mean without donor i is the kernel mean with weight i set to zero, so nothing is fitted twice. A
    bandwidth √2 narrower squares the Gaussian weights, so nothing is exponentiated twice.
    """
    n, rows = len(Y), np.arange(len(own))
    guard = float(n) ** -3
    errors = np.empty(WIDTHS)
    K = np.exp(squared / (-2 * bandwidths(n)[-1] ** 2))
    K[rows, own] = 0
    rest = Y.sum(axis=0) - Y[own]
    for at in reversed(range(WIDTHS)):
        means = (K @ Y + guard * rest) / (K.sum(axis=1, keepdims=True) + guard * (n - 1))
        errors[at] = np.mean(((Y[own] - means) ** 2).sum(axis=1))
        np.square(K, out=K)
    return errors
