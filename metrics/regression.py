"""Regression retention: whether the model that people will run says after imputation what it said before masking."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.regression import INTERCEPT, Estimates, least_squares, model_matrix, student_interval
from datasets.schema import Floats
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.metric import Reads, metric
from metrics.pooling import pool


@dataclass(frozen=True, eq=False)
class Inference:
    """What is said of k coefficients.

    Parameters
    ----------
    names : shape (k,).
    estimate, error : coefficients and standard errors, shape (k,).
    freedom : degrees of freedom, shape (k,).
    """

    names: tuple[str, ...]
    estimate: Floats
    error: Floats
    freedom: Floats

    @property
    def interval(self) -> Floats:
        """95 % limits, lower and upper, shape (2, k)."""
        return student_interval(self.estimate, self.error, self.freedom)

    def take(self, names: list[str]) -> "Inference":
        """Some of the coefficients, in this order."""
        at = [self.names.index(name) for name in names]
        return Inference(tuple(names), self.estimate[at], self.error[at], self.freedom[at])


@METRICS.register("regression-bias")
@metric(reads=Reads.ESTIMATES, better="0", span=(-inf, inf), best=0.0, trivial="-7.5 for educ at 30 % hidden (mean)")
def regression_bias(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Shift of each slope from that before masking, in its standard errors then.

    ``(Q̄ - Q₀) / SE₀`` for each slope of the schema's regression. Q₀ and SE₀ are those of ordinary least squares
    on the n₀ rows that the truth knows in all of its variables. Draws are completed, cut to the same
    rows, analysed one by one and pooled by Rubin's rules (1987, section 3.1) with n₀ - k complete-data degrees
    of freedom; methods that fill nothing are judged by their own estimates. The intercept is left out: it
    is the outcome of nobody (aged 0, with no schooling), and moves with the coding. So is a term that one of the
    two has no estimate of. No regression in the schema, or a single draw, which cannot be pooled: no score.
    """
    return _by_slope(masked, prediction, lambda true, found: (found.estimate - true.estimate) / true.error)


@METRICS.register("regression-se-ratio")
@metric(reads=Reads.ESTIMATES, better="1", span=(0, inf), best=1.0, trivial="0.9 at 30 % hidden (mean)")
def regression_se_ratio(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Standard error of each slope over that before masking; below 1 is overclaimed.

    ``√T / SE₀``, as in `regression-bias`. One is the certainty of the table before masking, which only the
    truth deserves. Below one the method claims to know more than the complete data told. An honest method lies
    above by ``1 / √(1 - λ)``, λ the share of information that is lost (Rubin 1987, chapter 3): near 1 is good only
    beside a good `regression-population-coverage`, for a deterministic imputer has no variance between its draws and
    is near 1 or below whatever it fills.
    """
    return _by_slope(masked, prediction, lambda true, found: found.error / true.error)


@METRICS.register("regression-overlap")
@metric(reads=Reads.ESTIMATES, better="higher", span=(0, 1), best=1.0, trivial="0.5 at 30 % hidden (mean)")
def regression_overlap(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Overlap of each slope's 95 % interval with that before masking.

    The mean of the intersection's shares of the two lengths: ``J = ½ (|A∩B|/|A| + |A∩B|/|B|)`` (Karr, Kohnen, Oganian,
    Reiter & Sanil 2006, The American Statistician 60), 0 where they are disjoint. Intervals as in `regression-bias`,
    by Student's t with the degrees of freedom of each. It falls with bias, with overconfidence and with lost
    information alike: an unbiased interval that is longer or shorter by a factor c gets ``½ (1 + min(c, 1/c))``.
    """
    return _by_slope(masked, prediction, _overlap)


@METRICS.register("regression-covers")
@metric(reads=Reads.ESTIMATES, better="higher", span=(0, 1), best=1.0, trivial="0.4 at 30 % hidden (mean)")
def regression_covers(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Whether each slope's 95 % interval holds the slope before masking.

    1 or 0, so that the mean over masks is a rate. What is to be held is the estimate of the complete sample. The
    interval is made for the population's slope and allows for the error of that sample too, so an honest
    method holds it in more than 95 % of masks, and a rate below that is sure to tell of bias or overclaimed certainty.
    """
    return _by_slope(
        masked,
        prediction,
        lambda true, found: (found.interval[0] <= true.estimate) & (true.estimate <= found.interval[1]),
    )


@METRICS.register("regression-population-coverage")
@metric(reads=Reads.ESTIMATES, better="0.95", span=(0, 1), best=0.95, trivial="0.5 at 30 % hidden (mean)")
def regression_population_coverage(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Chance that each slope's 95 % interval holds the population's slope.

    ``F((upper - Q₀)/SE₀) - F((lower - Q₀)/SE₀)``, F Student's t with n₀ - k degrees of freedom: the population's slope
    is off from that before masking as the standard error before masking says (the confidence distribution of
    the complete sample). One mask alone may give more or less than 0.95. The mean over masks is 0.95 for a
    method that knows how far it is off, less for one that is biased or overclaims, and more for one that is
    too cautious: unlike `regression-covers` it tells a lucky interval that is too short from an honest one.
    """
    return _by_slope(masked, prediction, _mass)


def _by_slope(
    masked: Masked, prediction: Prediction, judge: Callable[[Inference, Inference], NDArray[np.generic]]
) -> dict[str, float]:
    """Judge each slope, named ``outcome ~ term``, against that of the table before masking."""
    regression = masked.schema.regression
    if regression is None or (prediction.draws is not None and len(prediction.draws) < 2):
        return {}
    columns = [masked.schema.index(name) for name in regression.names]
    rows = ~np.isnan(masked.truth.values[:, columns]).any(axis=1)
    before, after = _own(_estimates(masked, masked.truth.values[rows])), _after(masked, prediction, rows)
    slopes = [name for name in before.names if name in after.names and name != INTERCEPT]
    values = judge(before.take(slopes), after.take(slopes))
    return {f"{regression.outcome} ~ {name}": float(value) for name, value in zip(slopes, values, strict=True)}


def _estimates(masked: Masked, table: Floats) -> Estimates:
    return least_squares(*model_matrix(masked.schema, table))


def _own(estimates: Estimates) -> Inference:
    return Inference(
        estimates.names,
        estimates.coefficients,
        estimates.standard_errors,
        np.full(len(estimates.names), estimates.freedom),
    )


def _after(masked: Masked, prediction: Prediction, rows: NDArray[np.bool_]) -> Inference:
    """Inference after masking: pooled over draws, or the method's own."""
    if prediction.draws is None:
        if prediction.estimates is None:
            raise InputError("the prediction has neither draws nor estimates of a regression; return one of them")
        return _own(prediction.estimates)
    found = [_estimates(masked, table[rows]) for table in completed_tables(masked, prediction)]
    names = [name for name in found[0].names if all(name in own.names for own in found)]
    drawn = [_own(own).take(names) for own in found]
    pooled = pool([own.estimate for own in drawn], [own.error**2 for own in drawn], min(own.freedom for own in found))
    return Inference(tuple(names), pooled.estimate, pooled.standard_error, pooled.freedom)


def _overlap(first: Inference, second: Inference) -> Floats:
    lower, upper = np.maximum(first.interval[0], second.interval[0]), np.minimum(first.interval[1], second.interval[1])
    common = np.clip(upper - lower, 0, None)
    return (common / np.ptp(first.interval, axis=0) + common / np.ptp(second.interval, axis=0)) / 2


def _mass(true: Inference, found: Inference) -> Floats:
    from scipy.special import stdtr

    lower, upper = stdtr(true.freedom, (found.interval - true.estimate) / true.error)
    return upper - lower
