"""Nonignorable missingness: the hidden answer itself decides."""

import numpy as np
from numpy.typing import NDArray

from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.designs import driver_positions
from datasets.mechanisms.propensity import SEVERITY, conditional_sample, hide_counts, propensities, scores
from datasets.mechanisms.severity import by_bias, expected_answers, in_numbers, reach
from datasets.schema import Floats
from datasets.table import Dataset


@MECHANISMS.register("ni")
def ni(
    dataset: Dataset,
    rate: float,
    rng: np.random.Generator,
    auc: float = SEVERITY,
    bias: float | None = None,
    drivers: str = "",
) -> NDArray[np.bool_]:
    """Nonignorable: logistic in the cell's own value, which nobody sees afterwards.

    Self-masking: Little & Rubin (2019), Statistical Analysis with Missing Data, chapter 15; Ipsen, Mattei &
    Frellsen (2021), ICLR, self-masking. Higher codes of ordinal and numeric items are hidden more often, and
    levels of a nominal item the later they are listed (see `propensity.scores`). Exactly
    ``round(rate · observed)`` cells of each column are hidden. Columns do not influence one another.

    Parameters
    ----------
    auc : severity: expected AUC of a column's missingness from its own value, in [0.5, 1). An item too
        coarse or too lopsided to reach it gets the steepest slope that is fair (see
        `propensity.propensities`); the mask card names it.
    bias, drivers : severity, in place of the AUC, and further drivers, as in ``mar``: at the same setting the
        complete cases of each item are as far off under both. Without drivers, the bias alone counts.

    Raises
    ------
    InputError
        If the rate or the severity is out of range, or a column cannot reach the rate.
    """
    return _by_own_value(dataset, rate, rng, auc, bias, drivers, 1)


@MECHANISMS.register("ni-low")
def ni_low(
    dataset: Dataset,
    rate: float,
    rng: np.random.Generator,
    auc: float = SEVERITY,
    bias: float | None = None,
    drivers: str = "",
) -> NDArray[np.bool_]:
    """Nonignorable: as ni, but the lower an answer is, the more often it is hidden.

    Levels of a nominal item are hidden the more often the earlier they are listed. Little & Rubin (2019), chapter 15.

    Parameters
    ----------
    auc, bias, drivers : as in ``ni``.

    Raises
    ------
    InputError
        As ``ni``.
    """
    return _by_own_value(dataset, rate, rng, auc, bias, drivers, -1)


def _by_own_value(
    dataset: Dataset,
    rate: float,
    rng: np.random.Generator,
    auc: float,
    bias: float | None,
    drivers: str,
    sign: int,
) -> NDArray[np.bool_]:
    """Hide by the own value, high ones if the sign is 1 and low ones if it is -1."""
    positions = driver_positions(dataset.schema, drivers)
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    for j, count in hide_counts(dataset, rate, positions).items():
        codes = dataset.values[:, j]
        observed = np.flatnonzero(~np.isnan(codes))
        score = sign * scores(codes[observed], dataset.schema.columns[j])
        if bias is None:
            chance = propensities(score, count, auc)
        else:
            chance = _by_bias(dataset, j, score, count, positions, bias)
        hidden[observed, j] = conditional_sample(chance, count, rng)
    return hidden


def _by_bias(dataset: Dataset, j: int, score: Floats, count: int, drivers: list[int], bias: float) -> Floats:
    """Chances of the observed cells of item j."""
    codes = dataset.values[~np.isnan(dataset.values[:, j]), j]
    x, told = in_numbers(codes, dataset.schema.columns[j]), expected_answers(dataset, j, drivers)
    return by_bias(score, x, count, min(bias, reach(told, x, count)))
