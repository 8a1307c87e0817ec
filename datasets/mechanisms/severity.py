"""Severity by what a mask does to estimates: how far the complete cases of an item are off."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms.designs import driver_design
from datasets.mechanisms.propensity import expected_auc, propensities, scores, steepest
from datasets.schema import UNORDERED, Column, Floats
from datasets.table import Dataset

MOST_AUC = 0.85  # of missingness from what drives it: beyond, hidden and remaining answers hardly overlap

Harm = Callable[[Floats, Floats], float]


def mean_shift(x: Floats, stay: Floats) -> float:
    """Expected mean of the complete cases less the mean of all, in standard deviations of all.

    Parameters
    ----------
    x : answers in numbers, shape (n,); they vary.
    stay : chance of each to stay observed, shape (n,).
    """
    return float(stay @ (x - x.mean()) / stay.sum() / x.std())


def spread_change(x: Floats, stay: Floats) -> float:
    """Expected standard deviation of the complete cases over that of all, less one; parameters as in `mean_shift`."""
    mean = stay @ x / stay.sum()
    return float(np.sqrt(stay @ (x - mean) ** 2 / stay.sum()) / x.std() - 1)


def in_numbers(codes: Floats, column: Column) -> Floats:
    """Observed answers (n,) as numbers whose mean is looked at: codes, or ridit scores where there is no order."""
    return scores(codes, column) if column.kind in UNORDERED else codes


def by_bias(score: Floats, x: Floats, count: int, bias: float, harm: Harm = mean_shift) -> Floats:
    """Chances to be hidden, logistic in a score, under which the complete cases are off by so much.

    Where no slope is steep enough, the steepest is taken that is fair (see `propensity.steepest`) and has an AUC of
    `MOST_AUC` at most.

    Parameters
    ----------
    score : shape (n,); larger means hidden more often.
    x : answers in numbers, shape (n,).
    count : how many cells to hide.
    bias : expected harm, without its sign.
    harm : what the mask does to an estimate: `mean_shift` or `spread_change`.

    Returns
    -------
    chance : shape (n,), sums to the count.

    Raises
    ------
    InputError
        If the bias is not above 0.
    """
    if not 0 < bias < np.inf:
        raise InputError(f"the severity (bias of complete cases) is {bias}; it must be above 0; e.g. bias=0.1")
    if np.ptp(x) == 0:
        return np.full(len(x), count / len(x))
    member = np.unique(score, return_inverse=True)[1]

    def excess(chance: Floats, sizes: NDArray[np.intp]) -> float:
        return max(abs(harm(x, 1 - chance[member])) - bias, expected_auc(chance, sizes) - MOST_AUC)

    return steepest(score, count, excess)


def reach(score: Floats, x: Floats, count: int) -> float:
    """Largest bias of the mean, without its sign, that a score can bring about; infinite if it does not vary.

    Parameters as in `by_bias`.
    """
    if np.ptp(score) == 0 or np.ptp(x) == 0:
        return np.inf
    return abs(mean_shift(x, 1 - propensities(score, count, MOST_AUC)))


def expected_answers(dataset: Dataset, j: int, drivers: Sequence[int]) -> Floats:
    """What the drivers tell of the observed answers of item j, by least squares, standardised, shape (observed,).

    Zeros if no driver varies. A function of the drivers alone, so that missingness by it is at random (Rubin 1976).
    """
    known = ~np.isnan(dataset.values[:, j])
    D = driver_design(dataset, drivers)[known]
    x = in_numbers(dataset.values[known, j], dataset.schema.columns[j])
    told = D @ np.linalg.lstsq(D, x, rcond=None)[0] - x.mean()
    return np.round(told / (x.std() or 1), 9)  # rows with the same drivers have the same score, whatever the rounding
