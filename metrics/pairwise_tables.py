"""Two-way tables: how far the joint shares of two items are off, for every pair of items."""

from math import inf

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.metric import TABLE, Reads, metric

CLASSES = 5  # of a number or a long scale, by quantiles


@METRICS.register("pairwise-table-distance")
@metric(reads=Reads.FILLS, better="lower", span=(0, 1), best=0.0, trivial="0.23 at 30 % hidden (mean, mode)")
def pairwise_table_distance(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Total variation of two-way tables, completed against true, mean over pairs.

    ``mean_jk ½ Σ_ab |P̄_jk(a, b) - P_jk(a, b)|`` over the pairs of items of which one has hidden cells, P the shares of
    the true table of two items over the rows that know both, P̄ those of the completed tables averaged over draws: the
    2-way marginals by which synthetic data are judged (Jordon et al. 2022, arXiv 2205.03257; Bowen & Snoke 2021,
    Journal of Privacy and Confidentiality 11). Numbers, and scales of more than five levels, are cut at quintiles of
    the true answers. Text is left out. Even draws from the true law differ from the truth by chance.
    """
    cuts = [_uppers(masked.truth.values[:, j], column) for j, column in enumerate(masked.schema)]
    used = [j for j, upper in enumerate(cuts) if len(upper)]
    if not masked.hidden[:, used].any():
        return {}
    true = _joint(masked.truth.values, cuts)
    found = np.mean([_joint(table, cuts) for table in completed_tables(masked, prediction)], axis=0)
    item = np.repeat(np.eye(len(used)), [len(cuts[j]) for j in used], axis=0)  # (levels, items)
    rows = item.T @ true @ item  # in which both items are known
    touched = masked.hidden[:, used].any(axis=0)
    scored = np.triu(touched[:, None] | touched, 1) & (rows > 0)
    distances = (item.T @ np.abs(found - true) @ item)[scored] / rows[scored] / 2
    return {TABLE: float(distances.mean())} if scored.any() else {}


def _uppers(codes: Floats, column: Column) -> Floats:
    """Upper ends of the classes of an item, the last one open for an item with an order; none for text."""
    known = codes[~np.isnan(codes)]
    if column.kind is Kind.TEXT or not len(known):
        return np.empty(0)
    if column.kind is Kind.NOMINAL or 0 < len(column.levels) <= CLASSES:
        return column.levels
    return np.unique([*np.quantile(known, np.arange(1, CLASSES) / CLASSES), inf])


def _joint(table: Floats, cuts: list[Floats]) -> Floats:
    """Counts of all pairs of classes of all items together, shape (levels, levels); unknown cells are in no class."""
    parts = [
        (x[:, None] <= upper) & (x[:, None] > np.concatenate([[-inf], upper[:-1]]))
        for x, upper in zip(table.T, cuts, strict=True)
        if len(upper)
    ]
    member = np.hstack(parts).astype(np.float32)
    return np.asarray(member.T @ member, dtype=float)
