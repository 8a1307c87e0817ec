"""Likeness of the distribution of the fills to that of the truth in the same hidden cells, item by item."""

from math import inf

import numpy as np

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import SCALE, hidden_cells
from metrics.metric import BoardName, Headline, Reads, metric


def _draws(prediction: Prediction) -> Floats:
    """Give the draws (m, holes)."""
    if prediction.draws is None:
        raise InputError("this method fills no holes, so its fills have no distribution")
    return prediction.draws


@METRICS.register("total-variation")
@metric(
    reads=Reads.FILLS,
    better="lower",
    span=(0, 1),
    best=0.0,
    trivial="1 - the share of the mode (mode)",
)
def total_variation(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of a nominal item's fills that would have to change to match the truth.

    ``½ Σ_k |f_k - s_k|``, f the shares of the levels among the fills of all draws, s among the truth of the
    same hidden cells (Levin, Peres and Wilmer 2009, Markov Chains and Mixing Times, proposition 4.2).
    Hidden cells only: the observed ones are right by construction and would flatter every method.
    """
    draws = _draws(prediction)
    found = {}
    for cells in hidden_cells(masked, Kind.NOMINAL):
        filled = (draws[:, cells.holes, None] == cells.column.levels).mean(axis=(0, 1))
        true = (cells.truth[:, None] == cells.column.levels).mean(axis=0)
        found[cells.name] = float(np.abs(filled - true).sum() / 2)
    return found


@METRICS.register("wasserstein")
@metric(
    reads=Reads.FILLS,
    better="lower",
    span=(0, inf),
    best=0.0,
    trivial="mean distance from the mean / SD (mean)",
)
def wasserstein(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Wasserstein-1 distance of an item's fills from the truth, in SDs of the item.

    ``∫ |F(x) - G(x)| dx / s`` for an ordinal or numeric column, F the distribution of the fills of all
    draws, G that of the truth in the same hidden cells, s the SD of the observed answers of the column.
    Villani 2003, Topics in Optimal Transportation, theorem 2.18. A constant column is left out.
    """
    from scipy.stats import wasserstein_distance

    draws = _draws(prediction)
    return {
        cells.name: float(wasserstein_distance(draws[:, cells.holes].ravel(), cells.truth) / cells.spread)
        for cells in hidden_cells(masked, *SCALE)
        if cells.spread > 0
    }


@METRICS.register("variance-ratio")
@metric(
    reads=Reads.FILLS,
    better="1",
    span=(0, inf),
    best=1.0,
    trivial="0 (mean)",
    headline=Headline("variance ratio", place=7, board=BoardName.DISTRIBUTIONS, kinds=SCALE),
)
def variance_ratio(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Variance of an item's fills over the variance of the truth.

    ``mean_d var(f_d) / var(t)`` for an ordinal or numeric column, f_d the fills of draw d and t the truth in
    the same hidden cells; the variance within each draw is taken first, then the mean over draws. Below
    one: the fills huddle together, as those of every good predictor do (van Buuren 2018, Flexible
    Imputation of Missing Data, section 1.3). Left out where the truth of the hidden cells is constant.
    """
    draws = _draws(prediction)
    return {
        cells.name: float(draws[:, cells.holes].var(axis=1).mean() / cells.truth.var())
        for cells in hidden_cells(masked, *SCALE)
        if cells.truth.var() > 0
    }
