"""Best single answers, read off the draws alone so that all methods are judged alike."""

from math import inf

import numpy as np

from datasets.errors import InputError
from datasets.prediction import Prediction, point
from datasets.schema import LABELLED, Floats, Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import SCALE, hidden_cells
from metrics.metric import BoardName, Headline, Reads, metric
from metrics.skill import squared_error


@METRICS.register("draw-rmse")
@metric(
    reads=Reads.FILLS,
    better="lower",
    span=(0, inf),
    best=0.0,
    trivial="the item's SD (column mean)",
)
def draw_rmse(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Root mean squared error of the expected value, unbiased in the draws.

    ``√ mean_i ((x̄_i - t_i)² - s_i²/m)`` over the hidden cells of an ordinal or numeric item, in points of its scale,
    x̄ and s² the mean and the variance (denominator m - 1) of the m draws of a cell: what infinitely many draws would
    get, but for the root. 0 where the mean is negative, as chance may have it for a method that is nearly always
    right. A single draw is not scored.
    """
    draws = _draws(prediction)
    if len(draws) < 2:
        return {}
    return {
        cells.name: float(np.sqrt(max(squared_error(draws[:, cells.holes], cells.truth).mean(), 0.0)))
        for cells in hidden_cells(masked, *SCALE)
    }


@METRICS.register("draw-accuracy")
@metric(
    reads=Reads.FILLS,
    better="higher",
    span=(0, 1),
    best=1.0,
    trivial="the share of the mode",
    headline=Headline("accuracy", place=3, board=BoardName.VALUES, kinds=LABELLED),
)
def draw_accuracy(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of the hidden cells whose true answer is the commonest or middle draw.

    The mode of the draws of a nominal item or a text, the median of those of an ordinal one; ties go to the first.
    Few draws find the mode less surely than many.
    """
    fills = point(Prediction(_draws(prediction)), masked.values, masked.schema)
    return {cells.name: float(np.mean(fills[cells.holes] == cells.truth)) for cells in hidden_cells(masked, *LABELLED)}


@METRICS.register("draw-kappa")
@metric(
    reads=Reads.FILLS,
    better="higher",
    span=(-1, 1),
    best=1.0,
    trivial="0 (one level for all, or chance)",
    headline=Headline("weighted kappa", place=4, board=BoardName.VALUES, kinds=(Kind.ORDINAL,)),
)
def draw_kappa(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Quadratic-weighted kappa of the median draw: agreement on a scale beyond chance.

    ``1 - Σ (k-l)² O_kl / Σ (k-l)² E_kl`` with O the table of true levels against the medians of the draws, E the
    product of its margins (Cohen 1968, Psychological Bulletin 70). Left out where all hidden cells of an item hold the
    same truth.
    """
    from sklearn.metrics import cohen_kappa_score

    fills = point(Prediction(_draws(prediction)), masked.values, masked.schema)
    return {
        cells.name: float(
            cohen_kappa_score(cells.truth, fills[cells.holes], labels=cells.column.levels, weights="quadratic")
        )
        for cells in hidden_cells(masked, Kind.ORDINAL)
        if np.ptp(cells.truth) > 0
    }


def _draws(prediction: Prediction) -> Floats:
    if prediction.draws is None:
        raise InputError("this method fills no holes, so it has no draws to read an answer off")
    return prediction.draws
