"""Discrimination: how well probabilities tell those who gave the second of two answers from those who did not."""

import numpy as np

from datasets.mechanisms.logistic import area_under_curve
from datasets.prediction import Prediction
from datasets.table import Masked
from metrics import METRICS
from metrics.metric import TABLE, Reads, metric
from metrics.two_answers import chances, pooled_chances


@METRICS.register("auc")
@metric(reads=Reads.PROBABILITIES, better="higher", span=(0, 1), best=1.0, trivial="0.5 (the item's shares)")
def auc(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Area under the ROC curve of an item with two answers.

    Chance that a hidden cell whose truth is the second answer gets a higher probability of it than one whose
    truth is the first, ties counting half (Hanley and McNeil 1982, Radiology 143). Within one item the item's
    shares are one tie, so they get 0.5. Items whose hidden cells all hold one answer are left out, as are
    items with more than two levels.
    """
    areas = {item.name: area_under_curve(item.chance, item.second) for item in chances(masked, prediction)}
    return {name: area for name, area in areas.items() if np.isfinite(area)}


@METRICS.register("pooled-auc")
@metric(reads=Reads.PROBABILITIES, better="higher", span=(0, 1), best=1.0, trivial="about 0.7 (the items' shares)")
def pooled_auc(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Area under the ROC curve of all items with two answers as one.

    As `auc`, over the pairs of cells of any two items (Kim and Lee 2023, arXiv 2305.09620). To know which
    items are lopsided is enough for a high value: the items' shares get far more than 0.5. Which answer is
    the second decides what is pooled with what, so it compares methods on one table only.
    """
    pool = pooled_chances(masked, prediction)
    area = float("nan") if pool is None else area_under_curve(pool.chance, pool.second)
    return {TABLE: area} if np.isfinite(area) else {}


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
    pool = pooled_chances(masked, prediction)
    if pool is None:
        return {}
    said = pool.chance > 0.5
    occurring = int(said.sum() + pool.second.sum())
    return {TABLE: 2 * int((said & pool.second).sum()) / occurring} if occurring else {}
