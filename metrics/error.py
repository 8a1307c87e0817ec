"""Distance of the fills from the truth on ordinal and numeric scales, item by item and over all cells together."""

from math import inf

import numpy as np

from datasets.prediction import Prediction, expectation, point
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import SCALE, hidden_cells
from metrics.metric import TABLE, Reads, metric


@METRICS.register("rmse")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="the item's SD (column mean)")
def rmse(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Root mean squared error of the expected value, in points of the item's scale.

    ``sqrt(mean_i (e_i - t_i)²)`` over the hidden cells i of an ordinal or numeric column, e the prediction's
    expectation on the scale of the codes (its own, or the mean of its draws), t the truth. Expectation,
    not draw, because it is what minimises squared error; so this judges prediction, never spread
    (van Buuren 2018, Flexible Imputation of Missing Data, section 2.6). Assumes that steps of an ordinal
    scale are equal.
    """
    expected = expectation(prediction, masked.values, masked.schema)
    return {
        cells.name: float(np.sqrt(np.mean((expected[cells.holes] - cells.truth) ** 2)))
        for cells in hidden_cells(masked, *SCALE)
    }


@METRICS.register("nrmse")
@metric(
    reads=Reads.FILLS,
    better="lower",
    span=(0, inf),
    best=0.0,
    trivial="1 (column mean)",
)
def nrmse(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Root mean squared error of the expected value, in SDs of the item.

    ``sqrt(mean_i (e_i - t_i)²) / s``, s the standard deviation of all observed answers of the column,
    hidden ones included, so that it does not depend on the mask (Oba et al. 2003, Bioinformatics 19,
    divide by the SD of the hidden cells alone). A constant column is left out.
    """
    expected = expectation(prediction, masked.values, masked.schema)
    return {
        cells.name: float(np.sqrt(np.mean((expected[cells.holes] - cells.truth) ** 2)) / cells.spread)
        for cells in hidden_cells(masked, *SCALE)
        if cells.spread > 0
    }


@METRICS.register("mae")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="mean distance from the median")
def mae(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Mean absolute error of the point prediction, in points of the item's scale.

    ``mean_i |f_i - t_i|`` over the hidden cells of an ordinal or numeric column (Willmott and Matsuura
    2005, Climate Research 30), f the median of an ordinal item's distribution, the
    rounded mean of a numeric one. The column median gets the item's mean absolute deviation from it.
    """
    fills = point(prediction, masked.values, masked.schema)
    return {
        cells.name: float(np.mean(np.abs(fills[cells.holes] - cells.truth))) for cells in hidden_cells(masked, *SCALE)
    }


@METRICS.register("pooled-mse")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="1 (column mean, under MCAR)")
def pooled_mse(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Mean squared error over all hidden numeric and ordinal cells, in SDs.

    ``mean_ij ((e_ij - t_ij) / s_j)²``, e the expectation, t the truth, s_j the SD (denominator n) of all answers
    of item j, hidden ones included (Mattei and Frellsen 2019, section 4.2). An item weighs as it has hidden cells.
    Left out without hidden cells of these kinds; constant items are left out.
    """
    return _mean_square(masked, prediction)


@METRICS.register("pooled-rmse")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="1 (column mean, under MCAR)")
def pooled_rmse(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Root of `pooled-mse`.

    Ipsen, Mattei and Frellsen 2021 (ICLR), section 4.1, report this one.
    """
    return {name: float(np.sqrt(value)) for name, value in _mean_square(masked, prediction).items()}


def _mean_square(masked: Masked, prediction: Prediction) -> dict[str, float]:
    expected = expectation(prediction, masked.values, masked.schema)
    errors = [
        (expected[cells.holes] - cells.truth) / cells.spread
        for cells in hidden_cells(masked, *SCALE)
        if cells.spread > 0
    ]
    return {TABLE: float(np.mean(np.concatenate(errors) ** 2))} if errors else {}
