"""Chained equations: items are imputed in turn, each from all others, round after round."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats, Kind, Schema
from imputers.base import Imputer
from imputers.shared.predictors import Predictors

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Item:
    """One item's part in the chain.

    Parameters
    ----------
    j : its position in the schema.
    column : what its codes mean.
    known : fitted rows that know it; models learn from these.
    codes : their codes (known,).
    holes : rows that lack it, fitted or new.
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

    def bounded(self, means: Floats) -> Floats:
        """Keep the means (h,) of a numeric item between its smallest and largest possible answer."""
        low = -np.inf if self.column.low is None else self.column.low
        return np.clip(means, low, np.inf if self.column.high is None else self.column.high)

    def sample(self, probabilities: Floats, rng: np.random.Generator) -> Floats:
        """Draw one code for each row of level probabilities (h, K)."""
        reached = probabilities.cumsum(axis=1) < rng.random((len(probabilities), 1))
        return self.levels[np.minimum(reached.sum(axis=1), len(self.levels) - 1)]


class Fill(NamedTuple):
    """What a conditional model says of the holes of one item.

    codes (h,) : one draw, or the best value. forecast : probabilities (h, K) of the observed levels, or the
    mean (h,) of a numeric item. parameters : of the model, to start from at the next visit; None if it
    needs no start.
    """

    codes: Floats
    forecast: Floats
    parameters: Floats | None = None


class ChainedImputer(Imputer):
    """Base of chained equations (van Buuren & Groothuis-Oudshoorn 2011, J. Statistical Software 45:3, section 2).

    Holes start as random observed values of their item. Then, for a number of sweeps and from the item
    with fewest holes to the one with most, each item is regressed on all others, as completed so far, and its
    holes are filled anew from the regression. A subclass writes `_fill`, the conditional model.
    Each draw is a chain of its own; fitting only keeps the table, and the chains run when an answer is asked for.
    Models learn from the fitted rows only; new rows are stacked below them and carried along the chain.
    The expected values and probabilities of the answer are forecasts of the conditional models, averaged over the
    later half of the sweeps and over the chains: less noisy than the mean of the draws or shares among them
    (Gelfand & Smith 1990, J. American Statistical Association 85, 398–409). Survey weights are not used.
    """

    sweeps: int

    def _fill(self, item: Item, known: Floats, holes: Floats, start: Floats | None, rng: np.random.Generator) -> Fill:
        """Fill the holes of an item from predictors of the rows that know it (n, q) and of those that do not (h, q)."""
        raise TypeError(f"{type(self).__name__} must write _fill(item, known, holes, start, rng)")

    def _begin(self, item: Item, rng: np.random.Generator) -> Floats:
        """Give the item's columns of the design before the first sweep, shape (h, width)."""
        return self.predictors_.encode(item.j, rng.choice(item.codes, len(item.holes)))

    def _carry(self, item: Item, fill: Fill) -> Floats:
        """Give the item's columns of the design after a visit, shape (h, width)."""
        return self.predictors_.encode(item.j, fill.codes)

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self.table_ = X.copy()
        self.predictors_ = Predictors.learn(self.schema_, X)

    def _draws(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        chains = 1 if self.deterministic else n_draws
        table = self._stack(X)
        items = list(_items(self.schema_, table, len(self.table_)))
        first = len(table) - len(X)  # the rows asked for stand last
        fills = np.empty((chains, np.isnan(X).sum()))
        forecasts: dict[int, Floats] = {}
        for chain, child in enumerate(rng.spawn(chains)):
            completed = table.copy()
            for item, codes, forecast in self._chain(table, items, child):
                completed[item.holes, item.j] = codes
                forecasts[item.j] = forecasts.get(item.j, 0.0) + forecast[item.holes >= first] / chains
            fills[chain] = completed[first:][np.isnan(X)]
        self.forecasts_ = {item.j: _levelled(item, forecasts[item.j]) for item in items}
        return np.tile(fills, (n_draws, 1)) if self.deterministic else fills

    def _chain(
        self, table: Floats, items: list[Item], rng: np.random.Generator
    ) -> Iterator[tuple[Item, Floats, Floats]]:
        """Run one chain; yield each item with its last codes (h,) and its mean forecast."""
        D = self.predictors_.design(table)
        for item in items:
            D[item.holes, self.predictors_.blocks[item.j]] = self._begin(item, rng)
        kept = 1 if self.deterministic else (self.sweeps + 1) // 2
        last: dict[int, Fill] = {}
        total: dict[int, Floats] = {}
        for sweep in range(self.sweeps):
            for item in items:
                block = self.predictors_.blocks[item.j]
                others = np.delete(D, block, axis=1)
                start = last[item.j].parameters if item.j in last else None
                fill = self._fill(item, others[item.known], others[item.holes], start, rng)
                D[item.holes, block] = self._carry(item, fill)
                last[item.j] = fill
                if sweep >= self.sweeps - kept:
                    total[item.j] = total.get(item.j, 0.0) + fill.forecast / kept
        for item in items:
            yield item, last[item.j].codes, total[item.j]

    def _expected(self, X: Floats) -> Floats:
        expected = np.full(X.shape, np.nan)
        for j, forecast in self.forecasts_.items():
            column = self.schema_.columns[j]
            if column.kind is not Kind.NOMINAL:
                means = forecast if column.kind is Kind.NUMERIC else forecast @ column.levels
                expected[np.isnan(X[:, j]), j] = means
        return expected[np.isnan(X)]

    def _probabilities(self, X: Floats) -> dict[int, Floats]:
        return {j: forecast for j, forecast in self.forecasts_.items() if forecast.ndim == 2 and len(forecast)}

    def _stack(self, X: Floats) -> Floats:
        """The fitted table, with the rows asked for below it unless they are the fitted ones."""
        same = X.shape == self.table_.shape and np.array_equal(X, self.table_, equal_nan=True)
        return self.table_ if same else np.vstack([self.table_, X])


def _items(schema: Schema, table: Floats, fitted: int) -> Iterator[Item]:
    """Items with holes, fewest first."""
    missing = np.isnan(table)
    for j in np.argsort(missing[:fitted].sum(axis=0), kind="stable"):
        if missing[:, j].any():
            known = np.flatnonzero(~missing[:fitted, j])
            yield Item(int(j), schema.columns[j], known, table[known, j], np.flatnonzero(missing[:, j]))


def _levelled(item: Item, forecast: Floats) -> Floats:
    """Put zero probability on the levels that were never observed: (h, K) over all levels of the scale."""
    if item.column.kind is Kind.NUMERIC:
        return forecast
    table = np.zeros((len(forecast), len(item.column.levels)))
    table[:, np.searchsorted(item.column.levels, item.levels)] = forecast
    return table
