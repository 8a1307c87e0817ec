"""Linear regression with a weak normal prior, from sums of squares and products, and Bayesian draws of it."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from datasets.schema import Floats


class Sums(NamedTuple):
    """What least squares needs to know of rows with q predictors, the first of them constant, and w outcomes.

    Parameters
    ----------
    n : number of rows.
    xx : squares and products of the predictors, shape (q, q).
    xy : products of predictors and outcomes, shape (q, w).
    yy : squares and products of the outcomes, shape (w, w).
    """

    n: int
    xx: Floats
    xy: Floats
    yy: Floats

    @classmethod
    def of(cls, X: Floats, Y: Floats) -> Self:
        """Sums of predictors (n, q) and outcomes (n, w)."""
        return cls(len(X), X.T @ X, X.T @ Y, Y.T @ Y)

    def combined(self, weights: Floats) -> "Sums":
        """Sums with the outcomes Y (n, w) combined into d new ones by weights (w, d)."""
        return self._replace(xy=self.xy @ weights, yy=weights.T @ self.yy @ weights)


@dataclass(frozen=True, eq=False)
class LinearFit:
    """Least squares of d outcomes on the same q predictors.

    Parameters
    ----------
    coefficients : shape (q, d).
    root : upper triangular R with RᵀR = XᵀX + ridge, shape (q, q).
    squares : residual sum of squares of each outcome, shape (d,).
    freedom : residual degrees of freedom: n less the effective number of coefficients.
    """

    coefficients: Floats
    root: Floats
    squares: Floats
    freedom: float

    @property
    def deviation(self) -> Floats:
        """Residual standard deviation of each outcome, shape (d,)."""
        return np.sqrt(self.squares / self.freedom)

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Coefficients (q, d) and residual deviations (d,) from their posterior.

        σ*² = RSS / χ²(freedom), β* ~ N(β̂, σ*² (XᵀX + ridge)⁻¹): Rubin (1987, Multiple Imputation for
        Nonresponse in Surveys, p. 167), van Buuren (2018, Flexible Imputation of Missing Data, algorithm 3.1).
        """
        from scipy.linalg import solve_triangular

        deviation = np.sqrt(self.squares / rng.chisquare(self.freedom, size=self.squares.shape))
        noise = rng.standard_normal(self.coefficients.shape) * deviation
        return self.coefficients + solve_triangular(self.root, noise), deviation


def penalty(q: int, ridge: float) -> Floats:
    """Ridge of each coefficient, shape (q,): none on the intercept, which is the first."""
    weights = np.full(q, ridge)
    weights[0] = 0.0
    return weights


def fit_linear(sums: Sums, ridge: float) -> LinearFit:
    """Regress outcomes on predictors.

    Own code, because scikit-learn's Ridge keeps neither the root nor the degrees of freedom that draws need, and asks
    for the rows, where sums are at hand.

    Parameters
    ----------
    sums : of the rows.
    ridge : precision of the normal prior on each coefficient but the intercept, in units of one
        observation's residual precision. It also settles predictors that repeat each other.
    """
    from scipy.linalg import cho_solve, cholesky, solve_triangular

    weights = penalty(len(sums.xx), ridge)
    root = cholesky(sums.xx + np.diag(weights))
    coefficients = cho_solve((root, False), sums.xy)
    inverse = solve_triangular(root, np.eye(len(root)))
    effective = len(root) - np.sum(inverse**2 * weights[:, None])  # trace of the hat matrix
    # (y − Xb)² = y² − 2 b Xy + b XX b; rounding may take it below nothing where the fit is perfect
    explained = np.sum(coefficients * (2 * sums.xy - sums.xx @ coefficients), axis=0)
    squares = np.maximum(np.diag(sums.yy) - explained, 0.0)
    return LinearFit(coefficients, root, squares, max(sums.n - effective, 1.0))
