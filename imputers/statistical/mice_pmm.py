"""Chained predictive mean matching."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Kind
from imputers import IMPUTERS
from imputers.statistical.chained import ChainedImputer, Fill, Item
from imputers.statistical.pmm import canonical_scores, match

Matrix = NDArray[np.float64]


@IMPUTERS.register("mice-pmm")
class MicePmm(ChainedImputer):
    """Chained predictive mean matching, Bayesian coefficients, 5 donors.
    """

    def __init__(self, sweeps: int = 5, donors: int = 5, dimensions: int = 3, ridge: float = 1.0) -> None:
        self.sweeps = sweeps
        self.donors = donors
        self.dimensions = dimensions
        self.ridge = ridge

    def _fill(
        self, item: Item, known: Matrix, holes: Matrix, start: Matrix | None, rng: np.random.Generator
    ) -> Fill:
        scores = item.codes[:, None]
        if item.column.kind is Kind.NOMINAL:
            levels = canonical_scores(known, item.positions, len(item.levels), self.dimensions, self.ridge)
            scores = levels[item.positions]
        return match(item, known, holes, scores, donors=self.donors, ridge=self.ridge, rng=rng)
