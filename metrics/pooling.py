"""Rubin's rules: one estimate with an honest standard error from the estimates of several completed tables.

Own, as statsmodels pools only models that its own MICE has fitted, and by the normal distribution: it has no degrees of
freedom for few draws (Barnard and Rubin 1999).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from datasets.errors import InputError
from datasets.regression import student_interval
from datasets.schema import Floats


@dataclass(frozen=True, eq=False)
class Pooled:
    """An estimate pooled over m draws, of one quantity (shape ()) or of k at once (shape (k,)).

    Names and symbols follow Rubin (1987), Multiple Imputation for Nonresponse in Surveys, section 3.1.

    Parameters
    ----------
    estimate : Q̄, the mean of the estimates.
    within : Ū, the mean of their squared standard errors.
    between : B, the variance among the estimates, denominator m - 1.
    draws : m.
    complete_freedom : degrees of freedom that the analysis of a table without holes has; may be infinite.
    """

    estimate: Floats
    within: Floats
    between: Floats
    draws: int
    complete_freedom: float

    @property
    def total(self) -> Floats:
        """T = Ū + (1 + 1/m) B, the variance of the estimate."""
        return self.within + (1 + 1 / self.draws) * self.between

    @property
    def standard_error(self) -> Floats:
        """√T."""
        return np.sqrt(self.total)

    @property
    def relative_increase(self) -> Floats:
        """Increase of the variance by the holes, r = (1 + 1/m) B / Ū."""
        return self.total / self.within - 1

    @property
    def share_between(self) -> Floats:
        """λ = (1 + 1/m) B / T, the share of the variance that is due to the holes."""
        return 1 - self.within / self.total

    @property
    def freedom(self) -> Floats:
        """Degrees of freedom of Barnard & Rubin (1999), Biometrika 86; infinite if nothing bounds them."""
        share, complete = self.share_between, self.complete_freedom
        observed = complete / (1 + 2 / (complete + 1)) * (1 - share)  # written so that infinity passes through
        with np.errstate(divide="ignore"):
            return 1 / (share**2 / (self.draws - 1) + 1 / observed)

    @property
    def fraction_missing(self) -> Floats:
        """FMI = (r + 2/(ν + 3)) / (1 + r), the share of the information about the quantity that is missing."""
        return (self.relative_increase + 2 / (self.freedom + 3)) / (1 + self.relative_increase)

    def interval(self, level: float = 0.95) -> Floats:
        """Limits Q̄ ± t_ν √T, lower and upper, shape (2, ...)."""
        return student_interval(self.estimate, self.standard_error, self.freedom, level)


@dataclass(frozen=True, eq=False)
class Transformed:
    """A quantity that was pooled on one scale and is read on another.

    Parameters
    ----------
    pooled : on the scale where estimates are nearly normal; its standard error and FMI are of that scale.
    back : from that scale to the one that is read.
    """

    pooled: Pooled
    back: Callable[[Floats], Floats]

    @property
    def estimate(self) -> Floats:
        """The pooled estimate on the scale that is read."""
        return self.back(self.pooled.estimate)

    def interval(self, level: float = 0.95) -> Floats:
        """Limits on the scale that is read, lower and upper, shape (2, ...); not symmetric about the estimate."""
        return self.back(self.pooled.interval(level))


def pool(estimates: ArrayLike, variances: ArrayLike, freedom: float = np.inf) -> Pooled:
    """Pool what m completed tables give for one quantity, or for k quantities at once.

    Rubin (1987), section 3.1; degrees of freedom by Barnard & Rubin (1999), Biometrika 86: 948-955. Assumes
    that estimates are about normal, and that the draws are proper: an imputer whose draws are all equal
    has no variance between them, and its interval is that of a table that was never masked. As a rule
    of thumb take at least 100 × FMI draws (White, Royston & Wood 2011, Statistics in Medicine 30).

    Parameters
    ----------
    estimates : one per draw, shape (m,) or (m, k).
    variances : their squared standard errors, same shape.
    freedom : degrees of freedom of the analysis if nothing were missing, n - k for a regression.

    Raises
    ------
    InputError
        If there are fewer than two draws, shapes disagree, a number is not finite, or a variance not positive.

    Examples
    --------
    The mean income in five completed tables, with its squared standard errors:

    >>> income = pool([10.2, 9.8, 10.5, 10.1, 9.9], [0.25, 0.27, 0.24, 0.26, 0.25], freedom=100)
    >>> float(income.estimate.round(6)), float(income.standard_error.round(6))
    (10.1, 0.586515)
    >>> income.interval().round(3).tolist()
    [8.906, 11.294]
    >>> float(income.fraction_missing.round(2))
    0.3
    """
    Q, U = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    if Q.shape != U.shape or Q.ndim not in (1, 2):
        raise InputError(f"pool got estimates {Q.shape} and variances {U.shape}; wanted (m,) or (m, k), both alike")
    if len(Q) < 2:
        raise InputError(
            f"pool got {len(Q)} draws; the variance between draws needs two at least, better twenty: ask for more"
        )
    if not (np.isfinite(Q).all() and np.isfinite(U).all() and (U > 0).all() and freedom > 0):
        raise InputError("pool needs finite estimates, finite positive variances, and positive degrees of freedom")
    return Pooled(Q.mean(axis=0), U.mean(axis=0), Q.var(axis=0, ddof=1), len(Q), freedom)


def pool_proportions(proportions: ArrayLike, variances: ArrayLike, freedom: float = np.inf) -> Transformed:
    """Pool proportions on the logit scale, where they are nearer to normal and no limit leaves 0 to 1.

    Marshall, Altman, Holder & Royston (2009), BMC Medical Research Methodology 9:57; the variance of a logit
    is ``u / (p (1 - p))²`` by the delta method.

    Parameters
    ----------
    proportions : one per draw, strictly between 0 and 1, shape (m,) or (m, k).
    variances : their squared standard errors u, same shape; ``p (1 - p) / n`` in a simple random sample.
    freedom : as in `pool`.

    Raises
    ------
    InputError
        As `pool`, or if a proportion is 0 or 1, where a logit is infinite.

    Examples
    --------
    >>> p = np.array([0.50, 0.52, 0.54])
    >>> pool_proportions(p, p * (1 - p) / 400).interval().round(3).tolist()
    [0.444, 0.595]
    """
    from scipy.special import expit, logit

    p = np.asarray(proportions, dtype=float)
    if not ((p > 0) & (p < 1)).all():
        raise InputError(
            f"proportions must lie strictly between 0 and 1, found {p.min():g} to {p.max():g}: a logit of 0 or 1 is "
            "infinite; merge the level with another, or pool on the plain scale with pool()"
        )
    return Transformed(pool(logit(p), np.asarray(variances) / (p * (1 - p)) ** 2, freedom), expit)


def pool_correlations(correlations: ArrayLike, rows: ArrayLike) -> Transformed:
    """Pool correlations on the scale of Fisher's z, where their variance is 1/(n - 3) whatever their size.

    Fisher (1921), Metron 1; Marshall et al. (2009), BMC Medical Research Methodology 9:57.

    Parameters
    ----------
    correlations : one per draw, strictly between -1 and 1, shape (m,) or (m, k).
    rows : number of rows n behind them, a number or of a shape that fits.

    Raises
    ------
    InputError
        As `pool`, or if a correlation is ±1, where z is infinite, or there are fewer than four rows.

    Examples
    --------
    >>> pool_correlations([0.30, 0.34, 0.32], 500).interval().round(3).tolist()
    [0.223, 0.411]
    """
    R, n = np.asarray(correlations, dtype=float), np.asarray(rows, dtype=float)
    if not (np.abs(R) < 1).all():
        raise InputError(
            f"correlations must lie strictly between -1 and 1, found {R.min():g} to {R.max():g}: Fisher's z of 1 is "
            "infinite; such columns are copies of each other, so leave one out"
        )
    if not (n > 3).all():
        raise InputError(f"a correlation needs four rows at least for its variance, 1/(n - 3); found {n.min():g}")
    return Transformed(pool(np.arctanh(R), np.broadcast_to(1 / (n - 3), R.shape)), np.tanh)
