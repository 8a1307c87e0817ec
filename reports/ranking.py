"""Ranking: places shared by methods that cannot be told apart, paired differences, and the resolution floor."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, inf, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.schema import Floats
from reports.uncertainty import Scores, replicates, scores_of, variance

LEVEL = 0.05
BEYOND = 1.960  # standard errors on either side of a 95 % interval, with many degrees of freedom
TELLING = BEYOND + 0.842  # standard errors that a test of level 5 % tells from zero with a power of 80 %


@dataclass(frozen=True)
class Comparison:
    """A paired difference of two methods, first less second, positive where the first is better.

    Parameters
    ----------
    difference, low, high : the mean over masks and its 95 % interval; infinite ends where nothing varies.
    masks : how many there are.
    wanted : how many masks would tell a difference of this size with a power of 80 %; infinite if none would, as the
        respondents are too few.
    """

    difference: float
    low: float
    high: float
    masks: int
    wanted: float

    @property
    def verdict(self) -> str:
        """``"better"``, ``"worse"`` or ``"cannot tell"``."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "cannot tell"


def rank(frame: pd.DataFrame, better: str = "higher", strata: Sequence[object] = ()) -> pd.DataFrame:
    """Order imputers by a score, and give those that cannot be told apart the same place.

    The first place is the model confidence set of Hansen, Lunde & Nason (2011, Econometrica 79, statistic T_max): the
    methods that hold the best one with a chance of 95 %, multiplicity included. The next place is that set among
    the others, and so on. Differences are paired: all methods share masks and respondents (see `uncertainty.variance`).

    Parameters
    ----------
    frame : a score a row, with columns ``imputer``, ``mask`` (which cells were hidden, e.g. a seed) and ``value``; and,
        if there are any, ``setting`` (masks vary within theirs), ``item`` (items are averaged, each counting
        the same, and do not vary) and ``influence`` (C numbers: how the value would move as each cluster of
        respondents gained weight; without, respondents are fixed). NaN counts as missing.
    better : ``"higher"`` or ``"lower"``.
    strata : stratum of each of the C clusters.

    Returns
    -------
    DataFrame by imputer, best first: ``place``; ``score``, ``low``, ``high``, the mean over masks and its 95 %
    interval; ``behind``, ``behind_low``, ``behind_high``, how far it lies behind the best score. Intervals are NaN
    where nothing varies, and all then share the first place. An imputer without a score that another has would be
    judged on fewer tasks: it has NaN and stands last.

    Raises
    ------
    InputError
        If a column is missing, a score stands twice, a mask has two settings, or the direction is unknown.

    Examples
    --------
    >>> errors = {"mean": [1.01, 0.99, 1.02, 1.00], "gbm": [0.78, 0.80, 0.83, 0.81], "knn": [0.82, 0.80, 0.86, 0.80]}
    >>> scores = pd.DataFrame(
    ...     [(imputer, seed, value) for imputer, values in errors.items() for seed, value in enumerate(values)],
    ...     columns=["imputer", "mask", "value"],
    ... )
    >>> rank(scores, better="lower")[["place", "score", "behind"]].round(3).reset_index()
      imputer  place  score  behind
    0     gbm      1  0.805   0.000
    1     knn      1  0.820   0.015
    2    mean      3  1.005   0.200
    """
    scores = scores_of(frame, better, strata)
    means, found = scores.values.mean(axis=0), variance(scores)
    covariance, freedom = found.total, found.freedom_of_differences
    places = shared_places(means, covariance, freedom)
    order = np.lexsort((-means, places))
    best, sign, own = int(means.argmax()), -1.0 if better == "lower" else 1.0, np.diag(covariance)
    apart = np.sqrt(np.maximum(own + own[best] - 2 * covariance[best], 0))
    known = _reach(freedom) if covariance.any() else np.nan
    reach, gap = known * np.sqrt(own), known * apart
    table = pd.DataFrame({"place": places, "score": sign * means}, index=list(scores.names))
    table["low"], table["high"] = sign * means - reach, sign * means + reach
    table["behind"] = means[best] - means
    table["behind_low"], table["behind_high"] = table["behind"] - gap, table["behind"] + gap
    names = [*table.index[order], *sorted(set(frame["imputer"]) - set(table.index))]
    return table.reindex(names).astype({"place": "Int64"}).rename_axis("imputer")


def shared_places(means: Floats, covariance: Floats, freedom: float = inf) -> NDArray[np.intp]:
    """Place of each of K methods by its mean (K,), higher is better; those that cannot be told apart share one.

    Parameters
    ----------
    covariance, freedom : of the means, shape (K, K), and its degrees of freedom.
    """
    noise = replicates(covariance, freedom)
    places = np.zeros(len(means), dtype=np.intp)
    while (left := np.flatnonzero(places == 0)).size:
        best = left[confidence_set(means[left], noise[:, left])]
        places[best] = 1 + len(means) - left.size
    return places


def confidence_set(means: Floats, noise: Floats) -> NDArray[np.bool_]:
    """Which of K methods the model confidence set holds, given their means (K,) and draws of their errors (B, K)."""
    alive = np.ones(len(means), dtype=bool)
    while alive.sum() > 1:
        relative, errors = (x[..., alive] - x[..., alive].mean(axis=-1, keepdims=True) for x in (means, noise))
        scale = errors.std(axis=0)
        if not (scale > 0).all():  # nothing varies
            break
        behind = -relative / scale
        if (np.max(errors / scale, axis=1) >= behind.max()).mean() >= LEVEL:
            break
        alive[np.flatnonzero(alive)[behind.argmax()]] = False
    return alive


def compare(scores: Scores, first: str, second: str) -> Comparison:
    """Set two methods side by side on the same masks and respondents."""
    pair = scores.take([first, second])
    found, count = variance(pair), len(pair.values)
    total, people, masks = (found.of_difference(part, 0, 1) for part in ("total", "people", "masks"))
    difference = float(np.subtract(*pair.values.mean(axis=0)))
    spare = (difference / TELLING) ** 2 - people
    reach = _reach(found.freedom_of_differences) * sqrt(total) if total > 0 else inf
    wanted = ceil(count * masks / spare) if spare > 0 and total > 0 else inf
    return Comparison(difference, difference - reach, difference + reach, count, wanted)


def resolution(scores: Scores, repeats: Sequence[float] = ()) -> float:
    """The smallest paired gap that this design tells from zero with a power of 80 %; NaN if nothing varies.

    ``(z_.975 + z_.80) × SE``, SE the larger of two: the median standard error of the difference of two methods that
    are neighbours in order, among the better half; and the root mean square difference between runs of one method
    under two seeds, which are equal in truth.

    Parameters
    ----------
    repeats : differences between runs of one method under two seeds, mean over masks.
    """
    found, order = variance(scores), np.argsort(-scores.values.mean(axis=0), kind="stable")
    better = order[: max(2, ceil(len(order) / 2))]
    gaps = [found.of_difference("total", int(a), int(b)) for a, b in pairwise(better)]
    if not gaps or not max(gaps) > 0:
        return np.nan
    seeds = sqrt(float(np.mean(np.square(repeats)))) if len(repeats) else 0.0
    return TELLING * max(sqrt(float(np.median(gaps))), seeds)


def _reach(freedom: float) -> float:
    """Standard errors on either side of a 95 % interval."""
    from scipy.stats import t as student

    return float(student.isf(0.025, freedom))
