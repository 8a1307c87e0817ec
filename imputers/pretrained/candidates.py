"""Candidates for a missing answer: what the most similar rows answered, and what most people answered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.schema import Floats, Schema
from imputers.shared.distances import Gower
from imputers.shared.vocabulary import Item, Positions


@dataclass(frozen=True, eq=False)
class Candidates:
    """Where candidates are looked up.

    Similarity is Gower's over the other columns, strings compared by edit distance; the column itself has no say, so
    that a known answer that is hidden in training meets the candidates that a hole would meet.

    Parameters
    ----------
    schema, items : the columns.
    donors : rows that lend their answers (d, p).
    n_neighbours, n_frequent : most similar donors, and most frequent answers. A column with no more answers than these
        has all of them as candidates.
    """

    schema: Schema
    items: Sequence[Item]
    donors: Floats
    n_neighbours: int
    n_frequent: int

    def of(self, X: Floats, j: int) -> Positions:
        """Answer numbers to try for column j in rows X (r, p), each once, padded by -1; shape (r, c)."""
        item = self.items[j]
        frequent = np.argsort(-item.counts, kind="stable")[: self.n_frequent]
        both = np.tile(frequent, (len(X), 1))
        if len(item.counts) > self.n_frequent:
            both = np.concatenate([both, self._lent(X, j)], axis=1)
        both.sort(axis=1)
        both[:, 1:][both[:, 1:] == both[:, :-1]] = -1
        return both

    def _lent(self, X: Floats, j: int) -> Positions:
        """Answers to j of the most similar donors who gave one (r, k)."""
        others = [k for k in range(len(self.schema)) if k != j]
        donors = self.donors[~np.isnan(self.donors[:, j])]
        answers = self.items[j].encode(donors[:, j])
        gower = Gower.learn(self.schema.take(others), self.donors[:, others])
        k = min(self.n_neighbours, len(donors))
        lent = np.empty((len(X), k), dtype=np.intp)
        for rows, apart in gower.blocks(X[:, others], donors[:, others]):
            lent[rows] = answers[np.argpartition(apart, k - 1, axis=1)[:, :k]]
        return lent
