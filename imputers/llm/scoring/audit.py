"""Audit of a language model on validation cells: probability of valid answers, what wording and order change."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import Floats
from imputers.llm.prompts.variants import Variant
from imputers.shared.vocabulary import Positions

LEAST = 1e-5  # probabilities below count as that, as in the metric `log-score`: one cell may not outweigh all others
LOW_MASS = 0.5  # less than this on the valid answers together, and most of what the model would say is no answer


@dataclass(frozen=True, eq=False)
class AuditedCells:
    """Validation cells of one item: observed, and not learned from.

    Parameters
    ----------
    rows : respondent of each cell, shape (cells,).
    answers : number of the answer that was given, 0…K-1, shape (cells,).
    ordered : whether the item has a scale of labels that can be turned round.
    """

    rows: Positions
    answers: Positions
    ordered: bool


@dataclass(frozen=True)
class Spent:
    """What it took to score holes of the table, as it is done in use, where a respondent's holes share a prompt.

    Parameters
    ----------
    cells : holes that were scored.
    tokens, seconds : tokens read, by all members of an ensemble together, and time taken; draws not included.
    """

    cells: int
    tokens: int
    seconds: float


Probe = Callable[[Variant], Sequence[Floats]]


def audit(probe: Probe, cells: Sequence[AuditedCells], variants: Collection[Variant], spent: Spent) -> dict[str, float]:
    """Measure a model on cells that it did not learn from; all cells count the same.

    Parameters
    ----------
    probe : what the model says under a variant: per item, log-probability of each answer as a whole, before normalising
        and calibration, shape (cells, K); column k is the answer that the item numbers k, whatever the variant calls
        it and wherever it lists it.
    cells : per item, in the order of the probe; items without cells may stand among them.
    variants : those that the imputer can ask, besides the original; see `imputers.llm.prompts.variants.askable`.
    spent : on the holes of the table.

    Returns
    -------
    dict of the original and, with the name of the variant after "audit-", of each variant (see `Variant`):

    audit-cells : number of cells; of the original alone, as are the next four.
    audit-mass : mean probability of the valid answers together.
    audit-low-mass : share of cells where it is below a half.
    audit-tokens, audit-seconds : spent per 1,000 holes; left out if there were none.
    audit-log-score : mean negative log of the normalised probability of the answer that was given, in nats.
    audit-accuracy : share of cells where that answer is the likeliest.
    audit-opaque-log-score-change, audit-opaque-accuracy-change : how much these two are above the original's.
    audit-opaque-log-score-error : standard error of the change; NaN with one respondent.
    audit-opaque-variation : mean total variation between the probabilities and the original's.
    audit-opaque-flips : share of cells whose likeliest answer changes.

    The reversed scale, and the original where it is compared with it, are judged on ordered items alone; without
    any it is left out.

    Raises
    ------
    InputError
        If there are no cells, or what the probe says does not fit them.
    """
    if not sum(len(item.rows) for item in cells):
        raise InputError("audit: there are no cells to audit; set some observed cells aside as validation cells")
    original = _opinions(probe(Variant.ORIGINAL), cells, Variant.ORIGINAL)
    n = len(original.surprise)
    found = {
        "cells": float(n),
        "mass": original.mass.mean(),
        "low-mass": (original.mass < LOW_MASS).mean(),
        "log-score": original.surprise.mean(),
        "accuracy": original.hit.mean(),
    }
    if spent.cells:
        found |= {"tokens": 1000 * spent.tokens / spent.cells, "seconds": 1000 * spent.seconds / spent.cells}
    ordered = np.concatenate([np.full(len(item.rows), item.ordered) for item in cells])
    for variant in sorted(set(variants) - {Variant.ORIGINAL}):
        judged = ordered if variant is Variant.REVERSED_SCALE else np.ones(n, dtype=bool)
        if judged.any():
            other = _opinions(probe(variant), cells, variant)
            compared = _compare(original, other, judged, np.concatenate([item.rows for item in cells]))
            found |= {f"{variant}-{name}": value for name, value in compared.items()}
    return {f"audit-{name}": float(value) for name, value in found.items()}


@dataclass(frozen=True, eq=False)
class _Opinions:
    """What a model says, cell by cell, the items one after another; vectors have shape (cells of all items,).

    shares : normalised probabilities (cells, most K), zero beyond an item's answers. mass : of the valid answers.
    surprise : negative log of the share of the answer given, nats. hit : whether it has the largest.
    """

    shares: Floats
    mass: Floats
    surprise: Floats
    hit: NDArray[np.bool_]


def _opinions(said: Sequence[Floats], cells: Sequence[AuditedCells], variant: Variant) -> _Opinions:
    _check(said, cells, variant)
    totals = [np.logaddexp.reduce(logs, axis=1) for logs in said]
    widest = max(logs.shape[1] for logs in said)
    shares = np.concatenate([
        np.pad(np.exp(logs - total[:, None]), ((0, 0), (0, widest - logs.shape[1])))
        for logs, total in zip(said, totals, strict=True)
    ])  # fmt: skip
    given = np.concatenate([item.answers for item in cells])
    surprise = -np.log(np.maximum(shares[np.arange(len(given)), given], LEAST))
    return _Opinions(shares, np.exp(np.concatenate(totals)), surprise, shares.argmax(axis=1) == given)


def _compare(
    original: _Opinions, other: _Opinions, judged: NDArray[np.bool_], respondents: Positions
) -> dict[str, float]:
    """Set a variant beside the original on the cells that it is judged on."""
    rose = (other.surprise - original.surprise)[judged]
    flips = original.shares.argmax(axis=1) != other.shares.argmax(axis=1)
    return {
        "variation": (np.abs(original.shares - other.shares).sum(axis=1) / 2)[judged].mean(),
        "flips": flips[judged].mean(),
        "log-score": other.surprise[judged].mean(),
        "log-score-change": rose.mean(),
        "log-score-error": clustered_error(rose, respondents[judged]),
        "accuracy": other.hit[judged].mean(),
        "accuracy-change": other.hit[judged].mean() - original.hit[judged].mean(),
    }


def clustered_error(values: Floats, clusters: Positions) -> float:
    """Standard error of the mean of values (n,) that are alike within clusters (n,); NaN with a single cluster.

    ``√(C/(C-1) Σ_c (Σ_{i∈c} (x_i - x̄))²) / n`` with C clusters (Liang and Zeger 1986, Biometrika 73, for a mean).
    """
    _, own = np.unique(clusters, return_inverse=True)
    sums = np.bincount(own, values - values.mean())
    if len(sums) < 2:
        return float("nan")
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2)) / len(values))


def _check(said: Sequence[Floats], cells: Sequence[AuditedCells], variant: Variant) -> None:
    """Validate at the door that every cell has a number for each answer, and an answer among them."""
    found, wanted = [len(logs) for logs in said], [len(item.rows) for item in cells]
    if found != wanted:
        raise InputError(f"audit: the probe of '{variant}' gives {found} rows per item; the audited cells are {wanted}")
    for j, (logs, item) in enumerate(zip(said, cells, strict=True)):
        if not np.isfinite(logs).all():
            raise InputError(f"audit: the probe of '{variant}' gives log-probabilities of item {j} that are not finite")
        if not np.isin(item.answers, np.arange(logs.shape[1])).all():
            raise InputError(f"audit: answers of item {j} are not among the {logs.shape[1]} that the probe knows")
