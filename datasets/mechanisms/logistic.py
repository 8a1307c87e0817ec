"""Logistic regression and the AUC, as small as a mask card needs them."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats


def fit_logistic(D: Floats, y: NDArray[np.bool_], start: Floats | None = None) -> Floats:
    """Find the coefficients of a logistic regression by Newton's method.

    McCullagh & Nelder (1989), Generalized Linear Models, section 4.4. A ridge of one millionth of an
    observation keeps coefficients finite where an outcome is certain or columns are redundant.

    Parameters
    ----------
    D : shape (n, q), with a column of ones for the intercept.
    y : shape (n,).
    start : coefficients to start from; zeros by default.
    """
    beta = np.zeros(D.shape[1]) if start is None else start.copy()
    ridge = 1e-6 * np.eye(D.shape[1])
    for _ in range(25):
        chance = logistic(D @ beta)
        curvature = (D * (chance * (1 - chance))[:, None]).T @ D + ridge
        step = np.linalg.solve(curvature, D.T @ (y - chance) - 1e-6 * beta)
        beta += step
        if np.abs(step).max() < 1e-6:  # converging quadratically, the next step would be about 1e-12
            break
    return beta


def logistic(x: Floats) -> Floats:
    """Invert the logit, safe for |x| beyond 700."""
    return 0.5 * (1 + np.tanh(x / 2))


def log_likelihood(D: Floats, y: NDArray[np.bool_], beta: Floats) -> float:
    """Give the log likelihood of a logistic regression."""
    signed = np.where(y, 1.0, -1.0) * (D @ beta)
    return float(-np.logaddexp(0, -signed).sum())


def area_under_curve(score: Floats, y: NDArray[np.bool_]) -> float:
    """Give the share of (true, false) pairs that the score ranks right, ties counting half; NaN without both.

    Mann & Whitney's U over its maximum; Hanley & McNeil (1982), Radiology 143.
    """
    values, member = np.unique(score, return_inverse=True)
    true = np.bincount(member[y], minlength=len(values))
    false = np.bincount(member[~y], minlength=len(values))
    pairs = int(true.sum()) * int(false.sum())
    return float(true @ (false.cumsum() - false / 2)) / pairs if pairs else float("nan")


def area_error(auc: float, trues: int, falses: int) -> float:
    """Give the standard error of an AUC; Hanley & McNeil (1982), Radiology 143, equation 2."""
    both_true, both_false = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (trues - 1) * (both_true - auc**2) + (falses - 1) * (both_false - auc**2)
    return float(np.sqrt(spread / (trues * falses)))
