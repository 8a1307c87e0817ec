"""Imputers that hold scores and dummies for normal, or for a mixture of normals, within what a row has answered."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers.matrix import MatrixImputer
from imputers.shared.levels import normal_shares
from imputers.shared.normal_model import Normal, conditionals, find_holes

RARE = 5  # answers; the covariances of a dummy given by fewer people never settle
Weighted: TypeAlias = tuple[Floats, Normal]  # weight of a normal for each row (n,), and the normal


class NormalImputer(MatrixImputer):
    """Base of normal models: a subclass writes ``_fit_normals``, ``_draw_normals`` and ``_normals``.

    All three receive the standardised design D (n, q) of what the model knows: ordinal codes as scores, and
    nominal levels as dummies, less the most frequent one, whose dummy is what the others leave of 1, and less
    levels with fewer than five answers, which keep their share whatever else was answered.

    ``_fit_normals(D, rng)``
        learn from D with holes;
    ``_draw_normals(D, n_draws, rng)``
        yield D completed, once a draw;
    ``_normals(D)``
        the distribution of the rows of D given their observed cells, as normals with a weight per row.

    A drawn score becomes the nearest code, and drawn dummies the largest one's level (Allison 2002, Missing Data,
    p. 40). Expectations are conditional means; probabilities are normal areas between the midpoints of an
    ordinal scale, and for nominal items conditional means of the dummies, clipped at zero and rescaled.
    """

    def _fit_matrix(self, D: Floats, rng: np.random.Generator) -> None:
        answers = (~np.isnan(D)).sum(axis=0) * self.centre_  # times a dummy's mean: how often its level was given
        kept = np.ones(D.shape[1], dtype=bool)
        for j, reference in self._references().items():
            block = self.schema_.blocks[j]
            kept[block] = answers[block] > RARE - 0.5
            kept[reference] = False
        self._kept = np.flatnonzero(kept)
        self._fit_normals(D[:, self._kept], rng)

    def _fit_normals(self, D: Floats, rng: np.random.Generator) -> None:
        raise TypeError(f"{type(self).__name__} must write _fit_normals(D, rng)")

    def _draw_normals(self, D: Floats, n_draws: int, rng: np.random.Generator) -> Iterable[Floats]:
        raise TypeError(f"{type(self).__name__} must write _draw_normals(D, n_draws, rng)")

    def _normals(self, D: Floats) -> Iterable[Weighted]:
        raise TypeError(f"{type(self).__name__} must write _normals(D)")

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        holes, D = np.isnan(X), self._encode(X)[:, self._kept]
        draws = [
            self._decode(X, self._widened(completed, self._kept))[holes]
            for completed in self._draw_normals(D, n_draws, rng)
        ]
        mean, probabilities = self._distribution(D, holes)
        expected = np.full(X.shape, np.nan)
        for j, column in enumerate(self.schema_):
            block, own = self.schema_.blocks[j], holes[:, j]
            if column.kind is Kind.NUMERIC:
                expected[:, j] = column.bounded(mean[:, block.start])
            elif column.kind is Kind.ORDINAL:
                expected[own, j] = probabilities[j] @ column.levels
            else:
                positive = np.clip(mean[own, block], 0, None)
                probabilities[j] = positive / positive.sum(axis=1, keepdims=True)
        return Prediction(np.stack(draws), expected[holes], probabilities)

    def _conditional(self, D: Floats, model: Normal) -> tuple[Floats, Floats]:
        """Conditional mean and standard deviation of the full design (n, q), in its units; 0 for dummies not kept."""
        mean, spread = D.copy(), np.zeros(D.shape)
        for group, centre, covariance in conditionals(model, D, find_holes(D)):
            mean[group.rows[:, None], group.missing] = centre
            variance = np.diagonal(covariance, axis1=1, axis2=2)
            spread[group.rows[:, None], group.missing] = np.sqrt(variance)
        full = np.zeros((len(D), len(self.centre_)))
        full[:, self._kept] = spread * self.scale_[self._kept]
        return self._widened(mean, self._kept) * self.scale_ + self.centre_, full

    def _distribution(self, D: Floats, holes: NDArray[np.bool_]) -> tuple[Floats, dict[int, Floats]]:
        """Mean of the full design (n, q) and level probabilities of ordinal holes (holes of the column, K)."""
        mean = np.zeros((len(D), len(self.centre_)))
        ordinal = {int(j): holes[:, j] for j in self.schema_.where(Kind.ORDINAL)}
        shares = {j: np.zeros((rows.sum(), len(self.schema_.columns[j].levels))) for j, rows in ordinal.items()}
        for weights, model in self._normals(D):
            part, spread = self._conditional(D, model)
            mean += weights[:, None] * part
            for j, rows in ordinal.items():
                at, levels = self.schema_.blocks[j], self.schema_.columns[j].levels
                shares[j] += weights[rows, None] * normal_shares(part[rows, at], spread[rows, at], levels)
        return mean, shares
