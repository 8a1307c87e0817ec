"""Missing-indicator adjustment: holes in covariates become a variable of their own."""

from typing import ClassVar

import numpy as np

from datasets.errors import InputError
from datasets.regression import least_squares, model_matrix
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.deletion.analysis import Analysis


@IMPUTERS.register("indicator")
class Indicator(Analysis):
    """Run the regression with a dummy "missing" for each covariate; fill nothing.

    Cohen & Cohen (1975; 1983, Applied Multiple Regression/Correlation Analysis for the Behavioral Sciences,
    chapter 7). Every covariate with holes gets a dummy "missing" and is set to its mean there; the constant changes
    the dummy's coefficient alone, and no slope. For a nominal covariate the dummy is a level of its own. Rows
    without outcome are dropped; all others count alike, survey weights are not used. Assumes that those who did
    not answer have the slopes of the others in all else, and a common mean: biased in general, even where cells
    are missing completely at random, as soon as covariates are correlated (Jones 1996, JASA 91: 222-230), for the
    observed covariates then take over a part of the missing one. It needs a regression in the schema, and
    gives its estimates only: no moments, no draws. They are those of the fitted rows; new rows change nothing.
    """

    defaults: ClassVar[str] = "no settings"

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        schema = self.full_schema_
        if schema.regression is None:
            raise InputError(
                "Indicator adjusts a regression and the schema states none; say which is meant with "
                "Schema(columns, regression=Regression(outcome, covariates)), or take a method that fills, e.g. 'mice'"
            )
        codes = self._constants.whole(X)
        answered = ~np.isnan(codes[:, schema.index(schema.regression.outcome)])
        missing = {}
        for name in schema.regression.covariates:
            j = schema.index(name)
            holes = np.isnan(codes[:, j])
            if holes[answered].any():
                missing[f"{name} missing"] = holes
            if schema[name].kind is not Kind.NOMINAL:
                codes[holes, j] = codes[~holes, j].mean()
        names, Z, y = model_matrix(schema, codes)
        Z = np.column_stack([np.nan_to_num(Z), *missing.values()])  # a missing nominal answer is none of the levels
        self.estimates_ = least_squares((*names, *missing), Z[answered], y[answered])
