"""Proportional-odds regression of an ordinal item with a weak normal prior, fitted by Newton's method."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers.shared.completed import products
from imputers.shared.linear import penalty
from imputers.shared.predictors import Design

CURVED = 20_000  # rows, about, that the curvature is summed over: it then errs by a per cent or so


def cumulative_probabilities(X: Design, parameters: Floats) -> Floats:
    """Probability of each of K levels, shape (n, K), for predictors (n, q), the first of them constant.

    ``parameters`` are the K-1 ascending thresholds θ and then the q-1 slopes β:
    P(y ≤ k) = 1 / (1 + exp(βᵀx − θₖ)) (McCullagh 1980, Journal of the Royal Statistical Society B 42, eq. 2.2
    with the sign of β changed, so that a larger βᵀx means a higher level).
    """
    from scipy.special import expit

    cuts = len(parameters) - (X.shape[1] - 1)
    below = expit(parameters[:cuts] - (X[:, 1:] @ parameters[cuts:].astype(X.dtype, copy=False))[:, None])
    return np.diff(below, axis=1, prepend=0.0, append=1.0)


def fit_ordinal(
    X: Design,
    positions: NDArray[np.integer],
    K: int,
    *,
    ridge: float,
    weights: Floats | None = None,
    start: Floats | None = None,
    tolerance: float = 0.1,
) -> Floats:
    """Thresholds and slopes that maximise Σ wᵢ log p(yᵢ|xᵢ) − ridge/2 Σ β²; every level must occur.

    The likelihood is log-concave (Pratt 1981, Journal of the American Statistical Association 76), so Newton
    steps, halved while they leave the order of the thresholds or lose likelihood, find the one maximum. Of many rows
    the curvature is summed over a part: that changes the way there and not the maximum, where the slope over all rows
    is nil (subsampled Newton: Roosta-Khorasani & Mahoney 2019, Mathematical Programming 174). Own code,
    because statsmodels' OrderedModel takes neither weights nor a prior, and a thousand times as long.

    Parameters
    ----------
    X : predictors (n, q), the first of them constant.
    positions : level number 0…K-1 of each row, shape (n,).
    weights : of the rows, shape (n,); by default all one.
    start : parameters to start from, e.g. those of the last visit.
    tolerance : the last step's length in standard errors (the Newton decrement).
    """
    from scipy.linalg import cho_factor, cho_solve

    w = np.ones(len(X)) if weights is None else weights
    shrink = np.concatenate([np.zeros(K - 1), penalty(X.shape[1], ridge)[1:]])
    parameters = _marginal(positions, w, K, X.shape[1]) if start is None else start
    value = _likelihood(X, positions, w, shrink, parameters)
    for _ in range(100):
        slope, curvature = _derivatives(X, positions, w, shrink, parameters)
        step = cho_solve(cho_factor(curvature), slope)
        decrement = np.sqrt(slope @ step)
        proposal = _likelihood(X, positions, w, shrink, parameters + step)
        while proposal < value - 1e-8:
            step, decrement = step / 2, decrement / 2
            proposal = _likelihood(X, positions, w, shrink, parameters + step)
        parameters, value = parameters + step, proposal
        if decrement < tolerance:
            break
    return parameters


def _marginal(positions: NDArray[np.integer], w: Floats, K: int, q: int) -> Floats:
    """Parameters that reproduce the marginal shares, with slopes of zero."""
    below = np.bincount(positions, weights=w, minlength=K).cumsum()[:-1] / w.sum()
    return np.concatenate([np.log(below / (1 - below)), np.zeros(q - 1)])


def _edges(X: Design, positions: NDArray[np.integer], parameters: Floats, K: int) -> tuple[Floats, Floats]:
    """Upper and lower end of each row's level on the latent scale, less βᵀx; each shape (n,)."""
    ends = np.concatenate([[-np.inf], parameters[: K - 1], [np.inf]])
    centre = X[:, 1:] @ parameters[K - 1 :].astype(X.dtype, copy=False)
    return ends[1:][positions] - centre, ends[positions] - centre


def _likelihood(X: Design, positions: NDArray[np.integer], w: Floats, shrink: Floats, parameters: Floats) -> float:
    """Penalised log-likelihood; -inf if the thresholds do not ascend."""
    K = len(parameters) - X.shape[1] + 2
    if (np.diff(parameters[: K - 1]) <= 0).any():
        return -np.inf
    upper, lower = _edges(X, positions, parameters, K)
    # log of F(u) − F(l) = F(u) F(−l) (1 − exp(l − u)), which does not cancel in the tails
    logs = -np.logaddexp(0, -upper) - np.logaddexp(0, lower) + np.log(-np.expm1(lower - upper))
    return float(w @ logs - shrink @ parameters**2 / 2)


def _derivatives(
    X: Design, positions: NDArray[np.integer], w: Floats, shrink: Floats, parameters: Floats
) -> tuple[Floats, Floats]:
    """Gradient (K-1 + q-1,) and negative Hessian of the penalised log-likelihood.

    Terms of the Hessian that hold slopes are summed over every so manyth row if there are more than `CURVED`.
    """
    from scipy.special import expit

    K = len(parameters) - X.shape[1] + 2
    upper, lower = _edges(X, positions, parameters, K)
    F_up, F_low = expit(upper), expit(lower)
    f_up, f_low = F_up * (1 - F_up), F_low * (1 - F_low)
    p = F_up * expit(-lower) * -np.expm1(lower - upper)

    def by_cut(above: Floats, below: Floats) -> Floats:
        """Sum row terms of the cut above and the cut below each level: shape (K-1,)."""
        return (np.bincount(positions, w * above, K) + np.append(np.bincount(positions, w * below, K)[1:], 0))[:-1]

    slope = np.concatenate([by_cut(f_up / p, -f_low / p), products(X[:, 1:], (w * (F_up + F_low - 1))[:, None])[:, 0]])
    diagonal = by_cut((f_up / p) ** 2 - f_up * (1 - 2 * F_up) / p, (f_low / p) ** 2 + f_low * (1 - 2 * F_low) / p)
    beside = -np.bincount(positions, w * f_up * f_low / p**2, K)[1:-1]
    some = slice(None, None, max(len(X) // CURVED, 1))
    share = w.sum() / w[some].sum()
    cross, slopes = _slopes(
        X[some, 1:].astype(np.float64), positions[some], w[some] * f_up[some], w[some] * f_low[some], K
    )
    curvature: Floats = np.block(
        [
            [np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1), share * cross],
            [share * cross.T, share * slopes],
        ]
    )
    return slope - shrink * parameters, curvature + np.diag(shrink)


def _slopes(X: Design, positions: NDArray[np.integer], above: Floats, below: Floats, K: int) -> tuple[Floats, Floats]:
    """Terms of the negative Hessian between K - 1 thresholds and q - 1 slopes, and among slopes.

    ``above`` and ``below`` are weighted logistic densities at the ends of each row's level, shape (n,).
    """
    touching = np.zeros((len(X), K + 1))  # column k: how the end k of the scale moves with the row's level
    rows = np.arange(len(X))
    touching[:, 1:][rows, positions], touching[rows, positions] = above, below
    return -(touching[:, 1:K].T @ X), X.T @ (X * (above + below)[:, None])
