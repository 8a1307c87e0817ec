"""The multivariate normal fitted by EM: conditional means, and draws with drawn parameters."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Codes, Kind
from imputers import IMPUTERS
from imputers.encoding import MatrixImputer
from imputers.statistical.normal_model import conditionals, draw_holes, draw_model, find_holes, maximum_likelihood

RARE = 5  # answers; the covariances of a dummy given by fewer people never settle


@IMPUTERS.register("gaussian-em")
class GaussianEM(MatrixImputer):
    """Fill from a multivariate normal of scores and dummies, fitted by EM.

    Dempster, Laird & Rubin (1977), JRSS B 39; Schafer (1997), Analysis of Incomplete Multivariate Data, chapter 5.
    Ordinal codes count as scores and nominal levels as dummies, less the most frequent one, whose
    dummy is what the others leave of 1, and less levels with fewer than five answers, which keep their
    share whatever else was answered. Assumes missing at random and linear relations with equal
    spread. Draws are proper: parameters come from data augmentation started at the maximum likelihood
    estimate, ``steps`` between draws; a drawn score becomes the nearest code, and drawn dummies the
    largest one's level (Allison 2002, Missing Data, p. 40). Expectation and probabilities are those at the
    estimate: conditional means, normal areas between the midpoints of an ordinal scale, and for nominal
    items conditional means of the dummies, clipped at zero and rescaled. New rows are conditioned on the
    fitted parameters.

    Parameters
    ----------
    ridge : observations of independent noise added to the data, which keeps rare dummies estimable.
    tolerance : EM stops when no mean or covariance of standardised columns moves by more.
    most_steps : EM stops here at the latest.
    steps : steps of data augmentation before each draw.
    """

    def __init__(self, ridge: float = 5.0, tolerance: float = 1e-3, most_steps: int = 100, steps: int = 5) -> None:
        self.ridge = ridge
        self.tolerance = tolerance
        self.most_steps = most_steps
        self.steps = steps

    def _fit_matrix(self, D: Codes, rng: np.random.Generator) -> None:
        answers = (~np.isnan(D)).sum(axis=0) * self.centre_  # times a dummy's mean: how often its level was given
        kept = np.ones(D.shape[1], dtype=bool)
        self._reference = {}
        for j in self.schema_.where(Kind.NOMINAL):
            block = self.schema_.blocks[j]
            self._reference[j] = block.start + int(self.centre_[block].argmax())
            kept[block] = answers[block] > RARE - 0.5
            kept[self._reference[j]] = False
        self._kept = np.flatnonzero(kept)
        self._data = D[:, self._kept]
        self.model_, self.n_iter_ = maximum_likelihood(self._data, self.ridge, self.tolerance, self.most_steps)

    def _draws(self, X: Codes, n_draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        D, model = self._encode(X)[:, self._kept], self.model_
        fitted_holes, holes = find_holes(self._data), find_holes(D)
        fills = np.empty((n_draws, int(np.isnan(X).sum())))
        for draw in range(n_draws):
            for _ in range(self.steps):
                model = draw_model(draw_holes(model, self._data, fitted_holes, rng), self.ridge, rng)
            fills[draw] = self._decode(X, self._widened(draw_holes(model, D, holes, rng)))[np.isnan(X)]
        return fills

    def _draw(self, X: Codes, rng: np.random.Generator) -> Codes:
        table = X.copy()
        table[np.isnan(X)] = self._draws(X, 1, rng)[0]
        return table

    def _widened(self, D: Codes) -> Codes:
        """Standardised full design of a completed one without reference dummies: each nominal item sums to one."""
        full = np.tile(self.centre_, (len(D), 1))
        full[:, self._kept] += D * self.scale_[self._kept]
        for j, reference in self._reference.items():
            full[:, reference] += 1 - full[:, self.schema_.blocks[j]].sum(axis=1)
        return (full - self.centre_) / self.scale_

    def _conditional(self, X: Codes) -> tuple[Codes, Codes]:
        """Conditional mean of the design (n, q), in the units of the design, and standard deviation of the kept."""
        D = self._encode(X)[:, self._kept]
        mean, spread = D.copy(), np.zeros(D.shape)
        for group, centre, covariance in conditionals(self.model_, D, find_holes(D)):
            mean[group.rows[:, None], group.missing] = centre
            variance = np.diagonal(covariance, axis1=1, axis2=2)
            spread[group.rows[:, None], group.missing] = np.sqrt(variance)
        full = np.zeros((len(D), len(self.centre_)))
        full[:, self._kept] = spread * self.scale_[self._kept]
        return self._widened(mean) * self.scale_ + self.centre_, full

    def _expected(self, X: Codes) -> NDArray[np.float64]:
        mean, _ = self._conditional(X)
        expected = np.full(X.shape, np.nan)
        for j in self.schema_.where(Kind.NUMERIC):
            column = self.schema_.columns[j]
            expected[:, j] = np.clip(
                mean[:, self.schema_.blocks[j].start],
                -np.inf if column.low is None else column.low,
                np.inf if column.high is None else column.high,
            )
        for j, shares in self._probabilities(X).items():
            if self.schema_.columns[j].kind is Kind.ORDINAL:
                expected[np.isnan(X[:, j]), j] = shares @ self.schema_.columns[j].levels
        return expected[np.isnan(X)]

    def _probabilities(self, X: Codes) -> Mapping[int, NDArray[np.float64]]:
        from scipy.special import ndtr

        mean, spread = self._conditional(X)
        shares = {}
        for j in self.schema_.where(Kind.NOMINAL, Kind.ORDINAL):
            rows, block, levels = np.isnan(X[:, j]), self.schema_.blocks[j], self.schema_.columns[j].levels
            if self.schema_.columns[j].kind is Kind.NOMINAL:
                positive = np.clip(mean[rows, block], 0, None)
                shares[int(j)] = positive / positive.sum(axis=1, keepdims=True)
            else:
                middles = (levels[1:] + levels[:-1]) / 2
                reached = ndtr((middles - mean[rows, block]) / spread[rows, block])
                shares[int(j)] = np.diff(reached, axis=1, prepend=0, append=1)
        return shares
