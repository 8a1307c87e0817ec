"""Chained equations with a model for each kind of item."""

import numpy as np
from numpy.typing import NDArray

from imputers import IMPUTERS
from imputers.statistical.categorical import forecast_levels, has_few_levels
from imputers.statistical.chained import ChainedImputer, Fill, Item
from imputers.statistical.pmm import match

Matrix = NDArray[np.float64]


@IMPUTERS.register("mice")
class Mice(ChainedImputer):
    """Chained equations by kind: matching, proportional odds, multinomial logit.

    """

    def __init__(self, sweeps: int = 5, donors: int = 5, ridge: float = 1.0) -> None:
        self.sweeps = sweeps
        self.donors = donors
        self.ridge = ridge

    def _fill(
        self, item: Item, known: Matrix, holes: Matrix, start: Matrix | None, rng: np.random.Generator
    ) -> Fill:
        if not has_few_levels(item):
            return match(item, known, holes, item.codes[:, None], donors=self.donors, ridge=self.ridge, rng=rng)
        weights = rng.exponential(size=len(known))
        forecast, parameters = forecast_levels(item, known, holes, start, ridge=self.ridge, weights=weights)
        return Fill(item.sample(forecast, rng), forecast, parameters)
