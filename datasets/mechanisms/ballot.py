"""Planned missing: each form of a questionnaire leaves out a block of items."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.propensity import hide_counts
from datasets.table import Dataset


@MECHANISMS.register("ballot")
def ballot(dataset: Dataset, rate: float, rng: np.random.Generator, blocks: int = 3) -> NDArray[np.bool_]:
    """Planned missing: each respondent's form leaves out a block of items, all of it.

    Split questionnaires (Raghunathan & Grizzle 1995, Journal of the American Statistical Association 90) and planned
    missing data (Graham, Taylor, Olchowski & Cumsille 2006, Psychological Methods 11). Items are put into blocks of
    equal size at random; block b is not put to the share ``rate`` of the respondents that begins at b / blocks of a
    random order of them. At a rate of 1 / blocks everybody has one form, without one block; above it, forms leave out
    several, and two blocks may never meet. Missing completely at random.

    Parameters
    ----------
    rate : share of respondents that a block is not put to; of the observed cells of an item about that share is hidden.
    blocks : their number, 2 or more.

    Raises
    ------
    InputError
        If the rate is not in (0, 1), a column cannot reach it, or there are not so many items.
    """
    items = list(hide_counts(dataset, rate))
    if not 2 <= blocks <= len(items):
        raise InputError(f"ballot(blocks={blocks}): {dataset.name!r} has {len(items)} items; give 2 to {len(items)}")
    n = len(dataset.values)
    order, hidden = rng.permutation(n), np.zeros(dataset.values.shape, dtype=bool)
    for block, members in enumerate(np.array_split(rng.permutation(items), blocks)):
        left_out = np.roll(order, -(block * n // blocks))[: round(rate * n)]
        hidden[np.ix_(left_out, members)] = True
    return hidden & ~np.isnan(dataset.values)
