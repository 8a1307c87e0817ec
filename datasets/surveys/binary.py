"""Binary tables: every item cut into two answers, near-constant items and recodings of each other left out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.files.labelled import unique_labels
from datasets.schema import Column, Floats, Kind, Role, Schema
from datasets.table import Dataset

RARER_SHARE, RARER_COUNT = 0.02, 30  # with fewer rare answers, one of ten folds would hide hardly any
RECODING = 0.2  # share of an answer's uncertainty left by another below which the two ask for one fact
SEEN_TOGETHER = 100  # rows; fewer do not show that two items are recodings


def binary_items(dataset: Dataset, name: str, minimum_share: float) -> Dataset:
    """Table of all items of a dataset that two answers can stand for, each a target.

    Left out are items answered by less than ``minimum_share`` of the rows, items whose rarer answer is given
    by less than 2 % of those who answered or by fewer than 30, and of items that are recodings of each other
    (`recodings`) all but the one that most people answered.

    Parameters
    ----------
    dataset : any table; text columns are left out.
    name : of the new dataset.
    minimum_share : of the rows, e.g. 0.1.

    Raises
    ------
    InputError
        If no item is left.
    """
    columns, codes, kept = [], [], []
    answered = (~np.isnan(dataset.values)).sum(axis=0)
    for j, column in enumerate(dataset.schema):
        if column.kind is Kind.TEXT or answered[j] < max(2, minimum_share * len(dataset.values)):
            continue
        binary, halves = two_answers(column, dataset.values[:, j])
        rarer = min((halves == 0).sum(), (halves == 1).sum())
        if rarer >= max(RARER_COUNT, RARER_SHARE * answered[j]):
            columns.append(binary)
            codes.append(halves)
            kept.append(j)
    if not columns:
        raise InputError(f"no item of {dataset.name!r} has two answers that are common enough; lower minimum_share")
    distinct = without_recodings(np.column_stack(codes))
    return replace(
        dataset,
        name=name,
        schema=Schema(tuple(columns[k] for k in distinct)),
        values=np.column_stack([codes[k] for k in distinct]),
        reasons=dataset.reasons[:, [kept[k] for k in distinct]],
    )


def two_answers(column: Column, codes: Floats) -> tuple[Column, Floats]:
    """Cut an item into two answers: a nominal column of the codes 0 and 1, and these codes (n,).

    Two answers that are observed stay as they are. Ordinal and numeric items are cut where the halves are most
    equal, next to the median; 1 is the higher half. Of more nominal answers the most frequent one stands
    against all others; 1 is the most frequent one.
    """
    known = ~np.isnan(codes)
    levels, counts = np.unique(codes[known], return_counts=True)
    if column.kind is Kind.NOMINAL and len(levels) != 2:
        mode = levels[counts.argmax()] if len(levels) else np.nan
        upper = codes == mode
        words = ("another answer", column.text(mode)) if len(levels) else ("another answer", "no answer")
    else:
        below = counts.cumsum()[:-1]
        cut = int(np.abs(below - counts.sum() / 2).argmin()) if len(below) else 0
        upper = codes > levels[cut]
        words = _sides(column, levels, cut)
    labels = unique_labels(dict(enumerate(words)))
    binary = Column(column.name, Kind.NOMINAL, labels, column.question or column.name, role=Role.TARGET)
    return binary, np.where(known, upper.astype(float), np.nan)


def without_recodings(halves: Floats) -> list[int]:
    """Positions of the columns of a binary table (n, p), less recodings of a column that more people answered."""
    twin = recodings(halves)
    kept: list[int] = []
    for j in np.argsort(-(~np.isnan(halves)).sum(axis=0), kind="stable").tolist():
        if not twin[j, kept].any():
            kept.append(j)
    return sorted(kept)


def recodings(halves: Floats) -> NDArray[np.bool_]:
    """Tell for each pair of columns of a binary table (n, p) whether one all but determines the other, shape (p, p).

    A pair is a recoding if, among the rows that know both, less than a fifth of either one's entropy H is left once
    the other is known: (H - I) / (H - E(I)) < 0.2, I their mutual information and E(I) = 1 / 2N what chance
    gives (Miller 1955, "Note on the bias of information estimates"; `selection.select` asks for 0.05). The
    bound is wider here as AUC rewards a near copy almost as it does a copy: age and birth year, income in
    brackets and in dollars, race asked twice. Pairs seen together in fewer than 100 rows, or where one does
    not vary, are none.
    """
    known, one = (~np.isnan(halves)).astype(np.float32), (halves == 1).astype(np.float32)
    N, both, first = known.T @ known, one.T @ one, one.T @ known  # first[i, j]: column i is 1 among rows that know j
    counts = np.stack([N - first - first.T + both, first.T - both, first - both, both]).astype(float)
    rows = np.maximum(N, 1).astype(float)
    H_first = _entropy(np.stack([first, N - first]), rows)
    information = H_first + H_first.T - _entropy(counts, rows)
    chance = 1 / (2 * rows)
    found = (N >= SEEN_TOGETHER) & (np.minimum(H_first, H_first.T) > 2 * chance)
    with np.errstate(invalid="ignore", divide="ignore"):
        left = (H_first - information) / (H_first - chance)
    found &= np.fmin(left, left.T) < RECODING
    np.fill_diagonal(found, False)
    return found


def _sides(column: Column, levels: Floats, cut: int) -> tuple[str, str]:
    """Words for the answers up to a cut and for those above it."""
    if column.kind is Kind.NUMERIC:
        return f"up to {column.text(levels[cut])}", f"more than {column.text(levels[cut])}"
    low, high = levels[: cut + 1], levels[cut + 1 :]
    return _span(column, low), _span(column, high)


def _span(column: Column, levels: Sequence[float] | Floats) -> str:
    if len(levels) < 2:
        return column.text(levels[0]) if len(levels) else "another answer"
    return f"{column.text(levels[0])} to {column.text(levels[-1])}"


def _entropy(counts: NDArray[np.floating], rows: Floats) -> Floats:
    """Entropy in nats of counts (cells, p, p) that sum to rows (p, p)."""
    shares = counts / rows
    return -np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0).sum(axis=0)
