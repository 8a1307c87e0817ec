"""Calibration: whether probabilities of two answers mean what they say, over the cells of all such items together."""

from math import inf

import numpy as np

from datasets.prediction import Prediction
from datasets.table import Masked
from metrics import METRICS
from metrics.metric import TABLE, Reads, metric
from metrics.two_answers import pooled_chances

BINS = 10


@METRICS.register("pooled-log-loss")
@metric(reads=Reads.PROBABILITIES, better="lower", span=(0, inf), best=0.0, trivial="the mean entropy of the shares")
def pooled_log_loss(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Mean surprise at the true answers of all two-answer items, in nats.

    As `log-score`, probabilities below 1/(10 n) counting as that, but a mean over cells, not over items.
    """
    pool = pooled_chances(masked, prediction)
    if pool is None:
        return {}
    least = 1 / (10 * len(masked.values))
    true = np.where(pool.second, pool.chance, 1 - pool.chance)
    return {TABLE: float(-np.mean(np.log(np.maximum(true, least))))}


@METRICS.register("pooled-brier")
@metric(reads=Reads.PROBABILITIES, better="lower", span=(0, 1), best=0.0, trivial="the mean of s(1 - s), s the shares")
def pooled_brier(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Brier score of all two-answer items: mean squared error of a probability.

    ``mean_i (p_i - y_i)²``, p the probability of the second answer and y whether it is true: half of `brier`,
    which sums over both answers (Brier 1950, Monthly Weather Review 78), and a mean over cells.
    """
    pool = pooled_chances(masked, prediction)
    return {} if pool is None else {TABLE: float(np.mean((pool.chance - pool.second) ** 2))}


@METRICS.register("ece")
@metric(reads=Reads.PROBABILITIES, better="lower", span=(0, 1), best=0.0, trivial="near 0 (the items' shares)")
def expected_calibration_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Expected calibration error: how far probabilities lie from frequencies.

    ``Σ_b |Σ_{i in b} (p_i - y_i)| / N``, p the probability of the second answer, y whether it is true, over ten
    bins of equal width of p and all N hidden cells of items with two answers (Naeini, Cooper and Hauskrecht
    2015, AAAI 29). The items' shares are calibrated though they know nothing of the person: read it beside
    the AUC.
    """
    pool = pooled_chances(masked, prediction)
    if pool is None:
        return {}
    place = np.minimum((BINS * pool.chance).astype(np.intp), BINS - 1)
    gaps = np.bincount(place, pool.chance - pool.second, minlength=BINS)
    return {TABLE: float(np.abs(gaps).sum() / len(place))}
