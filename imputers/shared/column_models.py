"""What methods have in common that foretell each column by a model of its own, fitted when its holes are first met."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Generic, TypeVar

import numpy as np

from datasets.schema import LABELLED, Floats, Kind
from imputers.base import Imputer

Model = TypeVar("Model")


class ForecastImputer(Imputer, Generic[Model]):
    """Base of methods with a model per column, of its answers given the other answers of a row.

    Draws are independent given the other answers, a numeric one normal about its forecast.

    Attributes
    ----------
    models_ : what was learned, by column.
    """

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self.models_: dict[int, Model] = {}
        self._found: tuple[Floats, dict[int, Floats]] | None = None

    @abstractmethod
    def _learn(self, j: int) -> Model:
        """Fit the model of column j to the rows seen in ``fit``."""

    @abstractmethod
    def _forecast(self, X: Floats, j: int) -> Floats:
        """Label probabilities (rows, K) or means (rows,) of column j in rows X."""

    @abstractmethod
    def _spread(self, j: int) -> float:
        """Standard deviation of numeric column j about its forecast."""

    def _forecasts(self, X: Floats) -> dict[int, Floats]:
        """What is foretold of each column's holes; kept for one table."""
        if self._found is None or self._found[0] is not X:
            asked = np.flatnonzero(np.isnan(X).any(axis=0)).tolist()
            self.models_ |= {j: self._learn(j) for j in asked if j not in self.models_}
            self._found = X, {j: self._forecast(X[np.isnan(X[:, j])], j) for j in asked}
        return self._found[1]

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        table = X.copy()
        for j, found in self._forecasts(X).items():
            column, holes = self.schema_.columns[j], np.isnan(X[:, j])
            if column.kind in LABELLED:
                reached = found.cumsum(axis=1)
                chosen = (rng.random((len(found), 1)) * reached[:, -1:] >= reached[:, :-1]).sum(axis=1)
                table[holes, j] = column.levels[chosen]
            else:
                table[holes, j] = column.snap(rng.normal(found, self._spread(j)))
        return table

    def _expected(self, X: Floats) -> Floats:
        expected = np.full(X.shape, np.nan)
        for j, found in self._forecasts(X).items():
            column, holes = self.schema_.columns[j], np.isnan(X[:, j])
            if column.kind is Kind.NUMERIC:
                low = -np.inf if column.low is None else column.low
                expected[holes, j] = np.clip(found, low, np.inf if column.high is None else column.high)
            elif column.kind is Kind.ORDINAL:
                expected[holes, j] = found @ column.levels
        return expected[np.isnan(X)]

    def _probabilities(self, X: Floats) -> Mapping[int, Floats]:
        return {j: found for j, found in self._forecasts(X).items() if self.schema_.columns[j].kind in LABELLED}
