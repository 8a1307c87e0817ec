"""Agreement of the best single prediction with the truth, cell by cell, on nominal and ordinal items."""

import numpy as np

from datasets.prediction import Prediction, point
from datasets.schema import LABELLED, Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import CATEGORICAL, hidden_cells
from metrics.metric import TABLE, Reads, metric


@METRICS.register("accuracy")
@metric(
    reads=Reads.FILLS,
    better="higher",
    span=(0, 1),
    best=1.0,
    trivial="the share of the mode",
)
def accuracy(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of the hidden cells whose best single prediction is the true answer.

    ``mean_i 1{f_i = t_i}`` over the hidden cells of a nominal, ordinal or text column, f the point prediction: the
    mode of a nominal or text item's distribution, the median of an ordinal one's (see `datasets.prediction.point`).
    The column mode gets the mode's share; a draw from the column's shares s gets ``Σ s²``.
    """
    fills = point(prediction, masked.values, masked.schema)
    return {cells.name: float(np.mean(fills[cells.holes] == cells.truth)) for cells in hidden_cells(masked, *LABELLED)}


@METRICS.register("macro-f1")
@metric(reads=Reads.FILLS, better="higher", span=(0, 1), best=1.0, trivial="2s/(1+s)/K, s the share of the mode")
def macro_f1(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """F1 of each level, averaged: rare levels count as much as common ones.

    ``mean_k 2·TP_k / (2·TP_k + FP_k + FN_k)`` over the levels k that occur in the truth or among the
    point predictions of the hidden cells (Sokolova and Lapalme 2009, Information Processing and Management
    45; the mean of the F1s, not the F1 of the means), nominal and ordinal columns. A mode of share s
    among K levels gets ``2s / (1 + s) / K``.
    """
    from sklearn.metrics import f1_score

    fills = point(prediction, masked.values, masked.schema)
    return {
        cells.name: float(f1_score(cells.truth, fills[cells.holes], average="macro"))
        for cells in hidden_cells(masked, *CATEGORICAL)
    }


@METRICS.register("qwk")
@metric(reads=Reads.FILLS, better="higher", span=(-1, 1), best=1.0, trivial="0 (one level for all, or chance)")
def quadratic_weighted_kappa(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Quadratic-weighted kappa: agreement on an ordinal scale beyond chance.

    ``1 - Σ (k-l)² O_kl / Σ (k-l)² E_kl`` with O the table of true answers against point predictions, E the
    product of its margins, k and l level numbers (Cohen 1968, Psychological Bulletin 70). Left out where all hidden
    cells of a column hold the same truth: no prediction could agree beyond chance.
    """
    from sklearn.metrics import cohen_kappa_score

    fills = point(prediction, masked.values, masked.schema)
    return {
        cells.name: float(
            cohen_kappa_score(cells.truth, fills[cells.holes], labels=cells.column.levels, weights="quadratic")
        )
        for cells in hidden_cells(masked, Kind.ORDINAL)
        if np.ptp(cells.truth) > 0
    }


@METRICS.register("pfc")
@metric(reads=Reads.FILLS, better="lower", span=(0, 1), best=0.0, trivial="1 - the mean share of the modes")
def proportion_falsely_classified(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of all hidden nominal cells whose best single prediction is wrong.

    ``Σ_j Σ_i 1{f_ij ≠ t_ij} / Σ_j h_j`` over the hidden cells of all nominal columns together (Stekhoven
    and Bühlmann 2012, Bioinformatics 28, section 3.2), so a column weighs as it has hidden cells. A table
    without hidden nominal cells is left out.
    """
    fills = point(prediction, masked.values, masked.schema)
    wrong = [fills[cells.holes] != cells.truth for cells in hidden_cells(masked, Kind.NOMINAL)]
    return {TABLE: float(np.mean(np.concatenate(wrong)))} if wrong else {}
