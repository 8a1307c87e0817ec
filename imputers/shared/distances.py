"""Distances between respondents with holes, a block of rows at a time, so that memory does not grow with rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import Floats, Kind, Schema
from imputers.shared.strings import edit_distances

BLOCK = 64  # rows at a time: distances of a block to all donors stay in the processor's cache

Distances = NDArray[np.float32]


class Distance(Protocol):
    """What is learnt once from the fitted rows and then compares any rows of the same schema."""

    def blocks(self, X: Floats, donors: Floats) -> Iterator[tuple[slice, Distances]]:
        """Blocks of rows of X (n, p) and their distances (block, d) to the donors (d, p)."""
        ...


@dataclass(frozen=True, eq=False)
class Gower:
    """Mean distance over the items that both answered (Gower 1971, Biometrics 27, equation 5), from 0 to 1.

    Mismatch for nominal items, difference over range for ordinal and numeric ones, normalised edit distance
    for text (which Gower did not have). Rows that share no answer are 1 apart: as far as can be.

    Parameters
    ----------
    schema : the columns.
    low, range : lowest answer, and highest less lowest, of each column, shape (p,).
    """

    schema: Schema
    low: Floats
    range: Floats

    @classmethod
    def learn(cls, schema: Schema, X: Floats) -> Self:
        """Read the ranges off a table with holes (n, p) whose columns all vary."""
        low = np.nanmin(X, axis=0)
        return cls(schema, low, np.nanmax(X, axis=0) - low)

    def blocks(self, X: Floats, donors: Floats) -> Iterator[tuple[slice, Distances]]:
        """Blocks of rows of X (n, p) and their distances (block, d) to the donors (d, p)."""
        one_by_one = self.schema.where(Kind.NUMERIC, Kind.TEXT)
        left, right = self._products(X)[0], self._products(donors)[1].T.copy()
        we_know, they_know = _known(X), _known(donors).T.copy()
        for rows in _slices(len(X)):
            total = left[rows] @ right
            for j in one_by_one:
                total += self.item(j, X[rows, j], donors[:, j])
            shared = we_know[rows] @ they_know
            yield rows, np.where(shared > 0, total, 1) / np.maximum(shared, 1)

    def item(self, j: int, ours: Floats, theirs: Floats, usual: float = 0.0) -> Distances:
        """Distances in column j alone, from codes (a,) to codes (b,), less the usual one: shape (a, b).

        They are 0 where one of the two did not answer: such a pair is taken to be as far apart as is usual.
        """
        kind = self.schema.columns[j].kind
        if kind is Kind.TEXT:
            apart = self._edits(j, ours, theirs)
        elif kind is Kind.NOMINAL:
            apart = (ours[:, None] != theirs).astype(np.float32)
        else:
            apart = self._scaled(j, ours)[:, None] - self._scaled(j, theirs)
            np.abs(apart, out=apart)
        apart -= usual
        apart *= _known(ours)[:, None] * _known(theirs)
        return apart

    def _scaled(self, j: int, codes: Floats) -> Distances:
        """Codes in units of their range; 0 where missing."""
        scaled = ((codes - self.low[j]) / self.range[j]).astype(np.float32)
        scaled[np.isnan(scaled)] = 0
        return scaled

    def _edits(self, j: int, ours: Floats, theirs: Floats) -> Distances:
        """Edit distances, each pair of different strings compared once; a missing string counts as empty."""
        text = self.schema.columns[j].labels
        our_codes, our_place = np.unique(ours, return_inverse=True)
        their_codes, their_place = np.unique(theirs, return_inverse=True)
        between = edit_distances([text.get(c, "") for c in our_codes], [text.get(c, "") for c in their_codes])
        return between[our_place][:, their_place]

    def _products(self, X: Floats) -> tuple[Distances, Distances]:
        """Numbers whose products sum to the distances of nominal and ordinal items, so that one matrix product does.

        A nominal mismatch is (both answered) less (both at this level), summed over levels. An ordinal
        difference is the sum of the steps of the scale that one of the two has climbed and the other has not.
        A missing answer is 0 everywhere.
        """
        left, right = [], []
        for j in self.schema.where(Kind.NOMINAL, Kind.ORDINAL):
            column, codes = self.schema.columns[j], X[:, [j]]
            known = ~np.isnan(codes)
            if column.kind is Kind.NOMINAL:
                match = codes == column.levels
                left += [known, match]
                right += [known, -1.0 * match]
            else:
                climbed = codes > column.levels[:-1]
                below = known & ~climbed
                step = np.diff(column.levels) / self.range[j]
                left += [climbed * step, below * step]
                right += [below, climbed]
        empty = np.empty((len(X), 0))
        return np.hstack([empty, *left]).astype(np.float32), np.hstack([empty, *right]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Euclidean:
    """Euclidean distance of standardised answers over the items both gave, scaled up to all p items.

    Dixon (1979), IEEE Transactions on Systems, Man, and Cybernetics 9; on a numeric table this is scikit-learn's
    ``nan_euclidean``. Numeric and ordinal codes are divided by their standard deviation; a nominal
    mismatch costs 1. Rows that share no answer are infinitely far apart. Text has no place in it. Ours stays for
    nominal items and for blocks of rows, each from one matrix product.

    Parameters
    ----------
    schema : the columns.
    centre, scale : of each column of the design (see `Schema.design`), shape (q,).
    """

    schema: Schema
    centre: Floats
    scale: Floats

    @classmethod
    def learn(cls, schema: Schema, X: Floats) -> Self:
        """Read means and standard deviations off a table with holes (n, p) whose columns all vary.

        Raises
        ------
        InputError
            If there are text columns.
        """
        texts = [schema.names[j] for j in schema.where(Kind.TEXT)]
        if texts:
            raise InputError(f"metric 'euclidean' cannot read the text columns {texts}; use metric='gower'")
        D = schema.design(X)
        centre, scale = np.nanmean(D, axis=0), np.nanstd(D, axis=0)
        for j in schema.where(Kind.NOMINAL):
            centre[schema.blocks[j]], scale[schema.blocks[j]] = 0, np.sqrt(2)  # two dummies differ: 1/2 + 1/2
        return cls(schema, centre, scale)

    def blocks(self, X: Floats, donors: Floats) -> Iterator[tuple[slice, Distances]]:
        """Blocks of rows of X (n, p) and their distances (block, d) to the donors (d, p)."""
        ours, theirs = self._standardised(X), self._standardised(donors)
        # |x - y|² = x² + y² - 2xy, each term only where both answered; a missing number is 0
        left = np.hstack([ours**2, _known(self.schema.design(X)), -2 * ours])
        right = np.hstack([_known(self.schema.design(donors)), theirs**2, theirs]).T.copy()
        we_know, they_know = _known(X), _known(donors).T.copy()
        for rows in _slices(len(X)):
            with np.errstate(divide="ignore"):
                share = len(self.schema) / (we_know[rows] @ they_know)  # infinite where nothing is shared
            squares = np.maximum(left[rows] @ right, 0)  # rounding may take it below
            squares[np.isinf(share)] = 1
            yield rows, np.sqrt(squares * share).astype(np.float32)

    def _standardised(self, X: Floats) -> Floats:
        return np.nan_to_num((self.schema.design(X) - self.centre) / self.scale)


DISTANCES: Mapping[str, Callable[[Schema, Floats], Distance]] = {"gower": Gower.learn, "euclidean": Euclidean.learn}


def _known(X: Floats) -> Distances:
    return (~np.isnan(X)).astype(np.float32)


def _slices(n: int) -> Iterator[slice]:
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))
