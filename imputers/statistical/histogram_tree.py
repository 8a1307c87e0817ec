"""Classification and regression trees grown on histograms: the leaf of every row, from predictors cut into bins."""

from collections.abc import Sequence
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
    widths = known.max(axis=1).astype(np.intp) + 1
    least, n_nodes, n_leaves = np.inf, 1, 0
    while n_nodes:
        own = outcome.at(grown.rows)
        totals = own.sums(grown.nodes, n_nodes)
        splits = best_splits(grown, own, widths, totals, min_samples_leaf)
        if np.isinf(least):
            least = min_gain * impurity(outcome, totals)
        split = (splits.gain > least) & (totals[0] >= min_samples_split)
        leaf = np.where(split, -1, n_leaves + np.cumsum(~split) - 1)
        child = 2 * (np.cumsum(split) - 1)
        for descent in (grown, dropped):
            descent.step(splits, leaf, child)
        n_leaves, n_nodes = n_leaves + int(np.sum(~split)), 2 * int(split.sum())
    return grown.leaves, dropped.leaves


def impurity(outcome: Outcome | NumericOutcome, totals: Floats) -> float:
    """Impurity of the root, given its number of rows and sums of scores (1 + d, 1)."""
    if isinstance(outcome, NumericOutcome):
        return float(np.sum(outcome.codes**2) - totals[1, 0] ** 2 / totals[0, 0])
    counts = np.bincount(outcome.levels, minlength=len(outcome.scores))
    return float(counts @ np.sum(outcome.scores**2, axis=1) - np.sum(totals[1:] ** 2) / totals[0, 0])


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


def best_splits(
    grown: Descent, outcome: Outcome | NumericOutcome, widths: Numbers, totals: Floats, min_samples_leaf: int
) -> Splits:
    """Best split of each of m nodes with numbers of rows and sums of scores ``totals`` (1 + d, m)."""
    m = totals.shape[1]
    starts = {width: grown.nodes * width for width in set(widths.tolist())}
    best = Splits(np.full(m, -np.inf), np.zeros(m, dtype=np.intp), np.zeros(m, dtype=np.intp))
    for column, (bins, width) in enumerate(zip(grown.bins, widths.tolist(), strict=True)):
        if width < 2:
            continue
        cells = starts[width] + bins.take(grown.rows)
        below = outcome.sums(cells, m * width).reshape(-1, m, width).cumsum(axis=2)[:, :, :-1]
        gain = gains(below, totals[:, :, None], min_samples_leaf)
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
