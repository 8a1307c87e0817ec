"""Nonignorable missingness that leaves means alone and bends spreads: both tails of an item, or its middle."""

import numpy as np
from numpy.typing import NDArray

from datasets.mechanisms import MECHANISMS, moves
from datasets.mechanisms.propensity import SEVERITY, conditional_sample, hide_counts, propensities
from datasets.mechanisms.severity import by_bias, in_numbers, spread_change
from datasets.schema import Column, Floats
from datasets.table import Dataset


@MECHANISMS.register("ni-tails")
@moves("spread")
def ni_tails(
    dataset: Dataset, rate: float, rng: np.random.Generator, auc: float = SEVERITY, bias: float | None = None
) -> NDArray[np.bool_]:
    """Nonignorable: extreme answers are hidden, on both ends of the scale.

    Little & Rubin (2019), Statistical Analysis with Missing Data, chapter 15; the very rich and the very poor who do
    not tell their income (Schenker et al. 2006, Journal of the American Statistical Association 101). Chances are
    logistic in `extremeness`. What remains varies too little. Exactly ``round(rate · observed)`` cells of each column
    are hidden. No logistic curve in the own value, as ``not-miwae`` takes it to be, is of this shape.

    Parameters
    ----------
    auc : severity: expected AUC of a column's missingness from the extremeness, in [0.5, 1).
    bias : severity, in place of the AUC: by what share the standard deviation of the complete cases is off.

    Raises
    ------
    InputError
        If the rate or the severity is out of range, or a column cannot reach the rate.
    """
    return _by_extremeness(dataset, rate, rng, auc, bias, 1)


@MECHANISMS.register("ni-middle")
@moves("spread")
def ni_middle(
    dataset: Dataset, rate: float, rng: np.random.Generator, auc: float = SEVERITY, bias: float | None = None
) -> NDArray[np.bool_]:
    """Nonignorable: answers in the middle of the scale are hidden.

    Those without a clear opinion say that they do not know (Krosnick et al. 2002, Public Opinion Quarterly 66). As
    ``ni-tails``, with the sign turned: what remains varies too much.

    Parameters
    ----------
    auc, bias : as in ``ni-tails``.

    Raises
    ------
    InputError
        As ``ni-tails``.
    """
    return _by_extremeness(dataset, rate, rng, auc, bias, -1)


def extremeness(codes: Floats, column: Column) -> Floats:
    """Distance of each observed answer's ridit from one half, shape (n,): 0 in the middle of all people, 1/2 at an end.

    Levels of an unordered item count in the order in which they are listed; of two levels the rarer is extreme.
    """
    from scipy.stats import rankdata

    return np.abs((rankdata(in_numbers(codes, column)) - 0.5) / len(codes) - 0.5)


def _by_extremeness(
    dataset: Dataset, rate: float, rng: np.random.Generator, auc: float, bias: float | None, sign: int
) -> NDArray[np.bool_]:
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    for j, count in hide_counts(dataset, rate).items():
        column, observed = dataset.schema.columns[j], np.flatnonzero(~np.isnan(dataset.values[:, j]))
        codes = dataset.values[observed, j]
        score = sign * extremeness(codes, column)
        if bias is None:
            chance = propensities(score, count, auc)
        else:
            chance = by_bias(score, in_numbers(codes, column), count, bias, spread_change)
        hidden[observed, j] = conditional_sample(chance, count, rng)
    return hidden
