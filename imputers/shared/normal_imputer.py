"""Imputers that hold scores and dummies for normal, or for a mixture of normals, within what a row has answered."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from datasets.schema import Floats, Kind
from imputers.matrix import MatrixImputer
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
        self._reference = {}
        for j in self.schema_.where(Kind.NOMINAL):
            block = self.schema_.blocks[j]
            self._reference[j] = block.start + int(self.centre_[block].argmax())
            kept[block] = answers[block] > RARE - 0.5
            kept[self._reference[j]] = False
        self._kept = np.flatnonzero(kept)
        self._fit_normals(D[:, self._kept], rng)

    def _fit_normals(self, D: Floats, rng: np.random.Generator) -> None:
        raise TypeError(f"{type(self).__name__} must write _fit_normals(D, rng)")

    def _draw_normals(self, D: Floats, n_draws: int, rng: np.random.Generator) -> Iterable[Floats]:
        raise TypeError(f"{type(self).__name__} must write _draw_normals(D, n_draws, rng)")

    def _normals(self, D: Floats) -> Iterable[Weighted]:
        raise TypeError(f"{type(self).__name__} must write _normals(D)")

    def _draws(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        holes = np.isnan(X)
        completed = self._draw_normals(self._encode(X)[:, self._kept], n_draws, rng)
        return np.stack([self._decode(X, self._widened(D))[holes] for D in completed])

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        table = X.copy()
        table[np.isnan(X)] = self._draws(X, 1, rng)[0]
        return table

    def _widened(self, D: Floats) -> Floats:
        """Standardised full design of a completed one without reference dummies: each nominal item sums to one."""
        full = np.tile(self.centre_, (len(D), 1))
        full[:, self._kept] += D * self.scale_[self._kept]
        for j, reference in self._reference.items():
            full[:, reference] += 1 - full[:, self.schema_.blocks[j]].sum(axis=1)
        return (full - self.centre_) / self.scale_

    def _conditional(self, D: Floats, model: Normal) -> tuple[Floats, Floats]:
        """Conditional mean and standard deviation of the full design (n, q), in its units; 0 for dummies not kept."""
        mean, spread = D.copy(), np.zeros(D.shape)
        for group, centre, covariance in conditionals(model, D, find_holes(D)):
            mean[group.rows[:, None], group.missing] = centre
            variance = np.diagonal(covariance, axis1=1, axis2=2)
            spread[group.rows[:, None], group.missing] = np.sqrt(variance)
        full = np.zeros((len(D), len(self.centre_)))
        full[:, self._kept] = spread * self.scale_[self._kept]
        return self._widened(mean) * self.scale_ + self.centre_, full

    def _distribution(self, X: Floats) -> tuple[Floats, dict[int, Floats]]:
        """Mean of the full design (n, q) and level probabilities of ordinal holes (holes of the column, K)."""
        D, mean = self._encode(X)[:, self._kept], np.zeros((len(X), len(self.centre_)))
        ordinal = {int(j): np.isnan(X[:, j]) for j in self.schema_.where(Kind.ORDINAL)}
        shares = {j: np.zeros((rows.sum(), len(self.schema_.columns[j].levels))) for j, rows in ordinal.items()}
        for weights, model in self._normals(D):
            part, spread = self._conditional(D, model)
            mean += weights[:, None] * part
            for j, rows in ordinal.items():
                at = self.schema_.blocks[j]
                shares[j] += weights[rows, None] * areas(
                    self.schema_.columns[j].levels, part[rows, at], spread[rows, at]
                )
        return mean, shares

    def _expected(self, X: Floats) -> Floats:
        mean, shares = self._distribution(X)
        expected = np.full(X.shape, np.nan)
        for j in self.schema_.where(Kind.NUMERIC):
            column = self.schema_.columns[j]
            expected[:, j] = np.clip(
                mean[:, self.schema_.blocks[j].start],
                -np.inf if column.low is None else column.low,
                np.inf if column.high is None else column.high,
            )
        for j, table in shares.items():
            expected[np.isnan(X[:, j]), j] = table @ self.schema_.columns[j].levels
        return expected[np.isnan(X)]

    def _probabilities(self, X: Floats) -> Mapping[int, Floats]:
        mean, shares = self._distribution(X)
        for j in self.schema_.where(Kind.NOMINAL):
            positive = np.clip(mean[np.isnan(X[:, j]), self.schema_.blocks[j]], 0, None)
            shares[int(j)] = positive / positive.sum(axis=1, keepdims=True)
        return shares


def areas(levels: Floats, mean: Floats, spread: Floats) -> Floats:
    """Areas of normals with these means and standard deviations (r, 1) around each of K levels, shape (r, K)."""
    from scipy.special import ndtr

    middles = (levels[1:] + levels[:-1]) / 2
    return np.diff(ndtr((middles - mean) / spread), axis=1, prepend=0, append=1)
