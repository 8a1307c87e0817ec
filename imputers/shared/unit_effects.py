"""Effects of strata and sampling units in a regression: random ones, whose variance the answers tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from datasets.schema import Floats
from imputers.shared.chained import Fill
from imputers.shared.item import Item, Rows, Turn
from imputers.shared.linear import Sums, fit_linear, penalty
from imputers.shared.nearest import nearest_donors
from imputers.shared.pmm import lend
from imputers.shared.predictors import Design

ROOTS = (np.arange(40) + 0.5) / 40  # of the intraclass correlations that are looked at


def draw_correlation(sums: Sums, block: slice, precision: Floats, rng: np.random.Generator) -> float:
    """An intraclass correlation given all other predictors, from its posterior.

    The model is ``y = Xβ + Zu + e`` with u ~ N(0, τ²), e ~ N(0, σ²), ρ = τ²/(τ² + σ²), and the prior of the ridge on β.
    With λ = (1 − ρ)/ρ, β integrated out and σ² under Jeffreys' prior, ``p(y|ρ) ∝ |I + S/λ|^(-1/2) R(λ)^(-(n - 1)/2)``,
    where S are the squares and products of the columns of Z, and R those of the outcome, both less what X explains,
    and R also less what Z explains at λ (Harville 1974, Biometrika 61; Gelman et al. 2013, Bayesian Data Analysis,
    chapter 15). The prior is uniform on √ρ, which for small ρ is τ/σ (Gelman 2006, Bayesian Analysis 1, 515-534). The
    0/1 columns of K levels count as outcomes of one ρ, by their composite likelihood to the power (K − 1)/K: they sum
    to one.

    Parameters
    ----------
    sums : of predictors and outcomes.
    block : the columns of Z among the predictors.
    precision : of the normal prior on each coefficient, in observations, shape (q,); that of the block is not read.
    """
    from scipy.linalg import cho_factor, cho_solve, eigh

    own = np.zeros(len(sums.xx), dtype=bool)
    own[block] = True
    xx, xz, zz = sums.xx[~own][:, ~own], sums.xx[~own][:, own], sums.xx[own][:, own]
    factor = cho_factor(xx + np.diag(precision[~own]))
    squares, axes = eigh(zz - xz.T @ cho_solve(factor, xz))
    slopes = cho_solve(factor, sums.xy[~own])
    along = axes.T @ (sums.xy[own] - xz.T @ slopes)  # (C, w)
    left = np.diag(sums.yy) - np.sum(sums.xy[~own] * slopes, axis=0)
    squares, ratios = np.maximum(squares, 0.0)[:, None, None], ((1 - ROOTS**2) / ROOTS**2)[:, None]  # λ, (G, 1)
    residual = np.maximum(left - np.sum(along[:, None] ** 2 / (squares + ratios), axis=0), 1e-9 * left + 1e-300)
    each = -0.5 * np.log1p(squares / ratios).sum(axis=0) - (sums.n - 1) / 2 * np.log(residual)  # (G, w)
    told = each.sum(axis=1) * max(each.shape[1] - 1, 1) / each.shape[1]
    chances = np.exp(told - told.max())
    return float(ROOTS[rng.choice(len(ROOTS), p=chances / chances.sum())] ** 2)


@dataclass(frozen=True, eq=False)
class Shrunken:
    """A turn whose last columns are scaled so that the ridge of a regression is the prior of random effects.

    Of a column times s, the ridge r holds the effect to a variance of σ² s²/r. That is τ² with s² = r ρ/(1 − ρ).

    Parameters
    ----------
    whole : the turn.
    sums : its sums, scaled.
    scale : of each predictor, shape (q,).
    """

    whole: Turn
    sums: Sums
    scale: Floats

    @classmethod
    def of(cls, turn: Turn, widths: Sequence[int], ridge: float, information: float, rng: np.random.Generator) -> Self:
        """Scale blocks of columns, the last of the turn, each by a draw of its intraclass correlation.

        The last block comes first, with the ridge on those before it: what is between units of a stratum hardly
        depends on what is between strata, and that is then drawn given it.

        Parameters
        ----------
        widths : columns of each block, the outer groups first.
        information : of one answer about its linear predictor, in units of the residual variance: 1 where the
            regression is linear; the effect on a logit is larger by its inverse.
        """
        sums = turn.sums
        scale, precision, stop = np.ones(len(sums.xx)), penalty(len(sums.xx), ridge), len(sums.xx)
        for width in reversed(widths):
            block = slice(stop - width, stop)
            rho = draw_correlation(sums, block, precision, rng)
            precision[block] = (1 - rho) / rho
            scale[block] = np.sqrt(ridge / (precision[block] * information))
            stop -= width
        return cls(turn, sums._replace(xx=sums.xx * np.outer(scale, scale), xy=sums.xy * scale[:, None]), scale)

    @property
    def item(self) -> Item:
        """The item."""
        return self.whole.item

    @property
    def chosen(self) -> Rows:
        """Columns that are the predictors."""
        return self.whole.chosen

    @property
    def unit(self) -> tuple[float, float]:
        """Mean and deviation of the item's codes."""
        return self.whole.unit

    def known(self) -> Design:
        """Predictors of the known rows."""
        return self.whole.known() * self.scale

    def holes(self) -> Design:
        """Predictors of the holes."""
        return self.whole.holes() * self.scale

    def at_known(self, coefficients: Floats) -> Design:
        """What coefficients predict for the known rows."""
        return self.whole.at_known(coefficients * self.scale[:, None])

    def at_holes(self, coefficients: Floats) -> Design:
        """What coefficients predict for the holes."""
        return self.whole.at_holes(coefficients * self.scale[:, None])


def match_groups(
    turn: Turn, sums: Sums, n_random: int, *, n_donors: int, ridge: float, rng: np.random.Generator
) -> Fill:
    """Fill holes with the codes of donors that are predicted alike, where the last predictors have random effects.

    As `pmm.match`, of type 1, but for the random effects in the predictions of the known rows: they are drawn, given
    the estimate of all else. With estimates, which are shrunken towards zero by answers of the very rows that are
    predicted, donors would lie beyond their predictions, and what goes with the predictions be overstated; a draw of
    u given y has with y the joint law of the effects themselves, so that E(y|x, u) is the prediction.

    Parameters
    ----------
    turn : the item and its predictors.
    sums : its own, or those of d numbers that stand for the item.
    n_random : columns with random effects, the last ones; the ridge is their prior.
    """
    from scipy.linalg import cholesky, solve_triangular

    fit = fit_linear(sums, ridge)
    coefficients, deviation = fit.draw(rng)
    root = cholesky(sums.xx[-n_random:, -n_random:] + ridge * np.eye(n_random))
    noise = rng.standard_normal((n_random, len(deviation))) * deviation
    at_known = fit.coefficients.copy()
    at_known[-n_random:] += solve_triangular(root, noise)
    donors = nearest_donors(turn.at_known(at_known), turn.at_holes(coefficients), n_donors, rng)
    return lend(turn.item, donors, rng)
