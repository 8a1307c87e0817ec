"""Multiple imputation by chained equations, with a model for each kind of item."""

from typing import ClassVar

import numpy as np

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.categorical import forecast_levels, is_short
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.item import Turn
from imputers.shared.levels import draw_level
from imputers.shared.pmm import match
from imputers.shared.ranges import COUNT, POSITIVE


@IMPUTERS.register("mice")
class Mice(ChainedImputer):
    """Chained equations by kind: mean matching, proportional odds, multinomial logit.

    Van Buuren & Groothuis-Oudshoorn 2011 (Journal of Statistical Software 45:3), with the defaults of R's ``mice`` by
    kind: predictive mean matching for numeric items (and ordinal ones beyond 10 levels), proportional odds for ordinal
    and multinomial logit for nominal items.

    The coefficients of the matching are drawn from their posterior; those of the logits by the weighted likelihood
    bootstrap, that is fitted to rows weighted at random by exponential weights (Newton & Raftery 1994, Journal of
    the Royal Statistical Society B 56, 3–48; Rubin 1981, Annals of Statistics 9, 130–134). To first order that is
    N(β̂, Fisher⁻¹), and unlike the normal draw it never puts thresholds out of order.

    Assumes linear, additive effects on each scale, and missingness at random. New rows are carried along the chain
    and imputed by models of the fitted rows. Draws are proper.

    Parameters
    ----------
    max_iter : iterations over the items.
    n_donors : nearest rows to draw from when matching.
    ridge : precision of the normal prior on standardised coefficients, in observations; it keeps the logits finite
        where levels are perfectly separated (White, Daniel & Royston 2010, Computational Statistics and Data
        Analysis 54).
    """

    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "as published (R's mice); ridge ours"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_iter": COUNT,
        "n_donors": COUNT,
        "ridge": POSITIVE,
    }

    def __init__(self, max_iter: int = 5, n_donors: int = 5, ridge: float = 1.0) -> None:
        self.max_iter = max_iter
        self.n_donors = n_donors
        self.ridge = ridge

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        item = turn.item
        if item.column.kind is not Kind.NOMINAL and not is_short(item):
            return match(turn, turn.sums, n_donors=self.n_donors, ridge=self.ridge, rng=rng)
        weights = rng.exponential(size=len(item.known))
        forecast, parameters = forecast_levels(turn, start, ridge=self.ridge, weights=weights)
        return Fill(item.levels[draw_level(forecast, rng)], lambda: forecast, parameters)
