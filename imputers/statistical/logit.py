"""Multinomial logistic regression with a weak normal prior, fitted fast from a good start."""

import numpy as np
from numpy.typing import NDArray

from imputers.statistical.linear import penalty

Matrix = NDArray[np.float64]


def level_probabilities(X: Matrix, coefficients: Matrix) -> Matrix:
    """Probability of each of K levels, shape (n, K), for predictors (n, q) and coefficients (q, K)."""
    scores = X @ coefficients
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def fit_logit(
    X: Matrix,
    positions: NDArray[np.intp],
    K: int,
    *,
    ridge: float,
    weights: Matrix | None = None,
    start: Matrix | None = None,
    tolerance: float = 0.1,
) -> Matrix:
    """Coefficients (q, K) that maximise Σ wᵢ log p(yᵢ|xᵢ) − ridge/2 Σ β² (no penalty on the intercept).

    L-BFGS (Liu & Nocedal 1989, Mathematical Programming 45) in coordinates in which the curvature is
    about one: predictors whitened, each level scaled by the root of its frequency. There a gradient is
    a distance from the optimum in standard errors, which is what the tolerance means.

    Parameters
    ----------
    X : predictors (n, q), the first of them constant.
    positions : level number 0…K-1 of each row, shape (n,).
    weights : of the rows, shape (n,); by default all one.
    start : coefficients to start from, e.g. those of the last visit.
    tolerance : how far from the optimum the fit may stop, in standard errors of each coordinate.
    """
    from scipy.optimize import minimize

    w = np.ones(len(X)) if weights is None else weights
    shrink = penalty(X.shape[1], ridge)[:, None]
    shares = np.maximum(np.bincount(positions, weights=w, minlength=K) / w.sum(), 1 / len(X))
    curvature = shares[:, None, None] * (X.T @ X) + np.diag(np.maximum(shrink[:, 0], 1e-8))
    roots = np.linalg.cholesky(curvature)  # (K, q, q) lower: of each level's own curvature, to first order
    inverses = np.linalg.inv(roots)
    rows = np.arange(len(X))

    def coefficients(flat: Matrix) -> Matrix:
        return np.einsum("kji,kj->ik", inverses, flat.reshape(K, -1))

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        B = coefficients(flat)
        scores = X @ B
        scores -= scores.max(axis=1, keepdims=True)
        chosen = scores[rows, positions]
        np.exp(scores, out=scores)
        sums = scores.sum(axis=1)
        value = w @ (np.log(sums) - chosen) + np.sum(shrink * B**2) / 2
        scores *= (w / sums)[:, None]
        scores[rows, positions] -= w
        slope = X.T @ scores + shrink * B
        return value, np.einsum("kij,jk->ki", inverses, slope).ravel()

    if start is None:
        start = np.zeros((X.shape[1], K))
        start[0] = np.log(shares)
    begin = np.einsum("kji,jk->ki", roots, start).ravel()
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"gtol": tolerance, "ftol": 0, "maxiter": 500})
    return coefficients(found.x)
