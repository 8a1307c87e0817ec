"""Chained equations: items are imputed in turn, each from all others, iteration after iteration."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind, Schema
from imputers.base import Imputer
from imputers.heartbeat import steps
from imputers.shared.predictors import Predictors

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Item:
    """One item's part in the chain.

    Parameters
    ----------
    j : its position in the schema.
    column : what its codes mean.
    known : fitted rows where it is observed; models learn from these.
    codes : their codes (known,).
    holes : rows where it is missing, fitted or new.
    levels : its observed codes in order, shape (K,); empty for a numeric item.
    positions : number of the level of each known row, shape (known,).
    """

    j: int
    column: Column
    known: Rows
    codes: Floats
    holes: Rows
    levels: Floats = field(init=False)
    positions: Rows = field(init=False)

    def __post_init__(self) -> None:
        levels, positions = np.unique(self.codes, return_inverse=True)
        object.__setattr__(self, "levels", np.empty(0) if self.column.kind is Kind.NUMERIC else levels)
        object.__setattr__(self, "positions", positions)

    def on_scale(self, forecast: Floats) -> Floats:
        """Probabilities of all levels of the column from those of the observed levels (h, K); 0 for the others."""
        shares = np.zeros((len(forecast), len(self.column.levels)))
        shares[:, np.searchsorted(self.column.levels, self.levels)] = forecast
        return shares


class Fill(NamedTuple):
    """What a conditional model says of the holes of one item.

    Parameters
    ----------
    codes : one draw, or the best value, shape (h,).
    forecast : probabilities (h, K) of the observed levels, or the mean (h,) of a numeric item.
    parameters : of the model, to start from at the next visit; None if it needs no start.
    """

    codes: Floats
    forecast: Floats
    parameters: Floats | None = None


class Visit(NamedTuple):
    """What a chain says of an item in the end.

    Parameters
    ----------
    item : the item.
    codes : of its holes, shape (h,).
    forecast : of the conditional models, averaged over iterations, shaped as that of `Fill`.
    """

    item: Item
    codes: Floats
    forecast: Floats


class ChainedImputer(Imputer):
    """Base of chained equations (van Buuren & Groothuis-Oudshoorn 2011, J. Statistical Software 45:3, section 2).

    Holes start as random observed values of their item. Then, for ``max_iter`` iterations and from the item
    with fewest holes to the one with most, each item is regressed on all others, as completed so far, and its
    holes are filled anew from the regression. A subclass writes `_fill`, the conditional model, and has the
    parameter ``max_iter``. Each draw is a chain of its own; fitting only keeps the table, and the chains run when a
    prediction is asked for. Models learn from the fitted rows only; new rows are stacked below them and carried along
    the chain. The expected values and probabilities of the prediction are forecasts of the conditional models, averaged
    over the later half of the iterations and over the chains: less noisy than the mean of the draws or shares among
    them (Gelfand & Smith 1990, J. American Statistical Association 85, 398–409). Survey weights are not used.

    Attributes
    ----------
    table_ : the fitted table (n, p).
    predictors_ : how its codes become predictors.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Predictors,)
    max_iter: int

    def _fill(self, item: Item, known: Floats, holes: Floats, start: Floats | None, rng: np.random.Generator) -> Fill:
        """Fill the holes of an item from predictors of the rows with it observed (n, q) and missing (h, q)."""
        raise TypeError(f"{type(self).__name__} must write _fill(item, known, holes, start, rng)")

    def _begin(self, item: Item, rng: np.random.Generator) -> Floats:
        """Give the item's columns of the design before the first iteration, shape (h, width)."""
        return self.predictors_.encode(item.j, rng.choice(item.codes, len(item.holes)))

    def _carry(self, item: Item, fill: Fill) -> Floats:
        """Give the item's columns of the design after a visit, shape (h, width)."""
        return self.predictors_.encode(item.j, fill.codes)

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self.table_ = X.copy()
        self.predictors_ = Predictors.learn(self.schema_, X)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        table, holes = stacked(self.table_, X), np.isnan(X)
        items = list(items_with_holes(self.schema_, table, len(self.table_)))
        first = len(table) - len(X)  # the rows asked for stand last
        fills = np.empty((1 if self.deterministic else n_draws, holes.sum()))
        forecasts: dict[int, Floats] = {}
        chains = zip(fills, self._chains(table, items, len(fills), rng), strict=True)
        for fill, chain in steps(chains, len(fills)):
            completed = table.copy()
            for item, codes, forecast in chain:
                completed[item.holes, item.j] = codes
                forecasts[item.j] = forecasts.get(item.j, 0.0) + forecast[item.holes >= first] / len(fills)
            fill[:] = completed[first:][holes]
        expected, probabilities = np.full(X.shape, np.nan), {}
        for item in items:
            if item.column.kind is Kind.NUMERIC:
                expected[holes[:, item.j], item.j] = forecasts[item.j]
                continue
            shares = item.on_scale(forecasts[item.j])
            if item.column.kind is Kind.ORDINAL:
                expected[holes[:, item.j], item.j] = shares @ item.column.levels
            if len(shares):
                probabilities[item.j] = shares
        draws = np.tile(fills, (n_draws, 1)) if self.deterministic else fills
        return Prediction(draws, expected[holes], probabilities)

    def _chains(
        self, table: Floats, items: list[Item], n_chains: int, rng: np.random.Generator
    ) -> Iterator[Iterable[Visit]]:
        """Run chains one after the other; yield what each says in the end of every item with holes."""
        for child in rng.spawn(n_chains):
            yield self._chain(table, items, child)

    def _chain(self, table: Floats, items: list[Item], rng: np.random.Generator) -> Iterator[Visit]:
        """Run one chain."""
        D = self.predictors_.design(table)
        for item in items:
            D[item.holes, self.predictors_.blocks[item.j]] = self._begin(item, rng)
        kept = 1 if self.deterministic else (self.max_iter + 1) // 2
        last: dict[int, Fill] = {}
        total: dict[int, Floats] = {}
        for iteration in steps(range(self.max_iter), self.max_iter):
            for item in steps(items, len(items)):
                block = self.predictors_.blocks[item.j]
                others = np.delete(D, block, axis=1)
                start = last[item.j].parameters if item.j in last else None
                fill = self._fill(item, others[item.known], others[item.holes], start, rng)
                D[item.holes, block] = self._carry(item, fill)
                last[item.j] = fill
                if iteration >= self.max_iter - kept:
                    total[item.j] = total.get(item.j, 0.0) + fill.forecast / kept
        for item in items:
            yield Visit(item, last[item.j].codes, total[item.j])


def stacked(fitted: Floats, X: Floats) -> Floats:
    """The fitted table, with the rows asked for below it unless they are the fitted ones."""
    return fitted if np.array_equal(X, fitted, equal_nan=True) else np.vstack([fitted, X])


def items_with_holes(schema: Schema, table: Floats, fitted: int) -> Iterator[Item]:
    """Items of a table (n, p) with holes, fewest first; its first ``fitted`` rows are those that models learn from."""
    missing = np.isnan(table)
    for j in np.argsort(missing[:fitted].sum(axis=0), kind="stable"):
        if missing[:, j].any():
            known = np.flatnonzero(~missing[:fitted, j])
            yield Item(int(j), schema.columns[j], known, table[known, j], np.flatnonzero(missing[:, j]))
