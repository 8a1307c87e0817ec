"""Linear regression with a weak normal prior, and Bayesian draws of its coefficients."""

from dataclasses import dataclass

import numpy as np

from datasets.schema import Floats


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


def fit_linear(X: Floats, Y: Floats, ridge: float) -> LinearFit:
    """Regress outcomes (n, d) on predictors (n, q), the first of them constant.

    Own code, because scikit-learn's Ridge keeps neither the root nor the degrees of freedom that draws need.

    Parameters
    ----------
    ridge : precision of the normal prior on each coefficient but the intercept, in units of one
        observation's residual precision. It also settles predictors that repeat each other.
    """
    from scipy.linalg import cho_solve, cholesky, solve_triangular

    weights = penalty(X.shape[1], ridge)
    root = cholesky(X.T @ X + np.diag(weights))
    coefficients = cho_solve((root, False), X.T @ Y)
    inverse = solve_triangular(root, np.eye(len(root)))
    effective = len(root) - np.sum(inverse**2 * weights[:, None])  # trace of the hat matrix
    squares = np.sum((Y - X @ coefficients) ** 2, axis=0)
    return LinearFit(coefficients, root, squares, max(len(X) - effective, 1.0))
