"""Chained regressions that carry expectations: what regression imputation and ERACER have in common."""

from typing import ClassVar

import numpy as np

from datasets.prediction import median_level
from datasets.schema import Floats, Kind
from imputers.shared.categorical import forecast_levels
from imputers.shared.chained import ChainedImputer, Fill, Item
from imputers.shared.linear import fit_linear
from imputers.shared.ranges import COUNT, POSITIVE


class RegressionImputer(ChainedImputer):
    """Base of chained equations without random residuals: each hole gets its best value, and predictors expectations.

    Numeric items by linear regression, nominal ones by multinomial logit (most probable level), ordinal ones by
    proportional odds, or linearly beyond 10 levels (median of the predicted distribution). The chain starts at the
    means.

    Parameters
    ----------
    max_iter : rounds through the items.
    ridge : precision of the normal prior on standardised coefficients, in observations.
    """

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_iter": COUNT,
        "ridge": POSITIVE,
    }

    def __init__(self, max_iter: int = 1, ridge: float = 1.0) -> None:
        self.max_iter = max_iter
        self.ridge = ridge

    def _fill(self, item: Item, known: Floats, holes: Floats, start: Floats | None, rng: np.random.Generator) -> Fill:
        if item.column.kind is Kind.NUMERIC:
            fit = fit_linear(known, item.codes[:, None], self.ridge)
            mean = holes @ fit.coefficients[:, 0]
            return Fill(item.column.snap(mean), item.column.bounded(mean), fit.deviation)
        forecast, parameters = forecast_levels(item, known, holes, start, ridge=self.ridge)
        best = forecast.argmax(axis=1) if item.column.kind is Kind.NOMINAL else median_level(forecast)
        return Fill(item.levels[best], forecast, parameters)

    def _begin(self, item: Item, rng: np.random.Generator) -> Floats:
        return np.zeros((len(item.holes), len(self.predictors_.centre[item.j])))

    def _carry(self, item: Item, fill: Fill) -> Floats:
        if item.column.kind is Kind.NUMERIC:
            return self.predictors_.encode(item.j, fill.forecast)
        return fill.forecast @ self.predictors_.encode(item.j, item.levels)
