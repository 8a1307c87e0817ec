"""A statistic of the class stands in for every hole: what mean and subgroup mean have in common."""

from typing import ClassVar

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import UNORDERED, Floats
from imputers.shared.classes import ClassImputer


class ClassStatistic(ClassImputer):
    """Base of methods that fill with the answer nearest to the class mean, or with the mode if nominal or text."""

    family: ClassVar[str] = "substitution"
    deterministic: ClassVar[bool] = True

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        holes, means, shares = np.isnan(X), self._means(X), self._shares(X)
        table = X.copy()
        for j, column in enumerate(self.schema_):
            own = holes[:, j]
            if column.kind in UNORDERED:
                table[own, j] = column.levels[shares[j].argmax(axis=1)]
            else:
                table[own, j] = column.snap(means[own, j])
        return Prediction(np.tile(table[holes], (n_draws, 1)), means[holes], shares)
