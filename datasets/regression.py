"""A linear regression: the model people will run on the completed table, and what is estimated of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError

if TYPE_CHECKING:
    from datasets.schema import Codes, Schema

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Regression:
    """Outcome on covariates, by ordinary least squares without weights.

    Ordinal answers count by their code, nominal ones as dummies against their first level.

    Parameters
    ----------
    outcome : name of an ordinal or numeric column.
    covariates : names of its columns.
    """

    outcome: str
    covariates: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Outcome and covariates."""
        return self.outcome, *self.covariates


@dataclass(frozen=True, eq=False)
class Estimates:
    """What was estimated of a regression with k coefficients, the intercept first.

    Parameters
    ----------
    names : shape (k,), e.g. ``("intercept", "educ", "race: black")``.
    coefficients : shape (k,), in points of the outcome per point of the covariate.
    variances : shape (k,), squared standard errors.
    freedom : degrees of freedom of the residual, n - k.
    """

    names: tuple[str, ...]
    coefficients: Vector
    variances: Vector
    freedom: float


def model_matrix(schema: "Schema", X: "Codes") -> tuple[tuple[str, ...], Vector, Vector]:
    """Terms (k,), regressors (n, k) with ones first, and outcome (n,) of the schema's regression; NaN unknown.

    Raises
    ------
    InputError
        If the schema states no regression.
    """
    if schema.regression is None:
        raise InputError("the schema states no regression; give Schema(columns, regression=Regression(…))")
    D = schema.design(X)
    names, columns = ["intercept"], [np.ones((len(X), 1))]
    for name in schema.regression.covariates:
        j = schema.index(name)
        block, labels = schema.blocks[j], list(schema.columns[j].labels.values())
        dummies = block.stop - block.start > 1
        columns.append(D[:, block.start + dummies : block.stop])
        names += [f"{name}: {label}" for label in labels[1:]] if dummies else [name]
    outcome = schema.blocks[schema.index(schema.regression.outcome)].start
    return tuple(names), np.hstack(columns), D[:, outcome]


def least_squares(names: tuple[str, ...], Z: Vector, y: Vector) -> Estimates:
    """Ordinary least squares of y (n,) on Z (n, k), both without NaN.

    Raises
    ------
    InputError
        If rows are too few or regressors collinear.
    """
    n, k = Z.shape
    if n <= k or np.linalg.matrix_rank(Z) < k:
        raise InputError(f"a regression on {list(names)} needs more than {k} rows and no collinear terms; it has {n}")
    inverse = np.linalg.inv(Z.T @ Z)
    coefficients = inverse @ (Z.T @ y)
    residual = y - Z @ coefficients
    return Estimates(names, coefficients, np.diag(inverse) * (residual @ residual) / (n - k), float(n - k))
