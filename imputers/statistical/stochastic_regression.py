"""Regression imputation with a random residual."""

import numpy as np
from numpy.typing import NDArray

from imputers import IMPUTERS
from imputers.statistical.categorical import forecast_levels, has_few_levels
from imputers.statistical.chained import ChainedImputer, Fill, Item
from imputers.statistical.linear import fit_linear

Matrix = NDArray[np.float64]


@IMPUTERS.register("stochastic-regression")
class StochasticRegression(ChainedImputer):
    """Chained regression with a random residual; the parameters are held fixed.
    """

    def __init__(self, sweeps: int = 5, ridge: float = 1.0) -> None:
        self.sweeps = sweeps
        self.ridge = ridge

    def _fill(
        self, item: Item, known: Matrix, holes: Matrix, start: Matrix | None, rng: np.random.Generator
    ) -> Fill:
        if has_few_levels(item):
            forecast, parameters = forecast_levels(item, known, holes, start, ridge=self.ridge)
            return Fill(item.sample(forecast, rng), forecast, parameters)
        fit = fit_linear(known, item.codes[:, None], self.ridge)
        mean = holes @ fit.coefficients[:, 0]
        ...
