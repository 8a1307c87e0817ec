"""Co-occurrence of answers: counts over pairs of columns, and the candidates that they suggest for a cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from datasets.schema import Floats

Symbols = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Domains:
    """Candidates of some cells of one column, cell by cell.

    Parameters
    ----------
    starts : where the candidates of each cell begin, shape (cells,).
    levels : the candidates, shape (pairs,); each cell has one at least.
    features : shape (pairs, p), what speaks for each: see `Cooccurrence.domains`.
    """

    starts: Symbols
    levels: Symbols
    features: Floats

    @property
    def cells(self) -> Symbols:
        """Cell of each candidate (pairs,)."""
        sizes = np.diff(self.starts, append=len(self.levels))
        return np.repeat(np.arange(len(self.starts)), sizes)


@dataclass(frozen=True, eq=False)
class Cooccurrence:
    """How often the K answers to one item go with each answer to the other columns.

    Parameters
    ----------
    item : position of the item's column.
    counts : one matrix (answers of that column, K) per column; in the item's own place that of a column in which
        everybody gave the same answer, whose co-occurrences are the plain frequencies.
    telling : which columns may suggest candidates, shape (p,).
    """

    item: int
    counts: tuple[csr_matrix, ...]
    telling: NDArray[np.bool_]

    def domains(self, symbols: Symbols, prune: float) -> Domains:
        """Candidates of the item's cell in each row of symbols (n, p), and their features.

        A candidate is an answer that goes with one of the row's other answers, or is given at all, with probability
        above ``prune``; the most frequent answer stands in where there is none. Feature j is the
        probability of the candidate given the row's answer j, 0 if that is missing, and in the item's own
        place its frequency. If the row has itself answered the item, that answer is taken out of all counts first:
        left in, it would vouch for itself.
        """
        others = symbols.copy()
        others[:, self.item] = 0  # the answer that everybody gave
        own = symbols[:, self.item]
        suggested = sum(
            (self._suggested(j, others[:, j], prune) for j in np.flatnonzero(self.telling)),
            start=csr_matrix((len(symbols), self.counts[0].shape[1]), dtype=bool),
        )
        suggested.sort_indices()
        cells = np.repeat(np.arange(len(symbols)), np.diff(suggested.indptr))
        levels = suggested.indices.astype(np.intp)
        features = np.column_stack(
            [self._shares(j, others[cells, j], levels, own[cells]) for j in range(len(self.counts))]
        )
        likely = (features[:, self.telling] > prune).any(axis=1)
        kept = likely | (
            ~_any_of(likely, cells, len(symbols))[cells] & _first_of_largest(features[:, self.item], cells)
        )
        sizes = np.bincount(cells[kept], minlength=len(symbols))
        return Domains(np.cumsum(sizes) - sizes, levels[kept], features[kept])

    def _suggested(self, j: int, given: Symbols, prune: float) -> csr_matrix:
        """Answers (n, K) that may pass the threshold, whether or not a row's own answer is taken out of the counts."""
        totals = np.asarray(self.counts[j].sum(axis=1)).ravel()
        entries = self.counts[j].tocoo()
        likely = entries.data > prune * np.maximum(totals[entries.row] - 1, 0)
        if j == self.item:
            likely |= entries.data >= entries.data.max() - 1  # the most frequent, without the row as well
        places = (entries.row[likely], entries.col[likely])
        kept = csr_matrix((np.ones(int(likely.sum()), dtype=bool), places), shape=self.counts[j].shape)
        answered = np.flatnonzero(given >= 0)
        pick = csr_matrix((np.ones(len(answered), dtype=bool), (answered, given[answered])), (len(given), len(totals)))
        return pick @ kept

    def _shares(self, j: int, given: Symbols, levels: Symbols, own: Symbols) -> Floats:
        """Probability of each candidate given an answer to column j; 0 if that is missing or nobody else gave it."""
        known = given >= 0
        at = np.where(known, given, 0)
        together = np.asarray(self.counts[j][at, levels]).ravel() - (levels == own)
        totals = np.asarray(self.counts[j].sum(axis=1)).ravel()[at] - (own >= 0)
        return np.divide(together, totals, out=np.zeros(len(levels)), where=known & (totals > 0))


def count_together(symbols: Symbols, sizes: Sequence[int], item: int, min_correlation: float) -> Cooccurrence:
    """Count one item's answers with those of each other column, over the rows that gave both.

    A column may suggest candidates if its correlation with the item exceeds ``min_correlation``: one minus the
    entropy of the item given the column, in units of log K, as in the authors' code.

    Parameters
    ----------
    symbols : number of each answer among those of its column, shape (n, p); -1 where missing.
    sizes : how many answers each column has.
    item : position of the item's column.
    """
    K = sizes[item]
    counts, telling = [], []
    for j, size in enumerate(sizes):
        both = (symbols[:, item] >= 0) & (symbols[:, j] >= 0)
        given = np.zeros(int(both.sum()), dtype=np.intp) if j == item else symbols[both, j]
        pairs, number = np.unique(given * K + symbols[both, item], return_counts=True)
        counts.append(csr_matrix((number, (pairs // K, pairs % K)), shape=(1 if j == item else size, K)))
        left = -(number * np.log(number / np.bincount(given, minlength=size)[pairs // K])).sum() / max(len(given), 1)
        telling.append(j == item or 1 - left / np.log(max(K, 2)) > min_correlation)
    return Cooccurrence(item, tuple(counts), np.array(telling))


def _any_of(true: NDArray[np.bool_], cells: Symbols, n: int) -> NDArray[np.bool_]:
    """Tell for each of n cells whether anything is true of one of its candidates."""
    return np.bincount(cells[true], minlength=n) > 0


def _first_of_largest(values: Floats, cells: Symbols) -> NDArray[np.bool_]:
    """Mark, in each cell, the first candidate with the largest value."""
    order = np.lexsort((np.arange(len(cells)), -values, cells))
    marked = np.zeros(len(cells), dtype=bool)
    marked[order[np.flatnonzero(np.diff(cells[order], prepend=-1))]] = True
    return marked
