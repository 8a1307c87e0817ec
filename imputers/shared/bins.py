"""Bins: columns cut at quantiles of what was observed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datasets.schema import UNORDERED, Floats, Schema

Positions = NDArray[np.intp]


def quantile_edges(observed: Floats, n_bins: int, method: Literal["lower", "inverted_cdf"] = "lower") -> Floats:
    """Ascending observed values that cut a column into at most ``n_bins`` bins of about equally many values.

    A value at an edge belongs below it, as with ``np.searchsorted(edges, values)``. Equal edges count once, and nothing
    is cut off above the largest value, so that every bin holds some.

    Parameters
    ----------
    observed : values without NaN, shape (n,).
    method : how NumPy reads a quantile off the values: value number ⌊(n - 1) q⌋ or ⌈n q⌉ - 1, counted from 0.

    Examples
    --------
    >>> quantile_edges(np.array([1.0, 2, 2, 2, 3, 9]), 3)
    array([2.])
    """
    edges = np.unique(np.quantile(observed, np.arange(1, n_bins) / n_bins, method=method))
    return edges[edges < observed.max()]


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of a numeric column.

    Parameters
    ----------
    edges : B - 1 ascending values; a bin holds what lies above its lower edge, up to its upper one.
    donors : observed values of each bin, ascending.
    means : their means, shape (B,).
    """

    edges: Floats
    donors: tuple[Floats, ...]
    means: Floats

    def of(self, values: Floats) -> Positions:
        """Bin of each value."""
        return np.searchsorted(self.edges, values)


def quantile_bins(observed: Floats, n_bins: int) -> Bins:
    """Bins of about equally many observed values (n,), without NaN."""
    ordered = np.sort(observed)
    edges = quantile_edges(ordered, n_bins, "inverted_cdf")
    donors = tuple(np.split(ordered, np.searchsorted(ordered, edges, side="right")))
    return Bins(edges, donors, np.array([values.mean() for values in donors]))


def table_edges(X: Floats, schema: Schema, n_bins: int) -> list[Floats]:
    """Edges of each column of X (n, p): between all levels if nominal or text, at quantiles otherwise."""
    return [
        (column.levels[1:] + column.levels[:-1]) / 2
        if column.kind in UNORDERED
        else quantile_edges(x[~np.isnan(x)], n_bins)
        for column, x in zip(schema, X.T, strict=True)
    ]


def bins_of_rows(n_bins: int, n_rows: int, min_samples: int) -> int:
    """How many bins a table of so few rows bears: classes of ``min_samples`` rows must be left, holes allowed for.

    Examples
    --------
    >>> [bins_of_rows(8, n, 5) for n in (10, 30, 100)]
    [2, 3, 8]
    """
    return min(n_bins, max(2, n_rows // (2 * min_samples)))


def into_bins(X: Floats, edges: Sequence[Floats]) -> Positions:
    """Bin 1, 2, … of each value, shape (n, p); 0 where missing."""
    binned = np.empty(X.shape, dtype=np.intp)
    for j, own in enumerate(edges):
        binned[:, j] = np.where(np.isnan(X[:, j]), 0, 1 + np.searchsorted(own, X[:, j]))
    return binned
