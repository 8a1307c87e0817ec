"""Nonignorable missingness: the hidden answer itself decides."""

import numpy as np
from numpy.typing import NDArray

from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.propensity import SEVERITY, conditional_sample, hide_counts, propensities, scores
from datasets.table import Dataset


@MECHANISMS.register("ni")
def ni(dataset: Dataset, rate: float, rng: np.random.Generator, auc: float = SEVERITY) -> NDArray[np.bool_]:
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

    Raises
    ------
    InputError
        If the rate or the severity is out of range, or a column cannot reach the rate.
    """
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    for j, count in hide_counts(dataset, rate).items():
        codes = dataset.values[:, j]
        observed = np.flatnonzero(~np.isnan(codes))
        score = scores(codes[observed], dataset.schema.columns[j])
        hidden[observed, j] = conditional_sample(propensities(score, count, auc), count, rng)
    return hidden
