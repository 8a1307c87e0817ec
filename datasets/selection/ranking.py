"""Selection: which items say most about a target, by mutual information corrected for chance."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.registry import Registry
from datasets.schema import Floats, Kind, Schema
from datasets.table import Dataset

BINS = 10
MINIMUM_SHARE = 0.1
RECODING = 0.05

SELECTABLE: Registry[Callable[[Path | None], Dataset]] = Registry(
    "dataset with many variables to select from", package="datasets", variable="SELECTABLE"
)
Levels = NDArray[np.intp]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Selection:
    """What a search for the items that inform about a target found.

    Parameters
    ----------
    target : name of the target.
    ranking : the most informative items, best first; columns as in `associations`.
    recodings : items that determine the target or are determined by it, left out of the ranking.
    minimum_pairs : items seen together with the target less often than this are left out as well.
    """

    target: str
    ranking: pd.DataFrame
    recodings: pd.DataFrame
    minimum_pairs: int


def select(
    schema: Schema, values: Floats, target: str, top: int = 15, minimum_share: float = MINIMUM_SHARE
) -> Selection:
    """Rank the items by the share of the target's uncertainty that each removes.

    An item is a recoding if less than 5 % of the uncertainty that chance leaves stays in the target once
    the item is known, or in the item once the target is known.

    Parameters
    ----------
    schema, values : the table; hide cells in ``values`` (n, p) that the choice must not know.
    target : name of the target column.
    top : how many items to rank.
    minimum_share : leave out items that are seen in a smaller share of the rows where the target is.

    Raises
    ------
    InputError
        If there is no such target, it does not vary, or ``top`` is below one.
    """
    if top < 1:
        raise InputError(f"top = {top}: wanted the number of items to rank, at least 1")
    table = associations(schema, values, target)
    minimum = int(np.ceil(minimum_share * (~np.isnan(values[:, schema.index(target)])).sum()))
    table = table[table["pairs"] >= minimum]
    recoding = table[["target_left", "item_left"]].min(axis=1) < RECODING
    ranking = table[~recoding].sort_values(["share", "variable"], ascending=[False, True]).head(top)
    recodings = table[recoding].sort_values("variable")
    return Selection(target, ranking.reset_index(drop=True), recodings.reset_index(drop=True), minimum)


def associations(schema: Schema, values: Floats, target: str) -> pd.DataFrame:
    """Mutual information of one item with every other, from the rows where both are known.

    Numeric items with more than ten different values are cut into tenths by their mid-ranks. The
    plug-in estimate I of sparse tables is far too high, so what independence alone would give, E(I), is
    taken off (Vinh, Epps and Bailey 2010, Journal of Machine Learning Research 11, section 4).

    Returns
    -------
    DataFrame with the columns ``variable``, ``pairs`` (rows where both are known), ``information``
    (max(0, I - E(I)), in nats), ``share`` (information over the entropy H of the target in those rows:
    Theil's uncertainty coefficient, Theil 1970, American Journal of Sociology 76, corrected for chance),
    ``target_left`` and ``item_left``: (H - I) / (H - E(I)) with the entropy of the target and of the
    item; 0 if the other one determines it, 1 if it says nothing, NaN if chance leaves less than a tenth.

    Raises
    ------
    InputError
        If there is no such target, or it has fewer than two different answers.
    """
    j = schema.index(target)
    levels, sizes = level_numbers(schema, values)
    if sizes[j] < 2:
        raise InputError(f"target {target!r} has {sizes[j]} different answers; choose one that varies")
    known = levels[:, j] >= 0
    tables = contingency(levels[known], sizes, levels[known, j], sizes[j])
    rows = [
        (name, *_measures(table)) for k, (name, table) in enumerate(zip(schema.names, tables, strict=True)) if k != j
    ]
    return pd.DataFrame(rows, columns=["variable", "pairs", "information", "share", "target_left", "item_left"])


def level_numbers(schema: Schema, values: Floats) -> tuple[Levels, Levels]:
    """Number the levels of every item from 0, shape (n, p), -1 where missing; and count them, shape (p,).

    Numeric items of more than ten values are cut into tenths by mid-rank, which no monotone recoding of
    the item changes.
    """
    levels = schema.positions(values)
    sizes = np.array([len(column.labels) for column in schema], dtype=np.intp)
    for j in schema.where(Kind.NUMERIC):
        known = ~np.isnan(values[:, j])
        distinct, place, counts = np.unique(values[known, j], return_inverse=True, return_counts=True)
        if len(distinct) > BINS:
            middle = (np.cumsum(counts) - counts / 2) / max(1, known.sum())  # of each value, in (0, 1)
            place = np.floor(BINS * middle).astype(np.intp)[place]
        levels[known, j] = place
        sizes[j] = min(len(distinct), BINS)
    return levels, sizes


def contingency(levels: Levels, sizes: Levels, target: Levels, K: int) -> list[Counts]:
    """Count every item's levels (n, p) against those of the target (n,): one table (K_item, K) an item."""
    starts = np.concatenate([[0], np.cumsum(sizes * K)])
    cells = starts[:-1] + levels * K + target[:, None]
    counts = np.bincount(cells[levels >= 0], minlength=starts[-1])
    return [counts[start : start + size * K].reshape(size, K) for start, size in zip(starts, sizes, strict=False)]


def take(dataset: Dataset, names: Iterable[str]) -> Dataset:
    """Keep some columns of a dataset, in this order.

    Raises
    ------
    InputError
        If it has no column of a name.
    """
    kept = [dataset.schema.index(name) for name in names]
    return Dataset(
        dataset.name,
        dataset.schema.take(kept),
        dataset.values[:, kept],
        dataset.reasons[:, kept],
        dataset.weights,
        dataset.strata,
        dataset.psu,
        dataset.origin,
        dataset.synthetic,
    )


def in_words(dataset: Dataset) -> pd.DataFrame:
    """Table of answer texts, one column a variable; None is a hole. `Column.code` turns them back."""
    return pd.DataFrame(
        {
            column.name: [None if np.isnan(code) else column.text(code) for code in codes]
            for column, codes in zip(dataset.schema, dataset.values.T, strict=True)
        },
        dtype=object,
    )


def _measures(table: Counts) -> tuple[int, float, float, float, float]:
    """Pairs, information, share, and what is left of target and item; see `associations`."""
    from sklearn.metrics.cluster import expected_mutual_information

    N = int(table.sum())
    items, targets = table.sum(axis=1), table.sum(axis=0)
    if (items > 0).sum() < 2 or (targets > 0).sum() < 2:
        return N, 0.0, 0.0, np.nan, np.nan
    H_item, H_target = _entropy(items), _entropy(targets)
    found = H_item + H_target - _entropy(table.ravel())
    chance = float(expected_mutual_information(table[items > 0][:, targets > 0], N))
    information = max(0.0, found - chance)
    left = [(H - found) / (H - chance) if H - chance > 0.1 * H else np.nan for H in (H_target, H_item)]
    return N, information, information / H_target, left[0], left[1]


def _entropy(counts: Counts) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
