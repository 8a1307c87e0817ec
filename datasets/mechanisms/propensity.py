"""How many cells to hide in each column, and which: shared by all mechanisms, so that only propensities differ."""

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import UNORDERED, Column, Floats, Role
from datasets.table import Dataset

SEVERITY = 0.70  # AUC of missingness from what drives it, under every mechanism but mcar
SPARED = 100.0  # no cell's chance to stay observed falls below the average chance divided by this


def hide_counts(dataset: Dataset, rate: float, spared: Collection[int] = ()) -> dict[int, int]:
    """How many observed cells to hide in each column; drivers are left out, and what else is spared.

    Every mechanism hides exactly these, so that masks of different mechanisms differ in which cells are
    hidden and never in how many.

    Parameters
    ----------
    dataset : the table to hide cells in.
    rate : share of each column's observed cells to hide, in (0, 1).
    spared : positions of further columns in which nothing is hidden.

    Raises
    ------
    InputError
        If the rate is not in (0, 1), no column may be hidden, or a column has too few observed cells to
        hide one and leave one.
    """
    if not 0 < rate < 1:
        raise InputError(f"the missing rate is {rate}; it must lie between 0 and 1, both excluded; e.g. 0.3")
    observed = (~np.isnan(dataset.values)).sum(axis=0)
    counts = {}
    for j, column in enumerate(dataset.schema):
        if column.role is Role.DRIVER or j in spared:
            continue
        counts[j] = round(rate * int(observed[j]))
        if not 0 < counts[j] < observed[j]:
            raise InputError(
                f"column {column.name!r} of {dataset.name!r} cannot reach a missing rate of {rate}: it has "
                f"{observed[j]} observed cells, of which {counts[j]} would be hidden; one at least must be hidden "
                "and one stay; leave the column out or change the rate"
            )
    if not counts:
        raise InputError(
            f"dataset {dataset.name!r} has no column to hide: all are drivers; give some column another role"
        )
    return counts


def scores(codes: Floats, column: Column) -> Floats:
    """Standardised score of each answer of a column, shape (n,); 0, the mean, where missing.

    Ordinal and numeric answers score by their code. Nominal answers and texts have no order, so one is decreed:
    level k scores its ridit, the share of answers in the levels listed before it plus half its own
    (Bross 1958, Biometrics 14); this keeps rare levels from lying far out. Scores are standardised on the
    observed answers, and what lies beyond three standard deviations counts as three.
    """
    known = ~np.isnan(codes)
    raw = codes[known]
    if column.kind in UNORDERED:
        level = np.searchsorted(column.levels, raw)
        shares = np.bincount(level, minlength=len(column.levels)) / max(len(raw), 1)
        raw = (shares.cumsum() - shares / 2)[level]
    standard = np.zeros(len(codes))
    if len(raw) and np.ptp(raw) > 0:
        standard[known] = np.clip((raw - raw.mean()) / raw.std(), -3, 3)
    return standard


def propensities(score: Floats, count: int, auc: float = SEVERITY) -> Floats:
    """Chances to be hidden, logistic in a score, that sum to ``count`` and have the asked severity.

    The slope is the one at which the expected AUC (hidden against not hidden cells, ranked by score)
    equals ``auc``. Where no such slope leaves every cell a fair chance both ways, the steepest that does
    is taken: both a cell's chance to be hidden and its chance to stay observed are at least a hundredth of
    the average, so that a coarse item's rare answers neither vanish nor all
    remain. A score that does not vary gives equal chances.

    Parameters
    ----------
    score : shape (n,); larger means hidden more often.
    count : how many cells to hide, in 1 … n-1.
    auc : severity, in [0.5, 1).

    Raises
    ------
    InputError
        If the severity is not in [0.5, 1).
    """
    if not 0.5 <= auc < 1:
        raise InputError(f"the severity (AUC of missingness) is {auc}; it must be 0.5 or more and below 1; e.g. 0.7")
    if auc == 0.5:
        return np.full(len(score), count / len(score))
    return steepest(score, count, lambda chance, sizes: expected_auc(chance, sizes) - auc)


def steepest(score: Floats, count: int, excess: Callable[[Floats, NDArray[np.intp]], float]) -> Floats:
    """Chances to be hidden, logistic in a score with the steepest slope that is fair and in no excess.

    Parameters
    ----------
    score : shape (n,); larger means hidden more often. One that does not vary gives equal chances.
    count : how many cells to hide, in 1 … n-1; what the chances sum to.
    excess : positive where a slope is too steep, of the chances (k,) of the distinct scores in ascending order and how
        many cells have each. It must rise with the slope.

    Returns
    -------
    chance : shape (n,); no cell's chance to be hidden, and none to stay, is below a hundredth of the average.
    """
    from scipy.optimize import brentq  # scipy.optimize is slow to import, and listing mechanisms must not be

    values, member, sizes = np.unique(score, return_inverse=True, return_counts=True)
    average = count / len(score)
    if len(values) == 1:
        return np.full(len(score), average)

    def too_steep(slope: float) -> float:
        chance = _chances(values, sizes, count, slope)
        too_rare = average / SPARED - chance[0]
        too_sure = (1 - average) / SPARED - (1 - chance[-1])
        return max(excess(chance, sizes), too_rare, too_sure)

    steep = 1.0
    while too_steep(steep) < 0:
        steep *= 2
    return _chances(values, sizes, count, brentq(too_steep, 0.0, steep, xtol=1e-9))[member]


def shifted(chance: Floats, count: int) -> Floats:
    """Chances that sum to a count, their log odds all moved by the same step; shape (n,), as given."""
    values, member, sizes = np.unique(np.log(chance / (1 - chance)), return_inverse=True, return_counts=True)
    return _chances(values, sizes, count, 1.0)[member]


def _chances(values: Floats, sizes: NDArray[np.intp], count: int, slope: float) -> Floats:
    """Give each distinct score its chance; the intercept is solved so that they sum to the count over all cells."""
    from scipy.optimize import brentq
    from scipy.special import expit

    average = count / sizes.sum()
    middle = np.log(average / (1 - average))
    ends = middle - slope * values[-1] - 1e-6, middle - slope * values[0] + 1e-6
    intercept = brentq(lambda a: sizes @ expit(a + slope * values) - count, *ends, xtol=1e-12)
    return expit(intercept + slope * values)


def expected_auc(chance: Floats, sizes: NDArray[np.intp]) -> float:
    """Share of (hidden, not hidden) pairs that an ascending score ranks right, ties counting half.

    Parameters
    ----------
    chance : of each distinct score to be hidden, scores ascending, shape (k,).
    sizes : cells with each score, shape (k,).
    """
    hidden, stays = sizes * chance, sizes * (1 - chance)
    below = stays.cumsum() - stays / 2
    return float(hidden @ below / (hidden.sum() * stays.sum()))


def conditional_sample(chance: Floats, count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose exactly ``count`` of n cells by independent coins, thrown again until the count is right.

    Rejective sampling (Hájek 1964, Annals of Mathematical Statistics 35): the exact distribution of the
    logistic model given its number of successes. As the chances sum to the count, about
    sqrt(2π Σ chance (1 - chance)) throws are needed, 70 for 1,000 of 3,500.
    """
    while True:
        thrown = rng.random((16, len(chance))) < chance
        right = thrown.sum(axis=1) == count
        if right.any():
            return thrown[right.argmax()]
