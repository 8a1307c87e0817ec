"""Missing at random: answers that are always observed decide."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.propensity import SEVERITY, conditional_sample, hide_counts, propensities, scores
from datasets.schema import Kind, Role
from datasets.table import Dataset

# Coefficients of the standardised drivers; only their ratios matter, since the severity sets the slope.
# On GSS 2022: age 1 (older hide more), sex, race and region 0.5 each (in the order of their codes).
COEFFICIENTS = {Kind.NUMERIC: 1.0, Kind.ORDINAL: 1.0, Kind.NOMINAL: 0.5, Kind.TEXT: 0.5}


@MECHANISMS.register("mar")
def mar(dataset: Dataset, rate: float, rng: np.random.Generator, auc: float = SEVERITY) -> NDArray[np.bool_]:
    """Missing at random: logistic in the drivers, which are never hidden.

    Rubin (1976), Biometrika 63, section 6. A respondent's score is the sum of the standardised drivers
    (see `propensity.scores`) times `COEFFICIENTS`; the chance of a cell to be hidden is logistic in it,
    the same in every column. A driver that is naturally missing counts as its mean. Exactly
    ``round(rate · observed)`` cells of each column are hidden. Assumes drivers that are nearly always observed.

    Parameters
    ----------
    auc : severity: expected AUC of a column's missingness from the score, in [0.5, 1).

    Raises
    ------
    InputError
        If the rate or the severity is out of range, a column cannot reach the rate, or there is no driver
        that varies.
    """
    drivers = dataset.schema.having(Role.DRIVER)
    score = np.zeros(len(dataset.values))
    for j in drivers:
        column = dataset.schema.columns[j]
        score += COEFFICIENTS[column.kind] * scores(dataset.values[:, j], column)
    counts = hide_counts(dataset, rate)
    if not score.any():
        raise InputError(
            f"mechanism 'mar' finds {len(drivers)} drivers in {dataset.name!r} and none that varies; "
            'mark columns that are always observed with role = "driver" in the schema'
        )
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    for j, count in counts.items():
        observed = np.flatnonzero(~np.isnan(dataset.values[:, j]))
        chance = propensities(score[observed], count, auc)
        hidden[observed, j] = conditional_sample(chance, count, rng)
    return hidden
