"""Break-off: people stop answering, and all that follows is missing."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.mar import common_score
from datasets.mechanisms.propensity import hide_counts
from datasets.schema import Floats, Role
from datasets.table import Dataset


@MECHANISMS.register("breakoff")
def breakoff(dataset: Dataset, rate: float, rng: np.random.Generator, slope: float = 0.5) -> NDArray[np.bool_]:
    """Break-off: people stop answering at some item, and all that follows is hidden.

    Peytchev (2009), Survey breakoff, Public Opinion Quarterly 73: a discrete-time hazard of stopping at each item, in
    the order of the table, logistic in the drivers. Drivers are taken as known of everybody. Monotone, and missing
    at random (Rubin 1976); later items lose more than earlier ones.

    Parameters
    ----------
    rate : expected share of the cells of all columns that are no drivers.
    slope : of the log odds of stopping, for one standard deviation of the drivers' score that ``mar`` uses by AUC; 0 is
        completely at random, as without drivers.

    Raises
    ------
    InputError
        If the rate is not in (0, 1), or nobody reaches some item.
    """
    from scipy.special import expit

    items = list(hide_counts(dataset, rate))
    score = common_score(dataset, dataset.schema.having(Role.DRIVER).tolist())
    moved = slope * (score - score.mean()) / (score.std() or 1)
    hazard = expit(_intercept(moved, len(items), rate) + moved)
    reached = rng.geometric(hazard) - 1  # items answered before the person stops
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    hidden[:, items] = np.arange(len(items)) >= reached[:, None]
    hidden &= ~np.isnan(dataset.values)
    lost = [dataset.schema.names[j] for j in items if (hidden[:, j] == ~np.isnan(dataset.values[:, j])).all()]
    if lost:
        raise InputError(f"breakoff at a rate of {rate:g}: nobody of {dataset.name!r} answers {lost}; lower the rate")
    return hidden


def _intercept(moved: Floats, n_items: int, rate: float) -> float:
    """Log odds of stopping at an item under which the expected share of cells after the stop is the rate."""
    from scipy.optimize import brentq
    from scipy.special import expit

    def excess(a: float) -> float:
        going_on = 1 - expit(a + moved)
        answered = (going_on[:, None] ** np.arange(1, n_items + 1)).mean()
        return float(1 - answered) - rate

    far = np.abs(moved).max() + 40
    return float(brentq(excess, -far, far))
