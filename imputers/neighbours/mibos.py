"""MIBOS: the respondents who agree on the most answers vote, round after round."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import StrOptions

from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.shared.bins import quantile_edges
from imputers.shared.ranges import COUNT, TWO_OR_MORE

BLOCK = 64  # rows at a time: similarities of a block to all donors stay in the processor's cache

Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Vote:
    """What the most similar donors say of an item.

    Parameters
    ----------
    near : which donors they are, shape (holes, donors).
    winner : number of the level with most votes, shape (holes,).
    shares : of the levels among them, shape (holes, K); the winner has a hair more than the levels it ties with.
    """

    near: NDArray[np.bool_]
    winner: Positions
    shares: Floats


@dataclass(frozen=True, eq=False)
class Filled:
    """Fills of a table.

    Parameters
    ----------
    table : completed (n, p).
    shares : of the levels among the voters, shape (n, q), see `Mibos.blocks_`.
    """

    table: Floats
    shares: Floats


@IMPUTERS.register("mibos")
class Mibos(Imputer):
    """Majority among the respondents who agree on the most answers.

    Wu, Feng, Han & Wang (2012), "Missing categorical data imputation approach based on similarity", IEEE SMC. The paper
    itself could not be had, nor code or a figure to check against: rules and tie-breaking are those of second hand.
    The similarity of two rows is the number of items that both answered, and answered alike. A hole gets the mode
    among the rows with the largest similarity of those who answered the item; ties go to the level whose donors have
    the larger total similarity, then to the more frequent one. Where nobody is similar at all the hole waits for the
    next round, in which the fills of this one count and lend like answers; a fill is never revised. What is left when
    a round fills nothing more gets the mode of the item.

    Numeric columns are cut into bins of equal frequency, and a numeric hole gets the median of the voters' answers in
    the winning bin. There is no distribution: draws are equal rows. Probabilities are the shares among the voters; an
    ordinal hole is expected to be their mean, a numeric one its fill. Assumes missing at random, and that all items
    tell equally much. New rows seek donors among the fitted rows. Time grows with rows times donors; memory does not,
    as rows are compared in blocks.

    Parameters
    ----------
    conflict : ``"count"``, where a disagreement adds nothing, or ``"strict"``, where a single one makes two rows
        dissimilar (as in the tolerance relation of Kryszkiewicz 1998, Information Sciences 112).
    n_bins : number of bins of a numeric column.
    max_iter : most rounds.
    max_donors : with more fitted rows than this, a random sample of so many lends.

    Attributes
    ----------
    blocks_ : which columns of a 0/1 table of all levels and bins belong to each item.
    """

    nouns: ClassVar[tuple[object, ...] | None] = ()
    family: ClassVar[str] = "neighbours"
    defaults: ClassVar[str] = "ours; on which table is not recorded"
    deterministic: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "conflict": [StrOptions({"count", "strict"})],
        "n_bins": TWO_OR_MORE,
        "max_iter": COUNT,
        "max_donors": COUNT,
    }

    def __init__(self, conflict: str = "count", n_bins: int = 8, max_iter: int = 10, max_donors: int = 10_000) -> None:
        self.conflict = conflict
        self.n_bins = n_bins
        self.max_iter = max_iter
        self.max_donors = max_donors

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self.table_ = X.copy()
        self.donors_ = np.sort(rng.permutation(len(X))[: self.max_donors])
        self.cuts_ = [
            (column.levels[1:] + column.levels[:-1]) / 2
            if column.labels
            else quantile_edges(x[~np.isnan(x)], self.n_bins)
            for column, x in zip(self.schema_, X.T, strict=True)
        ]
        ends = np.cumsum([len(cuts) + 1 for cuts in self.cuts_])
        self.blocks_ = [slice(end - len(cuts) - 1, end) for cuts, end in zip(self.cuts_, ends, strict=True)]
        self.frequencies_ = self._marks(self._numbers(X)).sum(axis=0, dtype=float)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        filled, holes = self._fill(X), np.isnan(X)
        expected, probabilities = np.full(X.shape, np.nan), {}
        for j, (column, block) in enumerate(zip(self.schema_, self.blocks_, strict=True)):
            if column.kind is Kind.NUMERIC:
                expected[:, j] = filled.table[:, j]
            else:
                probabilities[j] = filled.shares[holes[:, j], block]
            if column.kind is Kind.ORDINAL:
                expected[:, j] = filled.shares[:, block] @ column.levels
        return Prediction(np.tile(filled.table[holes], (n_draws, 1)), expected[holes], probabilities)

    def _numbers(self, X: Floats) -> Positions:
        """Number of the level or bin of each answer, shape (n, p); -1 where missing."""
        numbers = np.column_stack([np.searchsorted(cuts, X[:, j]) for j, cuts in enumerate(self.cuts_)])
        return np.where(np.isnan(X), -1, numbers)

    def _marks(self, numbers: Positions) -> NDArray[np.float32]:
        """0/1 table (n, q) of the levels and bins answered; a missing answer is 0 everywhere."""
        return np.hstack(
            [numbers[:, [j]] == np.arange(len(cuts) + 1) for j, cuts in enumerate(self.cuts_)], dtype=np.float32
        )

    def _fill(self, X: Floats) -> Filled:
        """Complete X, the fitted rows lending."""
        same = X.shape == self.table_.shape and np.array_equal(X, self.table_, equal_nan=True)
        table = self.table_.copy() if same else np.vstack([self.table_, X])
        numbers = self._numbers(table)
        shares = np.zeros((len(table), len(self.frequencies_)))
        left = np.inf
        for _ in range(self.max_iter):
            if not 0 < (numbers < 0).sum() < left:
                break
            left = (numbers < 0).sum()
            self._round(table, numbers, shares)
        self._fill_rest(table, numbers, shares)
        asked = slice(len(table) - len(X), None)
        return Filled(table[asked], shares[asked])

    def _round(self, table: Floats, numbers: Positions, shares: Floats) -> None:
        """Fill in place every hole that has a similar donor; fills of this round lend in the next."""
        lent, lent_numbers = table[self.donors_], numbers[self.donors_]
        marks = self._marks(lent_numbers)
        answered = [np.flatnonzero(column >= 0) for column in lent_numbers.T]
        waiting = np.flatnonzero((numbers < 0).any(axis=1))
        for start in range(0, len(waiting), BLOCK):
            rows = waiting[start : start + BLOCK]
            similar = self._similarities(self._marks(numbers[rows]), marks)
            for j, holes in enumerate((numbers[rows] < 0).T):
                donors, block = answered[j], self.blocks_[j]
                alike = similar[np.ix_(holes, donors)]
                told = alike.max(axis=1, initial=0) > 0
                if not told.any():
                    continue
                into = rows[holes][told]
                votes = vote(alike[told], marks[donors, block], self.frequencies_[block])
                numbers[into, j], shares[into, block] = votes.winner, votes.shares
                table[into, j] = fills(self.schema_.columns[j], votes, lent[donors, j], lent_numbers[donors, j])

    def _similarities(self, marks: NDArray[np.float32], lent: NDArray[np.float32]) -> NDArray[np.float32]:
        """Number of equal answers (b, d) of rows (b, q) and donors (d, q)."""
        equal = marks @ lent.T
        if self.conflict == "count":
            return equal
        starts = [block.start for block in self.blocks_]
        both = np.add.reduceat(marks, starts, axis=1) @ np.add.reduceat(lent, starts, axis=1).T
        return np.where(equal == both, equal, 0)

    def _fill_rest(self, table: Floats, numbers: Positions, shares: Floats) -> None:
        """Give the holes that no round filled the mode of their item."""
        for j, (column, block) in enumerate(zip(self.schema_, self.blocks_, strict=True)):
            rows = np.flatnonzero(numbers[:, j] < 0)
            known = self.table_[~np.isnan(self.table_[:, j])]
            everybody = np.ones((1, len(known)), dtype=np.float32)
            bins = self._numbers(known)
            votes = vote(everybody, self._marks(bins)[:, block], self.frequencies_[block])
            shares[rows, block] = votes.shares
            table[rows, j] = fills(column, votes, known[:, j], bins[:, j])[0]


def vote(similar: NDArray[np.float32], marks: NDArray[np.float32], frequencies: Floats) -> Vote:
    """Count the levels of the most similar donors: similarities (h, d), levels (d, K) and their frequencies (K,)."""
    near = similar == similar.max(axis=1, keepdims=True)
    counts = (near.astype(np.float32) @ marks).astype(float)
    leading = np.ones(counts.shape, dtype=bool)
    for score in (counts, similar @ marks, np.broadcast_to(frequencies, counts.shape)):
        score = np.where(leading, score, -1)
        leading = score == score.max(axis=1, keepdims=True)
    winner = leading.argmax(axis=1)
    counts[np.arange(len(counts)), winner] += 1e-6  # so that the most probable level is the one that won the tie
    return Vote(near, winner, counts / counts.sum(axis=1, keepdims=True))


def fills(column: Column, votes: Vote, values: Floats, numbers: Positions) -> Floats:
    """Fills (h,): the winning level, or the median of the voters' values (d,) in the winning bin."""
    if column.labels:
        return column.levels[votes.winner]
    middles = [
        np.median(values[near & (numbers == winner)]) for near, winner in zip(votes.near, votes.winner, strict=True)
    ]
    return column.snap(np.array(middles))
