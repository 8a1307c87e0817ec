"""Regression imputation: each hole gets its predicted value."""

import numpy as np

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.categorical import forecast_levels
from imputers.shared.chained import ChainedImputer, Fill, Item
from imputers.shared.linear import fit_linear


@IMPUTERS.register("regression")
class Regression(ChainedImputer):
    """Deterministic regression: every hole gets its predicted value.

    Buck 1960 (Journal of the Royal Statistical Society B 22, 302–306); van Buuren 2018, Flexible Imputation of Missing
    Data, section 1.3.4. Numeric items by linear regression, nominal ones by multinomial logit (most probable level),
    ordinal ones by proportional odds, or linearly beyond 10 levels (median of the predicted distribution). The chain
    starts at the means and carries expectations.

    One sweep, on purpose. From the second on, y is regressed on predictions x̂ that were themselves made from y; where
    x was a hole, x̂ = E[x|y] has less spread than x, so the slope on it comes out too steep, and steeper with each
    sweep. A random residual prevents that (see ``stochastic-regression``); without one, more sweeps make it worse, here
    as in scikit-learn's ``IterativeImputer``.

    Assumes linear, additive effects and missingness at random. New rows are predicted by models of the fitted
    rows. No distribution: draws are equal rows, the spread is too small and associations are too strong.

    Parameters
    ----------
    sweeps : rounds through the items.
    ridge : precision of the normal prior on standardised coefficients, in observations.
    """

    deterministic = True

    def __init__(self, sweeps: int = 1, ridge: float = 1.0) -> None:
        self.sweeps = sweeps
        self.ridge = ridge

    def _fill(self, item: Item, known: Floats, holes: Floats, start: Floats | None, rng: np.random.Generator) -> Fill:
        if item.column.kind is Kind.NUMERIC:
            mean = holes @ fit_linear(known, item.codes[:, None], self.ridge).coefficients[:, 0]
            return Fill(item.column.snap(mean), item.bounded(mean))
        forecast, parameters = forecast_levels(item, known, holes, start, ridge=self.ridge)
        middle = (forecast.cumsum(axis=1) >= 0.5 - 1e-9).argmax(axis=1)
        best = forecast.argmax(axis=1) if item.column.kind is Kind.NOMINAL else middle
        return Fill(item.levels[best], forecast, parameters)

    def _begin(self, item: Item, rng: np.random.Generator) -> Floats:
        return np.zeros((len(item.holes), len(self.predictors_.centre[item.j])))

    def _carry(self, item: Item, fill: Fill) -> Floats:
        if item.column.kind is Kind.NUMERIC:
            return self.predictors_.encode(item.j, fill.forecast)
        return fill.forecast @ self.predictors_.encode(item.j, item.levels)
