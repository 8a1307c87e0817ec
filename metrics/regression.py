"""Regression: whether the model that people will run says after imputation what it said before masking."""

from dataclasses import dataclass
from functools import lru_cache
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

ROUNDING = 1e-9  # of a standard error before masking: what estimates of one and the same table may differ by


@dataclass(frozen=True, eq=False)
class Inference:
    """What is said of the k slopes, beside what the table before masking says of them.

    Parameters
    ----------
    names : ``"outcome ~ term"``, length k.
    error : distance of each estimate from that before masking, in its standard errors then, shape (k,).
    spread : standard error of the estimate as to the holes alone, in the same unit, shape (k,).
    freedom : degrees of freedom of the spread.
    missing : fraction of missing information, shape (k,); None for a method that fills nothing.
    """

    names: tuple[str, ...]
    error: Floats
    spread: Floats
    freedom: float
    missing: Floats | None

    def told(self, values: NDArray[np.generic]) -> dict[str, float]:
        """Values (k,) by name."""
        return {name: float(value) for name, value in zip(self.names, values, strict=True)}


@METRICS.register("regression-error")
@metric(reads=Reads.ESTIMATES, better="0", span=(-inf, inf), best=0.0, trivial="-7.5 for educ at 30 % hidden (mean)")
def regression_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Shift of each slope from that before masking, in its standard errors then.

    ``(Q̄ - Q₀) / SE₀`` for each slope of the schema's regression. Q₀ and SE₀ are those of ordinary least squares on the
    n₀ rows that the truth knows in all of its variables; Q̄ is the mean over the completed tables, cut to the same
    rows. Methods that fill nothing are judged by their own estimates. The intercept is left out: it is the
    outcome of nobody (aged 0, with no schooling), and moves with the coding. So is a term that one of the
    two has no estimate of. No regression in the schema, or a single draw, which cannot be pooled: no score.
    """
    found = _inference(masked, prediction)
    return {} if found is None else found.told(found.error)


@METRICS.register("regression-se")
@metric(reads=Reads.ESTIMATES, better="lower", span=(0, inf), best=0.0, trivial="0 (mean)")
def regression_se(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Standard error of each slope as to the holes, in those before masking.

    ``√((1 + 1/m) B) / SE₀``, B the variance of the estimate among the m draws: the sample is given, so only what the
    holes leave open counts (Vink and van Buuren 2014, arXiv 1409.8542: pooling when the population is finite and
    known). For a method that fills nothing ``√max(SE² - SE₀², 0) / SE₀``: the variance of what an estimate from less
    data is off from an efficient one from all of them (Hausman 1978, Econometrica 46). Short is good only where
    `regression-covers` is near 0.95; equal draws claim 0.
    """
    found = _inference(masked, prediction)
    return {} if found is None else found.told(found.spread)


@METRICS.register("regression-covers")
@metric(reads=Reads.ESTIMATES, better="0.95", span=(0, 1), best=0.95, trivial="0 (mean)")
def regression_covers(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Whether each slope's 95 % interval holds the slope before masking.

    1 or 0 for one mask; the mean over masks is the coverage, 0.95 for an honest method. The interval is that of
    `regression-error` and `regression-se` by Student's t with m - 1 degrees of freedom, or those of the estimates
    for a method that fills nothing. One without width, as equal draws give, holds the very slope and no other.
    """
    found = _inference(masked, prediction)
    if found is None:
        return {}
    _, reach = student_interval(np.zeros_like(found.spread), found.spread, found.freedom)
    return found.told(np.abs(found.error) <= reach + ROUNDING)


@METRICS.register("regression-fmi")
@metric(reads=Reads.FILLS, better="lower", span=(0, 1), best=0.0, trivial="0 (mean)")
def regression_fmi(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Fraction of the information about each slope that is missing, by the draws.

    ``(r + 2/(ν + 3)) / (1 + r)`` with ``r = (1 + 1/m) B / Ū`` and ν of Barnard and Rubin (1999), as in
    `metrics.pooling` (Rubin 1987, section 3.1). Equal draws say that next to nothing is missing, whatever was hidden.
    """
    if prediction.draws is None:
        raise InputError("this method fills no holes, so there are no draws to tell what is missing")
    found = _inference(masked, prediction)
    return {} if found is None or found.missing is None else found.told(found.missing)


@lru_cache(maxsize=1)  # four metrics of one prediction read it
def _inference(masked: Masked, prediction: Prediction) -> Inference | None:
    """What is said of each slope; None without a regression or with a single draw."""
    regression = masked.schema.regression
    if regression is None or (prediction.draws is not None and len(prediction.draws) < 2):
        return None
    columns = [masked.schema.index(name) for name in regression.names]
    rows = ~np.isnan(masked.truth.values[:, columns]).any(axis=1)
    before = _estimates(masked, masked.truth.values[rows])
    if prediction.draws is not None:
        after = [_estimates(masked, table[rows]) for table in completed_tables(masked, prediction)]
        return _of_draws(regression.outcome, before, after)
    if prediction.estimates is None:
        raise InputError("the prediction has neither draws nor estimates of a regression; return one of them")
    return _of_own(regression.outcome, before, prediction.estimates)


def _of_draws(outcome: str, before: Estimates, after: list[Estimates]) -> Inference:
    """Estimates of the m completed tables, pooled with the sample given."""
    slopes = [name for name in before.names if name != INTERCEPT and all(name in one.names for one in after)]
    Q0, U0 = _slopes(before, slopes)
    Q, U = (np.stack(part) for part in zip(*(_slopes(one, slopes) for one in after), strict=True))
    pooled = pool(Q, U, min(one.freedom for one in after))
    spread = np.sqrt((1 + 1 / pooled.draws) * pooled.between / U0)
    error = (pooled.estimate - Q0) / np.sqrt(U0)
    return Inference(_names(outcome, slopes), error, spread, pooled.draws - 1, pooled.fraction_missing)


def _of_own(outcome: str, before: Estimates, own: Estimates) -> Inference:
    """A method's own estimates; what their variances exceed those before masking by is due to the holes."""
    slopes = [name for name in before.names if name != INTERCEPT and name in own.names]
    (Q0, U0), (Q, U) = _slopes(before, slopes), _slopes(own, slopes)
    error = (Q - Q0) / np.sqrt(U0)
    return Inference(_names(outcome, slopes), error, np.sqrt(np.maximum(U / U0 - 1, 0)), own.freedom, None)


def _estimates(masked: Masked, table: Floats) -> Estimates:
    return least_squares(*model_matrix(masked.schema, table))


def _slopes(estimates: Estimates, names: list[str]) -> tuple[Floats, Floats]:
    """Coefficients and variances (k,) of these terms."""
    at = [estimates.names.index(name) for name in names]
    return estimates.coefficients[at], estimates.variances[at]


def _names(outcome: str, slopes: list[str]) -> tuple[str, ...]:
    return tuple(f"{outcome} ~ {name}" for name in slopes)
