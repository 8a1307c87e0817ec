"""Items with two answers: discrimination and calibration of the probability that a method gives to the second one."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Floats
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import CATEGORICAL, hidden_cells
from metrics.metric import TABLE, Reads, metric


@dataclass(frozen=True, eq=False)
class Chances:
    """Hidden cells of one item with two answers, in row order.

    Parameters
    ----------
    name : of the item.
    chance : probability that the method gives to the second answer, shape (h,).
    second : whether it is the true one, shape (h,).
    """

    name: str
    chance: Floats
    second: NDArray[np.bool_]

    @property
    def both(self) -> bool:
        """Whether both answers are among the truths; without, there is no ROC curve."""
        return bool(self.second.any() and not self.second.all())


def chances(masked: Masked, prediction: Prediction) -> Iterator[Chances]:
    """Give the hidden cells of every nominal or ordinal item with two levels and probabilities of the method's own."""
    for cells in hidden_cells(masked, *CATEGORICAL):
        own, levels = prediction.probabilities.get(cells.position), cells.column.levels
        if own is not None and len(levels) == 2:
            yield Chances(cells.name, own[cells.own, 1], cells.truth == levels[1])


def pooled_chances(masked: Masked, prediction: Prediction) -> Chances | None:
    """All cells of `chances` as those of one item; None if there are none."""
    found = list(chances(masked, prediction))
    if not found:
        return None
    return Chances("", np.concatenate([item.chance for item in found]), np.concatenate([item.second for item in found]))


@METRICS.register("auc")
@metric(reads=Reads.PROBABILITIES, better="higher", span=(0, 1), best=1.0, trivial="0.5 (the item's shares)")
def auc(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Area under the ROC curve of an item with two answers.

    Chance that a hidden cell whose truth is the second answer gets a higher probability of it than one whose
    truth is the first, ties counting half (Hanley and McNeil 1982, Radiology 143). Within one item the item's
    shares are one tie, so they get 0.5. Items whose hidden cells all hold one answer are left out, as are
    items with more than two levels.
    """
    return {item.name: _area(item) for item in chances(masked, prediction) if item.both}


@METRICS.register("pooled-auc")
@metric(reads=Reads.PROBABILITIES, better="higher", span=(0, 1), best=1.0, trivial="about 0.7 (the items' shares)")
def pooled_auc(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Area under the ROC curve of all items with two answers as one.

    As `auc`, over the pairs of cells of any two items (Kim and Lee 2023, arXiv 2305.09620). To know which
    items are lopsided is enough for a high value: the items' shares get far more than 0.5. Which answer is
    the second decides what is pooled with what, so it compares methods on one table only.
    """
    pool = pooled_chances(masked, prediction)
    return {TABLE: _area(pool)} if pool is not None and pool.both else {}


def _area(item: Chances) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(item.second, item.chance))


@METRICS.register("pooled-accuracy")
@metric(reads=Reads.PROBABILITIES, better="higher", span=(0, 1), best=1.0, trivial="the mean share of the modes")
def pooled_accuracy(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of hidden two-answer cells whose more probable answer is true.

    Over the cells of all items with two answers together, so an item weighs as it has hidden cells; a
    probability of just one half counts half.
    """
    pool = pooled_chances(masked, prediction)
    if pool is None:
        return {}
    right = np.where(pool.chance == 0.5, 0.5, (pool.chance > 0.5) == pool.second)
    return {TABLE: float(right.mean())}


@METRICS.register("pooled-f1")
@metric(reads=Reads.PROBABILITIES, better="higher", span=(0, 1), best=1.0, trivial="2s/(1+s), s the share guessed")
def pooled_f1(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """F1 of the second answer over all hidden two-answer cells.

    ``2·TP / (2·TP + FP + FN)`` with the second answer predicted where its probability exceeds one half
    (van Rijsbergen 1979, Information Retrieval, chapter 7). Left out if it is neither given nor predicted.
    """
    from sklearn.metrics import f1_score

    pool = pooled_chances(masked, prediction)
    if pool is None:
        return {}
    predicted = pool.chance > 0.5
    return {TABLE: float(f1_score(pool.second, predicted))} if (predicted | pool.second).any() else {}


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
def expected_calibration_error(masked: Masked, prediction: Prediction, n_bins: int = 10) -> dict[str, float]:
    """Expected calibration error: how far probabilities lie from frequencies.

    ``Σ_b |Σ_{i in b} (p_i - y_i)| / N``, p the probability of the second answer, y whether it is true, over
    bins of equal width of p and all N hidden cells of items with two answers (Naeini, Cooper and Hauskrecht
    2015, AAAI 29). The items' shares are calibrated though they know nothing of the person: read it beside
    the AUC. scikit-learn's `calibration_curve` does not say how many cells a bin holds, so the sums are taken here.

    Parameters
    ----------
    n_bins : number of bins.

    Raises
    ------
    InputError
        If there is no bin.
    """
    if n_bins < 1:
        raise InputError(f"ece was given n_bins={n_bins}; wanted a whole number from 1")
    pool = pooled_chances(masked, prediction)
    if pool is None:
        return {}
    place = np.minimum((n_bins * pool.chance).astype(np.intp), n_bins - 1)
    gaps = np.bincount(place, pool.chance - pool.second, minlength=n_bins)
    return {TABLE: float(np.abs(gaps).sum() / len(place))}
