"""Clusters of respondents: the units that are resampled when a score is asked how far it depends on this sample."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from datasets.table import Dataset

MOST_GROUPS = 100  # random groups: a variance from G of them has about G - 1 degrees of freedom
SEED = 2001


@dataclass(frozen=True, eq=False)
class Clusters:
    """C clusters, each resampled as a whole within its stratum.

    Parameters
    ----------
    of_row : cluster of each row, shape (n,), from 0.
    stratum : stratum of each cluster, shape (C,), from 0.
    unit : what a cluster is, in the plural.
    """

    of_row: NDArray[np.intp]
    stratum: NDArray[np.intp]
    unit: str = "respondents"

    def __len__(self) -> int:
        return len(self.stratum)

    def __str__(self) -> str:
        strata = len(np.unique(self.stratum))
        return f"{len(self)} {self.unit}" + (f" within {strata} strata" if strata > 1 else "")


def clusters(dataset: Dataset) -> Clusters:
    """Primary sampling units within strata where the file has them, else respondents or random groups of them.

    A stratum with a single unit is joined to its neighbour in the order of the strata, so that all are resampled
    (collapsed strata: Wolter 2007, Introduction to Variance Estimation, section 2.5). Without units, more than 100
    respondents form 100 random groups of nearly equal size, dealt out stratum by stratum where there are strata (Kott
    2001, Journal of Official Statistics 17, delete-a-group); groups are the same whenever they are formed.

    Examples
    --------
    >>> from datasets.schema import Column, Kind, Schema
    >>> answers = np.zeros((5, 1))
    >>> strata, psu = np.array([1, 1, 1, 2, 3]), np.array([1, 2, 2, 1, 1])
    >>> found = clusters(Dataset("five", Schema((Column("x", Kind.NUMERIC),)), answers, strata=strata, psu=psu))
    >>> found.of_row.tolist(), found.stratum.tolist()
    ([0, 1, 1, 2, 3], [0, 0, 1, 1])
    """
    strata = np.zeros(len(dataset.values)) if dataset.strata is None else dataset.strata
    if dataset.psu is not None:
        units, of_row = np.unique(np.column_stack([strata, dataset.psu]), axis=0, return_inverse=True)
        if len(units) > 1:
            return Clusters(of_row.reshape(-1), _collapsed(units[:, 0]), "primary sampling units")
    of_row = _groups(strata)
    unit = "respondents" if len(strata) <= MOST_GROUPS else "random groups of respondents"
    return Clusters(of_row, np.zeros(of_row.max(initial=-1) + 1, dtype=np.intp), unit)


def _collapsed(strata: Floats) -> NDArray[np.intp]:
    """Strata (C,), ascending, numbered from 0 with each that holds a single unit joined to a neighbour."""
    _, first, size = np.unique(strata, return_index=True, return_counts=True)
    number, inside, found = 0, 0, np.zeros(len(strata), dtype=np.intp)
    for start, count in zip(first, size, strict=True):
        if inside > 1:
            number, inside = number + 1, 0
        found[start : start + count] = number
        inside += count
    found[found == number] -= inside == 1 and number > 0  # the last one joins the one before it
    return found


def _groups(strata: Floats) -> NDArray[np.intp]:
    """Random groups (n,) of respondents, no more than `MOST_GROUPS`, that differ in size by one at most."""
    n = len(strata)
    if n <= MOST_GROUPS:
        return np.arange(n)
    shuffled = np.random.default_rng(SEED).permutation(n)
    dealt = np.empty(n, dtype=np.intp)
    dealt[shuffled[np.argsort(strata[shuffled], kind="stable")]] = np.arange(n) % MOST_GROUPS
    return dealt
