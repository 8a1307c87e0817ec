"""Error over all hidden cells together, as papers on numeric tables report it."""

from math import inf

import numpy as np

from datasets.prediction import Prediction, expectation
from datasets.table import Masked
from metrics import METRICS
from metrics.hidden import SCALE, hidden_cells
from metrics.metric import TABLE, Reads, metric


@METRICS.register("pooled-mse")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="1 (column mean, under MCAR)")
def pooled_mse(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Mean squared error over all hidden numeric and ordinal cells, in SDs.

    ``mean_ij ((e_ij - t_ij) / s_j)²``, e the expectation, t the truth, s_j the SD (denominator n) of all answers
    of item j, hidden ones included (Mattei and Frellsen 2019, section 4.2). An item weighs as it has hidden cells.
    Left out without hidden cells of these kinds; constant items are left out.
    """
    expected = expectation(prediction, masked.values, masked.schema)
    errors = [
        (expected[cells.holes] - cells.truth) / cells.spread
        for cells in hidden_cells(masked, *SCALE)
        if cells.spread > 0
    ]
    return {TABLE: float(np.mean(np.concatenate(errors) ** 2))} if errors else {}


@METRICS.register("pooled-rmse")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="1 (column mean, under MCAR)")
def pooled_rmse(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Root of `pooled-mse`.

    Ipsen, Mattei and Frellsen 2021 (ICLR), section 4.1, report this one.
    """
    return {name: float(np.sqrt(value)) for name, value in pooled_mse.score(masked, prediction).items()}
