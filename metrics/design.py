"""Design-based variances: Taylor linearisation over strata and primary sampling units.

Own, as the libraries that do this (svy, samplics) bring polars along, take milliseconds a call where a simulation makes
millions, and have neither proportional odds nor the influence that differences of domains need.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datasets.clusters import clusters
from datasets.errors import InputError
from datasets.schema import Floats
from datasets.table import Dataset

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Design:
    """How n respondents were sampled.

    Parameters
    ----------
    weights : shape (n,), positive.
    unit : primary sampling unit of each respondent, shape (n,), from 0.
    stratum : stratum of each of the C units, shape (C,), from 0.
    """

    weights: Floats
    unit: NDArray[np.intp]
    stratum: NDArray[np.intp]

    @classmethod
    def of(cls, dataset: Dataset) -> "Design":
        """Design of a dataset: its weights, else equal ones; its units within strata, else each respondent is one.

        A stratum with a single unit is joined to its neighbour, see `datasets.clusters`.

        Raises
        ------
        InputError
            If a weight is not positive.
        """
        n = len(dataset.values)
        weights = np.ones(n) if dataset.weights is None else dataset.weights
        if not (weights > 0).all():
            raise InputError(f"dataset {dataset.name!r} has weights that are not positive; leave those rows out")
        if dataset.psu is not None:
            found = clusters(dataset)
            return cls(weights, found.of_row, found.stratum)
        strata = np.zeros(n) if dataset.strata is None else dataset.strata
        return cls(weights, np.arange(n), np.unique(strata, return_inverse=True)[1])

    @property
    def freedom(self) -> int:
        """Degrees of freedom: units minus strata (Korn & Graubard 1999, Analysis of Health Surveys, section 5.2)."""
        return len(self.stratum) - int(self.stratum.max()) - 1

    def variances(self, influence: Floats) -> Floats:
        """Variance (k,) of k estimates from the influence (n, k) of each respondent, its weight included.

        ``Σ_h C_h/(C_h - 1) Σ_c (z_hc - z̄_h)²`` with z_hc the sum of the influences in unit c of the C_h units of
        stratum h: units are taken as drawn with replacement (Binder 1983, International Statistical Review 51; Wolter
        2007, Introduction to Variance Estimation, section 6.3). Rows that an estimate does not use have influence zero
        and stay in the design: estimates of domains and of answered rows are those of the whole sample.
        """
        totals = self._by_unit @ influence
        centred = totals - (self._by_stratum @ totals / self._size[:, None])[self.stratum]
        return (self._size / (self._size - 1))[self.stratum] @ centred**2

    @cached_property
    def _by_unit(self) -> "csr_array":
        return _indicator(self.unit, len(self.stratum))

    @cached_property
    def _by_stratum(self) -> "csr_array":
        return _indicator(self.stratum, len(self._size))

    @cached_property
    def _size(self) -> Floats:
        """Units of each stratum, shape (H,)."""
        return np.bincount(self.stratum).astype(float)


def _indicator(group: NDArray[np.intp], groups: int) -> "csr_array":
    """Zeros and ones (groups, n) whose product with a table of n rows sums them by their group (n,)."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(groups, len(group)))
