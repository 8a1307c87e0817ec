"""Proper scores: how well a method's own probabilities foresee the hidden answers."""

from collections.abc import Iterator
from math import inf

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import CATEGORICAL, hidden_cells
from metrics.metric import BoardName, Headline, Reads, metric


def _forecasts(masked: Masked, prediction: Prediction, *kinds: Kind) -> Iterator[tuple[str, Floats, NDArray[np.bool_]]]:
    """Name, probabilities (h, K) and true level as dummies (h, K) of the columns with probabilities of their own."""
    for cells in hidden_cells(masked, *kinds):
        if cells.position in prediction.probabilities:
            yield (
                cells.name,
                prediction.probabilities[cells.position][cells.own],
                cells.truth[:, None] == cells.column.levels,
            )


@METRICS.register("log-score")
@metric(
    reads=Reads.PROBABILITIES,
    better="lower",
    span=(0, inf),
    best=0.0,
    trivial="the entropy of the item's shares",
    headline=Headline("log score", place=5, board=BoardName.VALUES, kinds=CATEGORICAL),
)
def log_score(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Mean surprise at the true answer, in nats.

    ``mean_i -log p_i(t_i)`` over the hidden cells of a nominal or ordinal column, p the method's own
    probabilities (Good 1952, JRSS B 14). Probabilities below 1/(10 n) count as that, n the rows of the
    table: a table of n rows cannot show rarer events, and one impossible answer that was given after all
    would otherwise cost as much as all others together. The observed shares get their entropy.
    """
    least = 1 / (10 * len(masked.values))
    return {
        name: float(-np.mean(np.log(np.maximum(shares[true], least))))
        for name, shares, true in _forecasts(masked, prediction, *CATEGORICAL)
    }


@METRICS.register("brier")
@metric(reads=Reads.PROBABILITIES, better="lower", span=(0, 2), best=0.0, trivial="1 - Σ s², s the item's shares")
def brier(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Brier score: squared error of the probabilities, summed over levels.

    ``mean_i Σ_k (p_ik - 1{t_i = k})²`` over the hidden cells of a nominal or ordinal column (Brier 1950,
    Monthly Weather Review 78; his original, which runs from 0 to 2).
    """
    return {
        name: float(np.mean(np.sum((shares - true) ** 2, axis=1)))
        for name, shares, true in _forecasts(masked, prediction, *CATEGORICAL)
    }


@METRICS.register("rps")
@metric(reads=Reads.PROBABILITIES, better="lower", span=(0, 1), best=0.0, trivial="mean_k S_k(1 - S_k), S cumulated")
def ranked_probability_score(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Ranked probability score: near misses on an ordinal scale cost less.

    ``mean_i Σ_{k<K} (P_ik - 1{t_i ≤ k})² / (K-1)`` over the hidden cells of an ordinal column of K levels,
    P the probabilities cumulated (Epstein 1969, Journal of Applied Meteorology 8). The item's shares get
    ``mean_k S_k (1 - S_k)``, S the shares cumulated. A column of one level is left out.
    """
    return {
        name: float(np.mean((shares.cumsum(axis=1) - true.cumsum(axis=1))[:, :-1] ** 2))
        for name, shares, true in _forecasts(masked, prediction, Kind.ORDINAL)
        if true.shape[1] > 1
    }
