"""Rows of a table as text: an "attribute: value" pair for each known answer."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from datasets.schema import Floats, Kind
from imputers.shared.vocabulary import Item, Positions, Vocabulary
from imputers.shared.wording import in_words


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every pair that a table can hold, numbered column by column: one per level, or per bin of a numeric column.

    Levels that nobody gave are among them, since a new respondent may.

    Parameters
    ----------
    items : the columns.
    texts : of each pair, "attribute: value".
    starts : number of each column's first pair, and the end of the last one's, shape (p + 1,).
    """

    items: tuple[Item, ...]
    texts: tuple[str, ...]
    starts: Positions

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Self:
        """Write out the pairs of a table's columns, in the survey's wording and labels."""
        columns = []
        for item, words in zip(vocabulary.items, in_words(vocabulary.items), strict=True):
            numeric = item.column.kind is Kind.NUMERIC
            values = words.answers if numeric else tuple(item.column.labels.values())
            columns.append([f"{words.question}: {value}" for value in values])
        starts = np.cumsum([0, *map(len, columns)])
        return cls(vocabulary.items, tuple(text for column in columns for text in column), starts)

    def numbers(self, X: Floats) -> Positions:
        """Pairs of a table of codes (n, p); -1 for a hole."""
        found = np.full(X.shape, -1, dtype=np.intp)
        for j, item in enumerate(self.items):
            known = np.flatnonzero(~np.isnan(X[:, j]))
            x = X[known, j]
            numeric = item.column.kind is Kind.NUMERIC
            found[known, j] = self.starts[j] + (item.encode(x) if numeric else np.searchsorted(item.column.levels, x))
        return found

    def of_answers(self, j: int) -> Positions:
        """Pairs of the observed answers to item j, shape (K,)."""
        item = self.items[j]
        if item.column.kind is Kind.NUMERIC:
            return self.starts[j] + np.arange(len(item.starts))
        return self.starts[j] + np.searchsorted(item.column.levels, item.means)

    def text(self, row: Positions) -> str:
        """One tuple (p,) in words; -1 is left out."""
        return "; ".join(self.texts[pair] for pair in row if pair >= 0)
