"""Imputers that hold scores and dummies for normal, or for a mixture of normals, within what a row has answered."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers.matrix import MatrixImputer
from imputers.shared.levels import normal_mean, normal_shares
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
        yield, once a draw, D completed, and what it was drawn from: the distribution of the rows of D given their
        observed cells under the drawn parameters, as normals with a weight per row.

    A drawn score becomes the nearest code, and drawn dummies the largest one's level (Allison 2002, Missing Data,
    p. 40). Stated is what the draws came from, averaged over them: probabilities of an ordinal item are normal areas
    between the midpoints of its scale, expectations of a numeric item means of normals censored at its limits. That
    the dummy of a nominal level is the largest has no probability in closed form, and none is stated.
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

    def _draw_normals(
        self, D: Floats, n_draws: int, rng: np.random.Generator
    ) -> Iterable[tuple[Floats, Iterable[Weighted]]]:
        raise TypeError(f"{type(self).__name__} must write _draw_normals(D, n_draws, rng)")

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        holes, D = np.isnan(X), self._encode(X)[:, self._kept]
        draws = np.empty((n_draws, holes.sum()))
        expected, probabilities = self._nothing_yet(holes)
        for draw, (completed, normals) in zip(draws, self._draw_normals(D, n_draws, rng), strict=True):
            draw[:] = self._decode(X, self._widened(completed, self._kept))[holes]
            for weights, model in normals:
                self._add(D, holes, model, weights / n_draws, expected, probabilities)
        for j, shares in probabilities.items():
            expected[holes[:, j], j] = shares @ self.schema_.columns[j].levels
        return Prediction(draws, expected[holes], probabilities)

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

    def _nothing_yet(self, holes: NDArray[np.bool_]) -> tuple[Floats, dict[int, Floats]]:
        """Expectations (n, p), NaN if nominal, and level probabilities of ordinal holes (holes of the column, K): 0."""
        expected, shares = np.full(holes.shape, np.nan), dict[int, Floats]()
        for j in self.schema_.where(Kind.NUMERIC, Kind.ORDINAL):
            expected[holes[:, j], j] = 0.0
            if self.schema_.columns[j].labels:
                shares[int(j)] = np.zeros((holes[:, j].sum(), len(self.schema_.columns[j].levels)))
        return expected, shares

    def _add(
        self,
        D: Floats,
        holes: NDArray[np.bool_],
        model: Normal,
        weights: Floats,
        expected: Floats,
        shares: dict[int, Floats],
    ) -> None:
        """Add what a normal says of the holes, by the weight of each row (n,), to expectations and probabilities."""
        mean, spread = self._conditional(D, model)
        for j in self.schema_.where(Kind.NUMERIC, Kind.ORDINAL):
            rows, column, at = holes[:, j], self.schema_.columns[j], self.schema_.blocks[j]
            if j in shares:
                part = normal_shares(mean[rows, at], spread[rows, at], column.levels)
                shares[int(j)] += weights[rows, None] * part
            else:
                part = normal_mean(column, mean[rows, at.start], spread[rows, at.start])
                expected[rows, j] += weights[rows] * part
