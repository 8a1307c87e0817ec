"""Energy distance: whether completed respondents, whole rows, are distributed as the true ones."""

from itertools import islice
from math import inf

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Schema
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.metric import TABLE, Reads, metric

ROWS = 2000  # more rows change little and cost their square
DRAWS = 5  # more draws change little and cost as much each
Points = NDArray[np.float32]


@METRICS.register("energy-distance")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="0.08 at 30 % hidden (mean, mode)")
def energy_distance(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Energy distance between whole completed rows and whole true rows.

    ``2 E|X-Y| - E|X-X'| - E|Y-Y'|`` with X true and Y completed rows, means over all ordered pairs of rows
    (Székely and Rizzo 2013, Journal of Statistical Planning and Inference 143), averaged over the first five draws.
    Zero for the truth itself only; even a draw from the true conditional distribution gets about
    ``2 E|X_i-Y_i| / n``, i a row and its own completion. Rows are those of the design, centred at the truth's
    means and scaled so that every item, whatever its number of levels, has variance one in all: items weigh
    alike; a table of text alone has no such rows and is left out. Cells that the truth does not know hold the
    mean, zero, on both sides. Longer tables are thinned
    to every second, third, … row until no more than 2,000 rows are left, the same for truth and draws.
    """
    if not masked.schema.blocks[-1].stop:
        return {}
    rows = np.arange(0, len(masked.values), -(-len(masked.values) // ROWS))
    truth = masked.truth.values
    centre, scale = centre_and_scale(masked.schema, truth)

    def points(table: Floats) -> Points:
        D = (masked.schema.design(table[rows]) - centre) / scale
        return np.nan_to_num(D).astype(np.float32)

    X = points(truth)
    within = _mean_distance(X, X)
    found = [
        2 * _mean_distance(X, Y) - within - _mean_distance(Y, Y)
        for Y in (points(table) for table in islice(completed_tables(masked, prediction), DRAWS))
    ]
    return {TABLE: max(0.0, float(np.mean(found)))}  # rounding may leave -1e-8


def centre_and_scale(schema: Schema, X: Floats) -> tuple[Floats, Floats]:
    """Means of the design (q,), and for each of its columns the total SD of the item it belongs to (q,)."""
    D = schema.design(X)
    centre, variance = np.nanmean(D, axis=0), np.nanvar(D, axis=0)
    scale = np.concatenate([np.full(b.stop - b.start, np.sqrt(variance[b].sum())) for b in schema.blocks])
    return centre, np.where(scale > 0, scale, 1.0)


def _mean_distance(A: Points, B: Points) -> float:
    """Mean Euclidean distance between the rows of A (n, q) and of B (n, q)."""
    left = np.column_stack([A, (A**2).sum(axis=1), np.ones(len(A), np.float32)])
    right = np.column_stack([-2 * B, np.ones(len(B), np.float32), (B**2).sum(axis=1)])
    squares = left @ right.T  # |a|² - 2ab + |b|² in one product
    return float(np.sqrt(np.maximum(squares, 0, out=squares), out=squares).mean(dtype=np.float64))
