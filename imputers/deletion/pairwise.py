"""Pairwise deletion: each pair of columns uses all rows that answered both."""

from typing import ClassVar

import numpy as np

from datasets.errors import InputError
from datasets.moments import Moments, pairwise_moments
from datasets.regression import Estimates, model_matrix
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.deletion.analysis import Deletion

NEARLY_NOTHING = 1e-10  # eigenvalue of a correlation matrix


@IMPUTERS.register("pairwise")
class Pairwise(Deletion):
    """Estimate each covariance from all rows that answered both items; fill nothing.

    Available-case analysis: Little & Rubin (2019), Statistical Analysis with Missing Data, section 3.4.
    Means come from all answers of a column, covariances from the rows of the pair around the pair's own means,
    as in ``pandas.DataFrame.cov``. Unbiased if cells are missing completely at random. As every pair has
    rows of its own the matrix may be indefinite, which is reported and not repaired. Survey weights are not
    used. All estimates are those of the fitted rows; new rows change nothing. No draws.

    The schema's regression follows from these moments: slopes ``b = S_xx⁻¹ s_xy``, the intercept from the
    means, residual variance ``(s_yy - b's_xy) (n - 1)/(n - k)``, and the variances of ordinary least squares with it.
    Which n is meant is not defined, as each moment has its own; n is the harmonic mean of the rows
    behind the pairs of the regression's variables. Without holes all this is ordinary least squares. With
    holes the standard errors are approximate and tend to be too small, as the moments err together and unequally.
    Covariances that no table could have define no regression, and are refused.

    Attributes
    ----------
    smallest_eigenvalue_ : of the correlation matrix of the ordinal and numeric columns whose pairs all have
        rows; NaN if there are none.
    indefinite_ : True if it is negative.
    pair_counts_ : smallest, mean and harmonic mean number of rows behind a pair of columns.
    """

    defaults: ClassVar[str] = "no settings"

    def _moments(self, X: Floats) -> Moments:
        moments = pairwise_moments(self.schema_.design(X))
        starts = np.array([self.schema_.blocks[j].start for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC)], int)
        R = moments.correlation[np.ix_(starts, starts)]
        while np.isnan(R).any():  # leave out the column with most pairs unseen, until none is
            worst = int(np.isnan(R).sum(axis=0).argmax())
            R = np.delete(np.delete(R, worst, axis=0), worst, axis=1)
        self.smallest_eigenvalue_ = float(np.linalg.eigvalsh(R)[0]) if len(R) else float("nan")
        self.indefinite_ = self.smallest_eigenvalue_ < -NEARLY_NOTHING
        counts = _pair_counts(X)
        smallest, mean = float(counts.min()), float(counts.mean())
        self.pair_counts_ = {"min": smallest, "mean": mean, "harmonic": _harmonic_mean(counts)}
        return moments

    def _estimates(self, X: Floats, used: list[int]) -> Estimates:
        names, Z, y = model_matrix(self.full_schema_, X)
        varying = np.flatnonzero(np.nanmax(Z, axis=0) > np.nanmin(Z, axis=0))
        terms = names[0], *(names[c] for c in varying)
        moments = pairwise_moments(np.column_stack([y, Z[:, varying]]))
        _refuse_impossible(terms, moments.covariance)
        n = _harmonic_mean(_pair_counts(X[:, used]))
        S, centre, freedom = moments.covariance, moments.mean[1:], n - len(terms)
        inverse = np.linalg.inv(S[1:, 1:])
        slopes = inverse @ S[1:, 0]
        residual = (S[0, 0] - slopes @ S[1:, 0]) * (n - 1) / freedom
        spread = np.append(1 / n + centre @ inverse @ centre / (n - 1), np.diag(inverse) / (n - 1))
        return Estimates(terms, np.append(moments.mean[0] - slopes @ centre, slopes), residual * spread, freedom)


def _pair_counts(X: Floats) -> Floats:
    """Number of rows that answered both columns of each pair of X (n, p), shape (p(p-1)/2,)."""
    known = (~np.isnan(X)).astype(float)
    return (known.T @ known)[np.triu_indices(X.shape[1], 1)]


def _harmonic_mean(counts: Floats) -> float:
    return float(len(counts) / (1 / counts).sum()) if counts.all() else 0.0


def _refuse_impossible(terms: tuple[str, ...], S: Floats) -> None:
    """Let only covariances S of outcome and regressors pass that a table could have: others define no regression."""
    sd = np.sqrt(np.diag(S))
    R = S / np.outer(sd, sd)  # not the pairs' own correlations, whose variances are of other rows
    smallest = float(np.linalg.eigvalsh(R)[0]) if np.isfinite(R).all() else float("nan")
    if not smallest > NEARLY_NOTHING:
        found = (
            f"indefinite or singular (smallest eigenvalue {smallest:.3g})" if np.isfinite(smallest) else "incomplete"
        )
        raise InputError(
            f"pairwise deletion has no regression on {list(terms)}: the covariances of outcome and terms are {found}, "
            "as each pair has rows of its own; use 'listwise', fewer covariates, or a method that fills, e.g. 'mice'"
        )
