"""Missing at random: answers that are always observed decide."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.designs import driver_positions
from datasets.mechanisms.propensity import SEVERITY, conditional_sample, hide_counts, propensities, scores
from datasets.mechanisms.severity import by_bias, expected_answers, in_numbers, reach
from datasets.schema import Floats, Kind
from datasets.table import Dataset

# Coefficients of the standardised drivers; only their ratios matter, since the severity sets the slope.
# On GSS 2022: age 1 (older hide more), sex, race and region 0.5 each (in the order of their codes).
COEFFICIENTS = {Kind.NUMERIC: 1.0, Kind.ORDINAL: 1.0, Kind.NOMINAL: 0.5, Kind.TEXT: 0.5}


@MECHANISMS.register("mar")
def mar(
    dataset: Dataset,
    rate: float,
    rng: np.random.Generator,
    auc: float = SEVERITY,
    bias: float | None = None,
    drivers: str = "",
) -> NDArray[np.bool_]:
    """Missing at random: logistic in the drivers, which are never hidden.

    Rubin (1976), Biometrika 63, section 6. By AUC, a respondent's score is the sum of the standardised drivers
    (see `propensity.scores`) times `COEFFICIENTS`; the chance of a cell to be hidden is logistic in it,
    the same in every column. By bias, each item has a score of its own, what the drivers tell of it by least squares,
    so that it matters who is silent. A driver that is naturally missing counts as its mean. Exactly
    ``round(rate · observed)`` cells of each column are hidden. Assumes drivers that are nearly always observed.

    Parameters
    ----------
    auc : severity: expected AUC of a column's missingness from the score, in [0.5, 1).
    bias : severity, in place of the AUC: how far the mean of an item's complete cases lies below that of all, in
        expectation and standard deviations (of ridit scores if nominal). An item of which the drivers tell too little
        gets the most that both ``mar`` and ``ni`` can bring about, so that the two are equal item by item; the mask
        card names it.
    drivers : further items that drive and are never hidden, parted by commas, e.g. ``"educ, degree"``.

    Raises
    ------
    InputError
        If the rate or the severity is out of range, a column cannot reach the rate, or there is no driver
        that varies.
    """
    positions = driver_positions(dataset.schema, drivers)
    counts = hide_counts(dataset, rate, positions)
    common = common_score(dataset, positions)
    if not common.any():
        raise InputError(
            f"mechanism 'mar' finds {len(positions)} drivers in {dataset.name!r} and none that varies; "
            'mark columns that are always observed with role = "driver" in the schema'
        )
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    for j, count in counts.items():
        observed = np.flatnonzero(~np.isnan(dataset.values[:, j]))
        if bias is None:
            chance = propensities(common[observed], count, auc)
        else:
            chance = _by_bias(dataset, j, count, positions, bias)
        hidden[observed, j] = conditional_sample(chance, count, rng)
    return hidden


def common_score(dataset: Dataset, drivers: list[int]) -> Floats:
    """Sum of the standardised drivers times their coefficients, shape (n,)."""
    score = np.zeros(len(dataset.values))
    for j in drivers:
        column = dataset.schema.columns[j]
        score += COEFFICIENTS[column.kind] * scores(dataset.values[:, j], column)
    return score


def _by_bias(dataset: Dataset, j: int, count: int, drivers: list[int], bias: float) -> Floats:
    """Chances of the observed cells of item j."""
    codes = dataset.values[~np.isnan(dataset.values[:, j]), j]
    own, x = (told(codes, dataset.schema.columns[j]) for told in (scores, in_numbers))
    return by_bias(expected_answers(dataset, j, drivers), x, count, min(bias, reach(own, x, count)))
