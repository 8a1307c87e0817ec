"""The predictors of trees: which items the trees of an item read, and how fills become their columns."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind, Schema
from datasets.selection.ranking import level_numbers

Design = NDArray[np.floating]


def others(D: Design, schema: Schema, j: int) -> NDArray[np.float32]:
    """Design (…, n, q) without the columns of item j, in single precision, which is what trees compare in."""
    block = schema.blocks[j]
    return np.concatenate([D[..., : block.start], D[..., block.stop :]], axis=-1, dtype=np.float32)


def encode(schema: Schema, j: int, codes: Floats) -> Design:
    """Design columns of item j for codes (…,): shape (…, K) dummies of a nominal item, (…, 1) codes of another."""
    column = schema.columns[j]
    return (codes[..., None] == column.levels).astype(float) if column.kind is Kind.NOMINAL else codes[..., None]


def increasing_holes(X: Floats) -> list[int]:
    """Positions of the columns of a table (n, p), fewest holes first; ties in order."""
    return np.argsort(np.isnan(X).sum(axis=0), kind="stable").tolist()


def most_informative(schema: Schema, X: Floats, n_features: int) -> list[NDArray[np.integer]]:
    """Positions of the items that tell most about each item of a table (n, p), at most n_features of them, ascending.

    Best first by nats an answer of the item can expect from the other: their mutual information less what
    chance gives (Miller 1955), times the share of the item's rows where the other is known too. Numeric
    items are cut into tenths. Holes count for nothing, so a hidden answer has no say.
    """
    worth = _information_of_each_row(schema, X)
    np.fill_diagonal(worth, -np.inf)
    best = np.argsort(-worth, axis=1, kind="stable")[:, : min(n_features, len(schema) - 1)]
    return [np.sort(row) for row in best]


def _information_of_each_row(schema: Schema, X: Floats) -> Floats:
    """Nats (p, p) that item j tells about an answer to item i on average, entry (i, j); below zero at times."""
    numbers, sizes = level_numbers(schema, X)
    chosen = np.concatenate(
        [numbers[:, [j]] == np.arange(size) for j, size in enumerate(sizes)], axis=1, dtype=np.float32
    )
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    together = (chosen.T @ chosen).astype(float)  # (levels, levels): how often two levels are chosen together
    margins = np.add.reduceat(together, starts, axis=1)  # (levels, p): level among the rows that know item j
    rows = np.add.reduceat(margins, starts, axis=0)  # (p, p): rows that know both items
    own = np.add.reduceat(_n_log_n(margins), starts, axis=0)
    both = np.add.reduceat(np.add.reduceat(_n_log_n(together), starts, axis=0), starts, axis=1)
    total = _n_log_n(rows) + both - own - own.T  # of all rows: N times the mutual information
    chance = np.outer(sizes - 1, sizes - 1) / 2
    return (total - chance) / np.maximum(np.diag(rows), 1)[:, None]


def _n_log_n(counts: Floats) -> Floats:
    return counts * np.log(np.maximum(counts, 1))
