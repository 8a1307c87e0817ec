"""Stochastic regression imputation: the predicted value plus a random residual."""

from typing import ClassVar

import numpy as np

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.categorical import forecast_levels
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.item import Turn
from imputers.shared.levels import draw_level, normal_mean
from imputers.shared.linear import fit_linear
from imputers.shared.ranges import COUNT, POSITIVE


@IMPUTERS.register("stochastic-regression")
class StochasticRegression(ChainedImputer):
    """Chained regression plus a random residual; parameters are held fixed.

    Little & Rubin 2019, Statistical Analysis with Missing Data, section 4.3; van Buuren 2018, Flexible Imputation of
    Missing Data, section 1.3.5 (in R: ``norm.nob``). Numeric items by linear regression with a normal residual, rounded
    to valid answers; nominal ones drawn from a multinomial logit; ordinal ones drawn from proportional odds, or beyond
    10 levels from a normal curve binned at the levels.

    Assumes linear, additive effects, equal normal residuals and missingness at random. New rows are predicted by
    models of the fitted rows. Draws are improper: each uses the estimated parameters as if they were known, so they
    differ too little from each other.

    Parameters
    ----------
    max_iter : iterations over the items.
    ridge : precision of the normal prior on standardised coefficients, in observations.
    """

    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "five sweeps as in R's mice; ridge ours"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_iter": COUNT,
        "ridge": POSITIVE,
    }

    def __init__(self, max_iter: int = 5, ridge: float = 1.0) -> None:
        self.max_iter = max_iter
        self.ridge = ridge

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        item = turn.item
        if item.column.kind is Kind.NUMERIC:
            fit = fit_linear(turn.sums, self.ridge)
            centre, scale = turn.unit
            mean, deviation = centre + scale * turn.at_holes(fit.coefficients)[:, 0], scale * fit.deviation[0]
            drawn = mean + deviation * rng.standard_normal(len(mean))
            return Fill(item.column.snap(drawn), lambda: normal_mean(item.column, mean, deviation))
        forecast, parameters = forecast_levels(turn, start, ridge=self.ridge)
        return Fill(item.levels[draw_level(forecast, rng)], lambda: forecast, parameters)
