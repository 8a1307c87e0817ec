"""Classification and regression trees grown on histograms: the leaf of every row, from predictors cut into bins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats

Bins = NDArray[np.uint8]
Numbers = NDArray[np.integer]
MOST = 255  # bins of a predictor


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a tree tells apart, in n rows.

    The impurity of a node is the sum of squares of d scores about their means. With the codes as scores it is that of a
    regression tree; with a 0/1 score for each level it is Gini's index times the number of rows.

    Parameters
    ----------
    levels : number of the level of each row, shape (n,).
    scores : of the levels, shape (K, d).
    """

    levels: Numbers
    scores: Floats

    def impurity(self) -> float:
        """Impurity of all rows together."""
        counts = np.bincount(self.levels, minlength=len(self.scores))
        return float(np.sum(counts @ (self.scores - np.average(self.scores, axis=0, weights=counts)) ** 2))

    def at(self, rows: Numbers) -> "Outcome":
        """The outcome of some rows alone."""
        return Outcome(self.levels.take(rows).astype(np.intp), self.scores)

    def sums(self, cells: Numbers, n: int) -> Floats:
        """Number of rows and sums of scores in n cells, given the cell of each row: shape (1 + d, n)."""
        K = len(self.scores)
        counts = np.bincount(cells * K + self.levels, minlength=n * K).reshape(n, K)
        return np.vstack([counts.sum(axis=1), (counts @ self.scores).T])


@dataclass(frozen=True, eq=False)
class NumericOutcome:
    """The same for codes (n,) of a numeric item."""

    codes: Floats

    def impurity(self) -> float:
        """Impurity of all rows together."""
        return float(np.var(self.codes) * len(self.codes))

    def at(self, rows: Numbers) -> "NumericOutcome":
        """The outcome of some rows alone."""
        return NumericOutcome(self.codes.take(rows))

    def sums(self, cells: Numbers, n: int) -> Floats:
        """Number of rows and sum of codes in n cells, given the cell of each row: shape (2, n)."""
        return np.vstack([np.bincount(cells, minlength=n), np.bincount(cells, self.codes, minlength=n)])


@dataclass(frozen=True, eq=False)
class Splits:
    """The best split of each of m nodes: rows whose bin is above ``cut`` go to the right.

    Parameters
    ----------
    gain : fall of the impurity, shape (m,); none is allowed where it is -inf.
    column, cut : shape (m,).
    """

    gain: Floats
    column: Numbers
    cut: Numbers


@dataclass(eq=False)
class Descent:
    """Rows on their way down a tree.

    Parameters
    ----------
    bins : of their predictors, shape (q, n).
    rows : that are not in a leaf yet.
    nodes : numbers of the nodes that these are in.
    leaves : of all rows, shape (n,), as far as they are known.
    """

    bins: Bins
    rows: Numbers
    nodes: Numbers
    leaves: Numbers

    @classmethod
    def begin(cls, bins: Bins) -> "Descent":
        """All rows in the root, which is node 0."""
        n = bins.shape[1]
        return cls(bins, np.arange(n), np.zeros(n, dtype=np.intp), np.zeros(n, dtype=np.intp))

    def step(self, splits: Splits, leaf: Numbers, child: Numbers) -> None:
        """Go one node down.

        Parameters
        ----------
        leaf : number of the leaf that a node becomes, shape (m,); -1 if it is split.
        child : number of the left child, shape (m,); that of the right one is the next.
        """
        ends = leaf.take(self.nodes)
        done = ends >= 0
        self.leaves[self.rows[done]] = ends[done]
        rows, nodes = self.rows[~done], self.nodes[~done]
        right = self.bins[splits.column.take(nodes), rows] > splits.cut.take(nodes)
        self.rows, self.nodes = rows, child.take(nodes) + right


def grow(
    known: Bins,
    outcome: Outcome | NumericOutcome,
    others: Bins,
    *,
    min_samples_leaf: int,
    min_samples_split: int,
    min_gain: float,
) -> tuple[Numbers, Numbers]:
    """Leaves of rows that a tree is grown on (n,), and of other rows (h,).

    Breiman, Friedman, Olshen & Stone 1984 (Classification and Regression Trees, chapters 2 and 8), level by level.
    With a bin for each distinct value the splits are those of a search among the values. Own code, because
    scikit-learn's exact trees sort the rows of every node, and its histogram trees are regression trees that tell no
    leaf.

    Parameters
    ----------
    known, others : bins of the predictors, shape (q, n) and (q, h).
    outcome : of the n rows.
    min_samples_leaf : smallest number of rows in a leaf.
    min_samples_split : smallest number of rows in a node that is split.
    min_gain : smallest fall of the impurity by a split, as a share of the root's.
    """
    grown, dropped = Descent.begin(known), Descent.begin(others)
    widths = (known.max(axis=1).astype(np.intp) + 1).tolist()
    least = min_gain * outcome.impurity()
    n_nodes, n_leaves, parents = 1, 0, None
    while n_nodes:
        tables = histograms(grown, outcome, widths, parents)
        totals = tables[0].sum(axis=2)
        splits = best_splits(tables, totals, min_samples_leaf)
        split = (splits.gain > least) & (totals[0] >= min_samples_split)
        leaf = np.where(split, -1, n_leaves + np.cumsum(~split) - 1)
        child = 2 * (np.cumsum(split) - 1)
        for descent in (grown, dropped):
            descent.step(splits, leaf, child)
        n_leaves, n_nodes = n_leaves + int(np.sum(~split)), 2 * int(split.sum())
        parents = [table[:, split] for table in tables]
    return grown.leaves, dropped.leaves


def histograms(
    grown: Descent, outcome: Outcome | NumericOutcome, widths: list[int], parents: list[Floats] | None
) -> list[Floats]:
    """Number of rows and sums of scores in each bin of each of m nodes, for each predictor: (1 + d, m, bins).

    Rows of the smaller of two children are looked at; the other has what is left of the parent.

    Parameters
    ----------
    parents : the same of the nodes whose children these are, two by two; None for the root.
    """
    if parents is None:
        return list(_counted(grown.bins, outcome, grown.rows, grown.nodes, widths))
    sizes = np.bincount(grown.nodes, minlength=2 * parents[0].shape[1])
    small = (sizes[1::2] < sizes[::2]).astype(np.intp)  # 1 where it is the right one
    chosen = np.flatnonzero((grown.nodes & 1) == small.take(grown.nodes >> 1))
    rows, pairs = grown.rows.take(chosen), grown.nodes.take(chosen) >> 1
    found = _counted(grown.bins, outcome, rows, pairs, widths, len(small))
    return [_with_siblings(own, parent, small) for own, parent in zip(found, parents, strict=True)]


def _counted(
    bins: Bins, outcome: Outcome | NumericOutcome, rows: Numbers, nodes: Numbers, widths: list[int], m: int = 1
) -> Iterator[Floats]:
    outcome = outcome.at(rows)
    starts = {width: nodes * width for width in set(widths)}
    for own, width in zip(bins, widths, strict=True):
        yield outcome.sums(starts[width] + own.take(rows), m * width).reshape(-1, m, width)


def _with_siblings(table: Floats, parent: Floats, place: Numbers) -> Floats:
    """Tables of both children of each node (1 + d, 2 m, bins), from that of one, which is the left or the right."""
    both = np.empty((len(table), len(place), 2, table.shape[2]))
    pairs = np.arange(len(place))
    both[:, pairs, place] = table
    both[:, pairs, 1 - place] = parent - table
    return both.reshape(len(table), -1, table.shape[2])


def cuts(values: Floats) -> Floats:
    """Where values (n,) of a predictor are cut into bins, ascending: between all of them, or at quantiles of many."""
    distinct = np.unique(values)
    if len(distinct) <= MOST:
        return (distinct[1:] + distinct[:-1]) / 2
    return np.unique(np.quantile(values, np.arange(1, MOST) / MOST))


def binned(columns: Sequence[NDArray[np.floating]], edges: Sequence[Floats]) -> Bins:
    """Bins (q, n) of predictors, each (n,), given where each is cut."""
    bins = np.empty((len(columns), len(columns[0])), dtype=np.uint8)
    for own, edge, values in zip(bins, edges, columns, strict=True):
        own[:] = np.searchsorted(edge.astype(values.dtype), values)
    return bins


def best_splits(tables: Sequence[Floats], totals: Floats, min_samples_leaf: int) -> Splits:
    """Best split of each of m nodes with numbers of rows and sums of scores (1 + d, m), given those of their bins."""
    m = totals.shape[1]
    best = Splits(np.full(m, -np.inf), np.zeros(m, dtype=np.intp), np.zeros(m, dtype=np.intp))
    for column, table in enumerate(tables):
        if table.shape[2] < 2:
            continue
        gain = gains(table.cumsum(axis=2)[:, :, :-1], totals[:, :, None], min_samples_leaf)
        cut = gain.argmax(axis=1)
        found = gain[np.arange(m), cut]
        better = found > best.gain
        best.gain[better], best.column[better], best.cut[better] = found[better], column, cut[better]
    return best


def gains(below: Floats, totals: Floats, min_samples_leaf: int) -> Floats:
    """Fall of the impurity by each cut (m, cuts), given counts and sums below it (1 + d, m, cuts) and (1 + d, m, 1)."""
    above = totals - below
    allowed = (below[0] >= min_samples_leaf) & (above[0] >= min_samples_leaf)
    return np.where(allowed, explained(below) + explained(above) - explained(totals), -np.inf)


def explained(sums: Floats) -> Floats:
    """Squares of the mean scores, summed over rows, given counts and sums (1 + d, …)."""
    return np.sum(sums[1:] ** 2, axis=0) / np.maximum(sums[0], 1)
