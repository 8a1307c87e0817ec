"""The regression that people will run on the completed table: its model matrix, and what is estimated of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.errors import InputError
from datasets.schema import Floats, Schema

INTERCEPT = "intercept"
NOTHING_LEFT = 1e-9  # of a regressor's length, beyond what those before it explain


@dataclass(frozen=True, eq=False)
class Estimates:
    """What was estimated of a regression with k coefficients, the intercept first.

    Parameters
    ----------
    names : shape (k,), e.g. ``("intercept", "educ", "race: black")``.
    coefficients : shape (k,), in points of the outcome per point of the covariate.
    variances : shape (k,), squared standard errors.
    freedom : degrees of freedom of the residual, n - k.

    Raises
    ------
    InputError
        If shapes disagree, a number is not finite, or there is no uncertainty, as in a perfect fit.
    """

    names: tuple[str, ...]
    coefficients: Floats
    variances: Floats
    freedom: float

    def __post_init__(self) -> None:
        shapes = (len(self.names),), self.coefficients.shape, self.variances.shape
        sound = np.isfinite(self.coefficients).all() and np.isfinite(self.variances).all()
        if len(set(shapes)) > 1 or not sound or not (self.variances > 0).all() or not self.freedom > 0:
            raise InputError(
                f"estimates of {list(self.names)} need a finite coefficient and a positive variance each, and degrees "
                f"of freedom; found {self.coefficients}, {self.variances} and {self.freedom:g}; a constant outcome or "
                "a perfect fit has no standard errors"
            )

    @property
    def standard_errors(self) -> Floats:
        """Shape (k,)."""
        return np.sqrt(self.variances)

    def interval(self, level: float = 0.95) -> Floats:
        """Confidence limits, lower and upper, shape (2, k)."""
        return student_interval(self.coefficients, self.standard_errors, self.freedom, level)


def student_interval(estimate: Floats, error: Floats, freedom: float | Floats, level: float = 0.95) -> Floats:
    """Lower and upper limit by Student's t, shape (2, ...); infinite degrees of freedom give the normal ones.

    Raises
    ------
    InputError
        If the level is not between 0 and 1.

    Examples
    --------
    >>> student_interval(np.array(10.0), np.array(1.0), np.inf).round(3).tolist()
    [8.04, 11.96]
    """
    from scipy.special import stdtrit

    if not 0 < level < 1:
        raise InputError(f"an interval needs a level between 0 and 1, e.g. 0.95; found {level:g}")
    reach = stdtrit(freedom, (1 + level) / 2) * error
    return np.stack([estimate - reach, estimate + reach])


def model_matrix(schema: Schema, X: Floats) -> tuple[tuple[str, ...], Floats, Floats]:
    """Terms (k,), regressors (n, k) with ones first, and outcome (n,) of the schema's regression; NaN unknown.

    Raises
    ------
    InputError
        If the schema states no regression, or its columns are not of a kind that can stand in one.
    """
    if schema.regression is None:
        raise InputError("the schema states no regression; give Schema(columns, regression=Regression(…))")
    names, Z = regressors(schema, X, schema.regression.covariates)
    D = schema.design(X)
    outcome = schema.blocks[schema.index(schema.regression.outcome)]
    if outcome.stop - outcome.start != 1:
        raise InputError(f"the regression's outcome {schema.regression.outcome!r} must be ordinal or numeric")
    return names, Z, D[:, outcome.start]


def regressors(schema: Schema, X: Floats, covariates: Sequence[str]) -> tuple[tuple[str, ...], Floats]:
    """Terms (k,) and regressors (n, k) with ones first, for some columns of X (n, p); NaN unknown.

    Ordinal answers count by their code, nominal ones as dummies against their first level.

    Raises
    ------
    InputError
        If there is no such column, or it holds text.
    """
    names, columns = [INTERCEPT], [np.ones((len(X), 1))]
    for name in covariates:
        j = schema.index(name)
        D, labels = schema.take([j]).design(X[:, [j]]), list(schema.columns[j].labels.values())
        width = D.shape[1]
        if not width:
            raise InputError(f"the regression has the text column {name!r} as covariate; make it nominal or leave it")
        columns.append(D[:, int(width > 1) :])
        names += [f"{name}: {label}" for label in labels[1:]] if width > 1 else [name]
    return tuple(names), np.hstack(columns)


def least_squares(names: tuple[str, ...], Z: Floats, y: Floats) -> Estimates:
    """Ordinary least squares of y (n,) on Z (n, k), both without NaN.

    Terms that follow from those before them, such as levels that nobody gave, are left out.

    Raises
    ------
    InputError
        If rows are too few, or the outcome is constant or fitted perfectly.
    """
    n, k = Z.shape
    if n <= k:
        raise InputError(f"a regression with the {k} terms {list(names)} needs more rows than terms; it has {n}")
    kept = _independent(Z)
    Q, R = np.linalg.qr(Z[:, kept])
    inverse = np.linalg.inv(R)  # (Z'Z)⁻¹ = R⁻¹R⁻¹'
    coefficients = inverse @ (Q.T @ y)
    residual = y - Z[:, kept] @ coefficients
    freedom = n - len(kept)
    variances = (inverse**2).sum(axis=1) * (residual @ residual) / freedom
    return Estimates(tuple(names[c] for c in kept), coefficients, variances, float(freedom))


def _independent(Z: Floats) -> list[int]:
    """Columns of Z (n, k) that are no combination of those before them, by Gram-Schmidt."""
    basis, kept = np.empty((len(Z), 0)), []
    for c, column in enumerate(Z.T):
        rest = column - basis @ (basis.T @ column)
        length = np.linalg.norm(rest)
        if length > NOTHING_LEFT * np.linalg.norm(column):
            basis = np.column_stack([basis, rest / length])
            kept.append(c)
    return kept
