"""Listwise deletion: only rows that are complete in the analysis variables count."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from datasets.errors import InputError
from datasets.moments import Moments, pairwise_moments
from datasets.regression import Estimates, least_squares, model_matrix
from datasets.schema import Floats, Role
from imputers import IMPUTERS
from imputers.deletion.analysis import Deletion


@IMPUTERS.register("listwise")
class Listwise(Deletion):
    """Estimate moments from rows complete in the analysis variables; fill nothing.

    Complete-case analysis: Little & Rubin (2019), Statistical Analysis with Missing Data, section 3.2.
    Unbiased if cells are missing completely at random; otherwise the complete rows are a selection. A row
    counts if all analysis variables are answered: with many variables hardly any row is left, as in any
    survey, so they are to be named. Moments of other columns are NaN. The schema's regression is that of the rows
    complete in its own variables; its slopes are unbiased also where missingness depends on its covariates
    alone (Little 1992, JASA 87: 1227-1237). Survey weights are not used. All estimates are those of the fitted rows;
    new rows change nothing. No draws.

    Parameters
    ----------
    variables : names of the analysis variables; None takes the columns with role "target", and all columns
        if there is none.

    Attributes
    ----------
    rows_kept_ : shape (n,), True for the complete rows.
    share_lost_ : share of the rows that is not complete.
    """

    defaults: ClassVar[str] = "no settings"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "variables": ["array-like", None],
    }

    def __init__(self, variables: Sequence[str] | None = None) -> None:
        self.variables = variables

    def _moments(self, X: Floats) -> Moments:
        analysed = self._analysed()
        self.rows_kept_ = ~np.isnan(X[:, analysed]).any(axis=1)
        self.share_lost_ = float(1 - self.rows_kept_.mean())
        kept = int(self.rows_kept_.sum())
        if kept < 2:
            names = [self.schema_.names[j] for j in analysed]
            raise InputError(
                f"listwise deletion finds {kept} complete rows of {len(X):,} in its {len(names)} variables {names}; "
                "it needs two at least; name fewer with variables=…"
            )
        D = self.schema_.design(X)
        outside = np.setdiff1d(np.arange(len(self.schema_)), analysed)
        for j in outside:
            D[:, self.schema_.blocks[j]] = np.nan
        return pairwise_moments(D[self.rows_kept_])

    def _estimates(self, X: Floats, used: list[int]) -> Estimates:
        complete = ~np.isnan(X[:, used]).any(axis=1)
        return least_squares(*model_matrix(self.full_schema_, X[complete]))

    def _analysed(self) -> list[int]:
        """Positions of the analysis variables among the columns that vary."""
        if self.variables is not None:
            asked = {self.full_schema_.index(name) for name in self.variables}
            return [at for at, j in enumerate(self._constants.varying) if j in asked]
        targets = self.schema_.having(Role.TARGET).tolist()
        return targets or list(range(len(self.schema_)))
