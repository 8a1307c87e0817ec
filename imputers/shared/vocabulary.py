"""Vocabulary of a table: one word for each question, and one for each observed answer to it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats, Kind, Schema

Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Item:
    """One column, its answers numbered 0…K-1: the observed codes, or bins of the observed numbers.

    A level that nobody gave is no answer. A numeric column with few distinct values has one bin per value.

    Parameters
    ----------
    column : what the item means.
    values : observed values, ascending, shape (n,).
    starts : where in ``values`` each answer begins, shape (K,).
    """

    column: Column
    values: Floats
    starts: Positions

    @classmethod
    def fit(cls, column: Column, values: Floats, n_bins: int) -> Self:
        """Bins of about equal numbers of people, or one per value if there are no more than ``n_bins`` values.

        Parameters
        ----------
        values : observed values, in any order, shape (n,).
        n_bins : number of bins of a numeric column at most.
        """
        ordered = np.sort(values)
        distinct, starts = np.unique(ordered, return_index=True)
        if column.kind is Kind.NUMERIC and len(distinct) > n_bins:
            edges = ordered[np.arange(n_bins) * len(ordered) // n_bins]  # observed values: no bin is empty
            starts = np.searchsorted(ordered, np.unique(edges))
        return cls(column, ordered, starts)

    @cached_property
    def counts(self) -> Positions:
        """Number of people who gave each answer, shape (K,)."""
        return np.diff(self.starts, append=len(self.values))

    @cached_property
    def means(self) -> Floats:
        """Code of each answer, or mean of the values in its bin, shape (K,)."""
        return np.add.reduceat(self.values, self.starts) / self.counts

    @cached_property
    def shares(self) -> Floats:
        """Share of people who gave each answer, shape (K,)."""
        return self.counts / len(self.values)

    @cached_property
    def scores(self) -> Floats:
        """Standardised place of each answer on its scale, shape (K,); zero if the item has no scale."""
        if self.column.kind is Kind.NOMINAL:
            return np.zeros(len(self.means))
        return (self.means - self.values.mean()) / self.values.std()

    def encode(self, values: Floats) -> Positions:
        """Answer number of each value; -1 for NaN and for a level that was never observed."""
        known = np.flatnonzero(~np.isnan(values))
        lowest = self.values[self.starts]
        numbers = np.maximum(np.searchsorted(lowest, values[known], side="right") - 1, 0)
        if self.column.kind is not Kind.NUMERIC:
            numbers[lowest[numbers] != values[known]] = -1
        answers = np.full(len(values), -1, dtype=np.intp)
        answers[known] = numbers
        return answers

    def decode(self, answers: Positions, rng: np.random.Generator) -> Floats:
        """Value of each answer; of a bin, one of the values observed in it, all equally likely."""
        inside = np.floor(rng.random(len(answers)) * self.counts[answers]).astype(np.intp)
        return self.values[self.starts[answers] + inside]

    def spread(self, probabilities: Floats) -> Floats:
        """Probabilities of the observed answers (r, K) as those of all levels of the schema, in its order."""
        levels = self.column.levels
        table = np.zeros((len(probabilities), len(levels)))
        table[:, np.searchsorted(levels, self.means)] = probabilities
        return table


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """All words: a question per item, then the answers of the first item, of the second, and so on.

    An answer's word names its item, since "3" alone says nothing.
    """

    items: tuple[Item, ...]

    @classmethod
    def fit(cls, schema: Schema, X: Floats, n_bins: int) -> Self:
        """Words for the values observed in a table (n, p), at least one in every column."""
        return cls(tuple(Item.fit(column, X[~np.isnan(X[:, j]), j], n_bins) for j, column in enumerate(schema.columns)))

    def __len__(self) -> int:
        return int(self.bounds[-1])

    @cached_property
    def bounds(self) -> Positions:
        """First word of each item's answers, and the end of the last one's, shape (p + 1,)."""
        return np.cumsum([len(self.items), *(len(item.starts) for item in self.items)])

    @cached_property
    def item_of(self) -> Positions:
        """Item that each word belongs to, shape (words,)."""
        p = len(self.items)
        return np.concatenate([np.arange(p), np.repeat(np.arange(p), np.diff(self.bounds))])

    @cached_property
    def scores(self) -> Floats:
        """Standardised place of each word on its item's scale, shape (words,); zero for questions."""
        return np.concatenate([np.zeros(len(self.items)), *(item.scores for item in self.items)])

    @cached_property
    def shares(self) -> Floats:
        """Share of people who gave each answer to each item, shape (p, K), K answers of the widest; zero beyond."""
        table = np.zeros((len(self.items), np.diff(self.bounds).max()))
        for j, item in enumerate(self.items):
            table[j, : len(item.shares)] = item.shares
        return table

    def answers(self, X: Floats) -> Positions:
        """Answer numbers of a table (n, p); -1 for a hole and for a level that was never observed."""
        return np.column_stack([item.encode(X[:, j]) for j, item in enumerate(self.items)])

    def encode(self, X: Floats) -> Positions:
        """Words of a table (n, p): the answer's where one is known, else the question's."""
        answers = self.answers(X)
        return np.where(answers < 0, np.arange(len(self.items)), answers + self.bounds[:-1])

    def decode(self, words: Positions, columns: Positions, rng: np.random.Generator) -> Floats:
        """Values of answer words (holes,) to the questions in these columns (holes,)."""
        values = np.empty(len(words))
        for j, item in enumerate(self.items):
            values[columns == j] = item.decode(words[columns == j] - self.bounds[j], rng)
        return values
