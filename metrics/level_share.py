"""Shares of each answer among the fills and among what was hidden, for figures of an item's distribution."""

import numpy as np

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import CATEGORICAL, hidden_cells
from metrics.metric import Reads, metric

BINS = 10  # of a numeric item


@METRICS.register("level-share")
@metric(reads=Reads.FILLS, better="level-share-true", span=(0, 1), best=1.0, trivial="the observed share")
def level_share(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of each answer of an item among its fills.

    Over the hidden cells of an ordinal, nominal or numeric item and all draws, named ``"health: good"``. Answers to a
    numeric item stand in up to 10 bins between the deciles of its answers in the truth, so that bins are the same
    for all masks, named by the smallest and largest of these in each, as ``"educ: 12"`` or ``"age: 25 to 31"``.
    """
    if prediction.draws is None:
        raise InputError("this method fills no holes, so its fills have no shares")
    return _shares(masked, prediction.draws)


@METRICS.register("level-share-true")
@metric(reads=Reads.FILLS, better="level-share-true", span=(0, 1), best=1.0, trivial="the observed share")
def level_share_true(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of each answer of an item among its hidden cells.

    As `level-share`, of what was hidden.
    """
    if prediction.draws is None:
        raise InputError("this method fills no holes, so there is nothing that its shares stand beside")
    holes = np.isnan(masked.values)
    return _shares(masked, masked.truth.values[holes][None])


def _shares(masked: Masked, fills: Floats) -> dict[str, float]:
    """Shares by item and answer of fills (m, holes) of the hidden cells."""
    found: dict[str, float] = {}
    for cells in hidden_cells(masked, *CATEGORICAL, Kind.NUMERIC):
        known = masked.truth.values[:, cells.position]
        names, upper = _answers(cells.column, known[~np.isnan(known)])
        places = np.searchsorted(upper, fills[:, cells.holes].ravel())
        shares = np.bincount(places, minlength=len(upper)) / len(places)
        found |= {f"{cells.name}: {name}": float(share) for name, share in zip(names, shares, strict=True)}
    return found


def _answers(column: Column, known: Floats) -> tuple[list[str], Floats]:
    """Names of an item's answers or bins in order, and the largest value (bins,) of each."""
    if column.kind is not Kind.NUMERIC:
        return list(column.labels.values()), column.levels
    upper = np.unique(np.quantile(known, np.arange(1, BINS + 1) / BINS, method="inverted_cdf"))
    lower = [known.min(), *(known[known > value].min() for value in upper[:-1])]
    ends = [(column.text(low), column.text(high)) for low, high in zip(lower, upper, strict=True)]
    return [low if low == high else f"{low} to {high}" for low, high in ends], np.append(upper[:-1], np.inf)
