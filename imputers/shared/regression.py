"""Chained regressions that carry expectations: what regression imputation and ERACER have in common."""

from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from datasets.prediction import median_level
from datasets.schema import Floats, Kind
from imputers.shared.categorical import forecast_levels
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.completed import narrow
from imputers.shared.item import Item, Turn
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

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        item = turn.item
        if item.column.kind is Kind.NUMERIC:
            fit = fit_linear(turn.sums, self.ridge)
            centre, scale = turn.unit
            mean = centre + scale * turn.at_holes(fit.coefficients)[:, 0]
            return Fill(item.column.snap(mean), lambda: item.column.bounded(mean), scale * fit.deviation)
        forecast, parameters = forecast_levels(turn, start, ridge=self.ridge)
        best = forecast.argmax(axis=1) if item.column.kind is Kind.NOMINAL else median_level(forecast)
        return Fill(item.levels[best], lambda: forecast, parameters)

    def _begin(self, item: Item, rng: np.random.Generator) -> Floats:
        return np.zeros((len(item.holes), len(self.predictors_.centre[item.j])))

    def _dtype(self, n: int) -> DTypeLike:
        return narrow(self.predictors_, n)

    def _carry(self, item: Item, fill: Fill) -> Floats:
        if item.column.kind is Kind.NUMERIC:
            return self.predictors_.encode(item.j, fill.forecast())
        return fill.forecast() @ self.predictors_.encode(item.j, item.levels)
