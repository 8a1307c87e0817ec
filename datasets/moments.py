"""Moments: means, covariances and correlations of the numbers behind the codes, pair by pair."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of a design of q columns (see `Schema.design`).

    Parameters
    ----------
    mean : shape (q,).
    covariance, correlation : shape (q, q); NaN for a pair seen together in fewer than two rows, and the
        correlation also where one of its columns does not vary there.
    pairs : shape (q, q), number of rows behind each pair.
    """

    mean: Floats
    covariance: Floats
    correlation: Floats
    pairs: Floats


def pairwise_moments(D: Floats, weights: Floats | None = None) -> Moments:
    """Moments of a design (n, q) from all rows where both columns of a pair are known.

    Means within a pair are those of its rows, as in ``pandas.DataFrame.cov`` and ``.corr``, which this
    equals without weights. With weights w the sums are weighted and the covariance has denominator
    ``W - sum(w²)/W``, W the pair's weight sum, so that equal weights change nothing.

    Examples
    --------
    >>> D = np.array([[1.0, 2.0], [2.0, np.nan], [3.0, 6.0]])
    >>> float(pairwise_moments(D).covariance[0, 1])
    4.0
    """
    known = ~np.isnan(D)
    w = np.ones(len(D)) if weights is None else weights
    centre = w @ np.where(known, D, 0.0) / np.where(known.any(axis=0), w @ known, np.nan)
    Z = np.where(known, D - centre, 0.0)  # centred first: the sums of squares below then lose no digits
    Zw = Z * w[:, None]
    first, which = _patterns(known)  # the dummies of an item share their holes, so there are few
    S = known[:, first].astype(float)
    both = np.ix_(which, which)
    pairs, W, W2 = (S.T @ S)[both], (S.T @ (S * w[:, None]))[both], (S.T @ (S * (w**2)[:, None]))[both]
    with np.errstate(invalid="ignore", divide="ignore"):
        a = (Zw.T @ S)[:, which] / W  # a[j, k]: mean of column j over the rows that know both j and k
        product = Zw.T @ Z / W - a * a.T
        square = ((Zw * Z).T @ S)[:, which] / W - a**2  # square[j, k]: variance of j over those rows
        covariance = product * W / (W - W2 / W)
        square[square <= 1e-12 * (Z**2).max(axis=0)[:, None]] = np.nan  # constant over those rows, but for rounding
        correlation = np.clip(product / np.sqrt(square * square.T), -1, 1)
    covariance[pairs < 2] = np.nan
    correlation[pairs < 2] = np.nan
    return Moments(centre, covariance, correlation, pairs)


def _patterns(known: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First column of each distinct pattern of known cells (n, q), and the pattern of each column (q,)."""
    packed = np.ascontiguousarray(np.packbits(known, axis=0).T)
    _, first, which = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_index=True, return_inverse=True)
    return first, which
