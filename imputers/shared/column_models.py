"""Base of the methods that predict each column by a model of its own, given the other answers of a row."""

from abc import abstractmethod
from typing import Generic, TypeVar

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import LABELLED, Floats
from imputers.base import Imputer
from imputers.heartbeat import steps
from imputers.shared.conditionals import Conditional, predict

Model = TypeVar("Model")


class ColumnModelImputer(Imputer, Generic[Model]):
    """Base of methods with a model for each column, of its answers given the other answers of a row.

    Draws are independent given the other answers, a numeric one normal about its mean. A column without holes in the
    fitted table gets a model only when a new row has a hole in it, and for that call alone.

    Attributes
    ----------
    models_ : what was learned of each column with holes in the fitted table, by position.
    """

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        lacking = list(_with_holes(X))
        self.models_: dict[int, Model] = {j: self._learn(j) for j in steps(lacking, len(lacking))}

    @abstractmethod
    def _learn(self, j: int) -> Model:
        """Learn the model of column j from the rows seen in ``fit``; what it gives depends on no other call."""

    @abstractmethod
    def _forecast(self, model: Model, X: Floats, j: int) -> Floats:
        """Level probabilities (rows, K) or means (rows,) of column j in rows X."""

    @abstractmethod
    def _spread(self, model: Model, j: int) -> float:
        """Standard deviation of numeric column j about its mean."""

    def _conditional(self, X: Floats, j: int) -> Conditional:
        """Distributions of the holes of column j."""
        model = self.models_[j] if j in self.models_ else self._learn(j)
        column, forecast = self.schema_.columns[j], self._forecast(model, X[np.isnan(X[:, j])], j)
        if column.kind in LABELLED:
            return Conditional.of_levels(column, forecast)
        return Conditional.normal(column, forecast, self._spread(model, j))

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        return predict(X, {j: self._conditional(X, j) for j in _with_holes(X)}, n_draws, rng)


def _with_holes(X: Floats) -> list[int]:
    return np.flatnonzero(np.isnan(X).any(axis=0)).tolist()
