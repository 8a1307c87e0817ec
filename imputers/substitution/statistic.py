"""A statistic of the class stands in for every hole: what mean and subgroup mean have in common."""

from typing import ClassVar

import numpy as np

from datasets.schema import UNORDERED, Floats, Kind
from imputers.shared.classes import ClassImputer


class ClassStatistic(ClassImputer):
    """Base of methods that fill with the class mean, median or mode, by kind."""

    deterministic: ClassVar[bool] = True

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        table = X.copy()
        for j, shares in self._probabilities(X).items():
            column = self.schema_.columns[j]
            unordered = column.kind in UNORDERED
            best = shares.argmax(axis=1) if unordered else (shares.cumsum(axis=1) >= 0.5 - 1e-9).argmax(axis=1)
            table[np.isnan(X[:, j]), j] = column.levels[best]
        for j in self.schema_.where(Kind.NUMERIC):
            means = self._averages(X, j, self._table[:, [j]])[:, 0]
            table[np.isnan(X[:, j]), j] = self.schema_.columns[j].snap(means)
        return table
