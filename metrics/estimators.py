"""Weighted estimators with the influence of each respondent on them: means, correlations and three regressions.

Each takes rows without holes. An influence (n, k) holds the weight: the estimate's variance is that of the sum of the
influences over the sample (Deville 1999, Survey Methodology 25; Binder 1983, International Statistical Review 51).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import Floats

STEPS = 50  # of Newton's method, of which it takes about six
NOTHING = 1e-12  # share of the size of numbers that is rounding
CONVERGED = 1e-10  # largest step, in units of the coefficients on standardised regressors


@dataclass(frozen=True, eq=False)
class Linearised:
    """Estimates (k,) with the influence (n, k) of each row."""

    estimates: Floats
    influence: Floats


class NoEstimate(InputError):
    """Rows that an estimator has no estimate for."""


def means(Y: Floats, w: Floats) -> Linearised:
    """Weighted mean ``Σ w y / Σ w`` of each column of Y (n, k)."""
    total = w.sum()
    found = w @ Y / total
    return Linearised(found, w[:, None] * (Y - found) / total)


def domain_means(y: Floats, G: NDArray[np.bool_], w: Floats) -> Linearised:
    """Weighted mean of y (n,) in each of the k domains, to which the rows belong by G (n, k).

    Raises
    ------
    NoEstimate
        If a domain is empty.
    """
    inside = w[:, None] * G
    totals = inside.sum(axis=0)
    if not totals.all():
        raise NoEstimate("a domain has no respondents, so it has no mean")
    found = y @ inside / totals
    return Linearised(found, inside * (y[:, None] - found) / totals)


def correlations(Y: Floats, w: Floats) -> Linearised:
    """Weighted product-moment correlation of the columns of Y (n, c), pairs (0, 1), (0, 2), … (1, 2), … in order.

    With z the standardised columns, the influence on r_ab is ``z_a z_b - r (z_a² + z_b²)/2`` (Devlin, Gnanadesikan &
    Kettenring 1975, Biometrika 62).

    Raises
    ------
    NoEstimate
        If a column does not vary.
    """
    share = w / w.sum()
    centred = Y - share @ Y
    spread = np.sqrt(share @ centred**2)
    if (spread <= NOTHING * np.abs(Y).max(axis=0)).any():
        raise NoEstimate("an item does not vary, so it has no correlations")
    Z = centred / spread
    a, b = np.triu_indices(Y.shape[1], 1)
    products = Z[:, a] * Z[:, b]
    found = share @ products
    return Linearised(found, share[:, None] * (products - found * (Z[:, a] ** 2 + Z[:, b] ** 2) / 2))


def linear(Z: Floats, y: Floats, w: Floats) -> Linearised:
    """Weighted least squares of y (n,) on Z (n, k); the influence is ``(Z'WZ)⁻¹ z w e``, e the residual.

    Raises
    ------
    NoEstimate
        If regressors determine each other.
    """
    weighted = w[:, None] * Z
    information = Z.T @ weighted
    coefficients = _solve(information, weighted.T @ y)
    residual = y - Z @ coefficients
    return Linearised(coefficients, _solve(information, (weighted * residual[:, None]).T).T)


def logistic(Z: Floats, y: Floats, w: Floats) -> Linearised:
    """Weighted logistic regression of y (n,), 0 or 1, on Z (n, k), by maximum pseudo-likelihood (Binder 1983).

    Raises
    ------
    NoEstimate
        If it does not converge, as when regressors tell y without error.
    """
    scale = np.abs(Z).max(axis=0)
    S, beta = Z / scale, np.zeros(Z.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(S @ beta, -500, 500)))
        scores = w[:, None] * S * (y - chance)[:, None]
        information = S.T @ (S * (w * chance * (1 - chance))[:, None])
        step = _solve(information, scores.sum(axis=0))
        beta = beta + step
        if np.abs(step).max() < CONVERGED:
            return Linearised(beta / scale, _solve(information, scores.T).T / scale)
    raise NoEstimate("the logistic regression did not converge: its regressors tell the outcome without error")


def proportional_odds(Z: Floats, y: NDArray[np.intp], w: Floats) -> Linearised:
    """Weighted proportional-odds model ``logit P(y ≤ j) = ζ_j - z'β`` of levels y (n,) on Z (n, k) without ones.

    McCullagh (1980), Journal of the Royal Statistical Society B 42; by maximum pseudo-likelihood (Binder 1983), Newton
    steps on the observed information. Estimates are the k slopes β alone; levels that nobody gave are left out.

    Raises
    ------
    NoEstimate
        If fewer than two levels were given, or it does not converge.
    """
    levels, y = np.unique(y, return_inverse=True)
    if len(levels) < 2:
        raise NoEstimate("an outcome of one level has no proportional-odds model")
    spread = Z.std(axis=0)
    if not spread.all():
        raise NoEstimate("a regressor does not vary, so it has no slope")
    above, below = _cuts(Z / spread, y, len(levels))
    k, shares = Z.shape[1], np.bincount(y, w) / w.sum()
    reached = np.cumsum(shares)[:-1]
    theta = np.concatenate([np.zeros(k), np.log(reached / (1 - reached))])
    for _ in range(STEPS):
        scores, information = _newton(theta, above, below, y, w)
        step = _solve(information, scores.sum(axis=0))
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))  # far from the maximum the step is cut
        theta = theta + step
        if (np.diff(theta[k:]) <= 0).any():
            raise NoEstimate("the cut points of a proportional-odds model crossed: levels are too thin")
        if np.abs(step).max() < CONVERGED:
            return Linearised(theta[:k] / spread, _solve(information, scores.T).T[:, :k] / spread)
    raise NoEstimate("the proportional-odds model did not converge: its regressors tell the outcome without error")


def _cuts(Z: Floats, y: NDArray[np.intp], levels: int) -> tuple[Floats, Floats]:
    """Rows (n, k + J - 1) whose products with (β, ζ) are the upper and lower cut of each answer, less z'β."""
    upper = (y[:, None] == np.arange(levels - 1)).astype(float)
    lower = (y[:, None] - 1 == np.arange(levels - 1)).astype(float)
    return np.hstack([-Z, upper]), np.hstack([-Z, lower])


def _newton(theta: Floats, above: Floats, below: Floats, y: NDArray[np.intp], w: Floats) -> tuple[Floats, Floats]:
    """Weighted scores (n, r) and observed information (r, r) of the proportional-odds log-likelihood."""
    last = y.max()
    a = np.where(y == last, np.inf, np.clip(above @ theta, -500, 500))
    b = np.where(y == 0, -np.inf, np.clip(below @ theta, -500, 500))
    upper, lower = 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(-b))
    chance = np.maximum(upper - lower, 1e-300)
    da, db = upper * (1 - upper) / chance, lower * (1 - lower) / chance
    scores = w[:, None] * (da[:, None] * above - db[:, None] * below)
    faa, fbb, fab = da * (1 - 2 * upper) - da**2, -db * (1 - 2 * lower) - db**2, da * db
    cross = above.T @ ((w * fab)[:, None] * below)
    curvature = above.T @ ((w * faa)[:, None] * above) + below.T @ ((w * fbb)[:, None] * below) + cross + cross.T
    return scores, -curvature


def _solve(matrix: Floats, right: Floats) -> Floats:
    """Solution of a system of normal equations.

    Raises
    ------
    NoEstimate
        If they have none.
    """
    try:
        found = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        found = np.full(np.shape(right), np.nan)
    if not np.isfinite(found).all():
        raise NoEstimate("regressors determine each other, so they have no slopes; leave one out")
    return found
