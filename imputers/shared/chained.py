"""Chained equations: items are imputed in turn, each from all others, iteration after iteration."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind, Schema
from imputers.base import Imputer
from imputers.heartbeat import steps
from imputers.shared.completed import Completed, below, narrowest
from imputers.shared.item import Item, Rows, Turn
from imputers.shared.predictors import Predictors
from imputers.shared.selected import Selected
from imputers.shared.turns import turns
from imputers.traces import traced

T = TypeVar("T", bound=Turn)


class Chain(Protocol[T]):
    """A table whose holes are filled, item by item."""

    def turn(self, item: Item) -> T:
        """Look at the table from an item."""

    def put(self, turn: T, columns: Floats) -> None:
        """Put columns (h, width) into the holes of the item whose turn it is."""


class Fill(NamedTuple):
    """What a conditional model says of the holes of one item.

    Parameters
    ----------
    codes : one draw, or the best value, shape (h,).
    forecast : gives probabilities (h, K) of the observed levels, or the mean (h,) of a numeric item; most visits need
        none.
    parameters : of the model, to start from at the next visit; None if it needs no start.
    """

    codes: Floats
    forecast: Callable[[], NDArray[np.floating]]
    parameters: Floats | None = None


class Visit(NamedTuple):
    """What a chain says of an item in its last iteration.

    Parameters
    ----------
    item : the item.
    codes : of its holes, shape (h,).
    forecast : of the conditional model: probabilities (h, K), or the mean (h,) of a numeric item.
    """

    item: Item
    codes: Floats
    forecast: NDArray[np.floating]


class ChainedImputer(Imputer):
    """Base of chained equations (van Buuren & Groothuis-Oudshoorn 2011, J. Statistical Software 45:3, section 2).

    Holes start as random observed values of their item. Then, for ``max_iter`` iterations and from the item
    with fewest holes to the one with most, each item is regressed on all others, as completed so far, and its
    holes are filled anew from the regression. A subclass writes `_fill`, the conditional model, and has the
    parameter ``max_iter``. Each draw is a chain of its own; fitting only keeps the table, and the chains run when a
    prediction is asked for. Models learn from the fitted rows only; new rows are stacked below them and carried along
    the chain. Survey weights are not used.

    In the first iteration an item is drawn from complete items and those before it alone, so that chains begin with
    draws of whole rows (Raghunathan, Lepkowski, Van Hoewyk & Solenberger 2001, Survey Methodology 27, 85–95). Items
    that are missing wherever another is have their turns right behind it, and are regressed on it and not it on them,
    so that they are drawn together (`imputers.shared.turns`). Without the two, items that all but repeat each other and
    are mostly missing together keep what they began with.

    The expected values and probabilities of the prediction are what the draws came from, the forecasts of
    the conditional models in the last iteration, averaged over the chains: less noisy than the mean of the draws or
    shares among them (Gelfand & Smith 1990, J. American Statistical Association 85, 398–409). Those of earlier
    iterations would be of other draws where a chain still moves, as between items that all but repeat each other.

    Attributes
    ----------
    table_ : the fitted table (n, p).
    predictors_ : how its codes become predictors.
    read_ : per item, positions of the items that it is regressed on; empty if each is on all others.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Predictors,)
    max_iter: int

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        """Fill the holes of an item whose turn it is; ``start`` are the parameters of the last visit, or None."""
        raise TypeError(f"{type(self).__name__} must write _fill(turn, start, rng)")

    def _begin(self, item: Item, rng: np.random.Generator) -> Floats:
        """Give the item's columns of the design before the first iteration, shape (h, width)."""
        return self.predictors_.encode(item.j, item.codes_of(rng.integers(len(item.known), size=len(item.holes))))

    def _carry(self, item: Item, fill: Fill) -> Floats:
        """Give the item's columns of the design after a visit, shape (h, width)."""
        return self.predictors_.encode(item.j, fill.codes)

    def _dtype(self, n: int) -> DTypeLike:
        """Type of numbers that holds a completed table of n rows; bytes only where `_carry` gives codes, as here."""
        return narrowest(self.schema_, self.predictors_, n)

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self.table_ = X
        self.predictors_ = Predictors.learn(self.schema_, X)
        self.read_ = self._choose(X)

    def _choose(self, X: Floats) -> list[Rows]:
        """Choose the items that each item is regressed on, by position; an empty list for all others."""
        return []

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        table, holes = stacked(self.table_, X), np.isnan(X)
        items = list(items_with_holes(self.schema_, table, len(self.table_)))
        first = len(table) - len(X)  # the rows asked for stand last
        del X  # a large table need not be there twice while the chains run
        asked = {item.j: slice(int(below(item.holes, [first])[0]), None) for item in items}
        places = hole_places(holes)
        fills = np.empty((1 if self.deterministic else n_draws, holes.sum()))
        forecasts: dict[int, NDArray[np.floating]] = {}
        chains = zip(fills, self._chains(table, items, len(fills), rng), strict=True)
        for fill, chain in steps(chains, len(fills)):
            for item, codes, forecast in chain:
                own = asked[item.j]
                fill[places[item.j]] = codes[own]
                _add(forecasts, item.j, forecast[own] / len(fills))
        expected, probabilities = np.full(fills.shape[1], np.nan), {}
        for item in items:
            forecast, at = forecasts.pop(item.j), places[item.j]
            if item.column.kind is Kind.NUMERIC:
                expected[at] = forecast
                continue
            shares = item.on_scale(forecast)
            if item.column.kind is Kind.ORDINAL:
                expected[at] = shares @ item.column.levels
            if len(shares):
                probabilities[item.j] = shares
        draws = np.tile(fills, (n_draws, 1)) if self.deterministic else fills
        return Prediction(draws, expected, probabilities)

    def _chains(
        self, table: Floats, items: list[Item], n_chains: int, rng: np.random.Generator
    ) -> Iterator[Iterable[Visit]]:
        """Run chains one after the other; yield what each says in the end of every item with holes."""
        for child in rng.spawn(n_chains):
            yield self._chain(table, items, child)

    def _chain(self, table: Floats, items: list[Item], rng: np.random.Generator) -> Iterator[Visit]:
        """Run one chain; give the visits of its last iteration."""
        starts = ((item, self._begin(item, rng)) for item in items)
        if self.read_:
            return self._visits(Selected.begin(self.predictors_, table, self.read_, starts), items, rng)
        dtype = self._dtype(len(table))
        return self._visits(Completed.begin(self.predictors_, table, len(self.table_), starts, dtype), items, rng)

    def _visits(self, completed: Chain[T], items: list[Item], rng: np.random.Generator) -> Iterator[Visit]:
        """Visit the items in turn, iteration after iteration."""
        parameters: dict[int, Floats | None] = {}
        first = items if self.deterministic else starting(items, len(self.schema_))
        for iteration in steps(range(self.max_iter), self.max_iter):
            for item in steps(items if iteration else first, len(items)):
                turn = completed.turn(item)
                fill = self._fill(turn, parameters.get(item.j), rng)
                completed.put(turn, self._carry(item, fill))
                traced(item.j, fill.codes)
                if first is items or iteration:  # else they are of other predictors
                    parameters[item.j] = fill.parameters
                if iteration == self.max_iter - 1:
                    yield Visit(item, fill.codes, fill.forecast())


def _add(totals: dict[int, NDArray[np.floating]], j: int, forecast: NDArray[np.floating]) -> None:
    """Add a forecast to the total of item j."""
    if j in totals:
        totals[j] += forecast
    else:
        totals[j] = forecast


def hole_places(holes: NDArray[np.bool_]) -> list[Rows]:
    """Places of the holes of each column among all holes (n, p) of a table in row-major order, by column."""
    within = holes.sum(axis=1)
    place = np.concatenate([[0], within.cumsum()[:-1]])  # of the next hole of each row
    place = place.astype(np.min_scalar_type(holes.size))
    found = []
    for own in holes.T:
        found.append(place[own])
        place[own] += 1
    return found


def stacked(fitted: Floats, X: Floats) -> Floats:
    """The fitted table, with the rows asked for below it unless they are the fitted ones."""
    same = X is fitted or same_bits(X, fitted) or np.array_equal(X, fitted, equal_nan=True)
    return fitted if same else np.vstack([fitted, X])


def same_bits(X: Floats, Y: Floats) -> bool:
    """Tell whether two tables agree to the last bit, NaNs included: much faster than to compare numbers."""
    return X.shape == Y.shape and np.array_equal(X.view(np.int64), Y.view(np.int64))


def starting(items: Sequence[Item], n_items: int) -> Iterator[Item]:
    """Items with holes as in the first iteration, none regressed on a later one, of all the items of a table.

    Where no item is complete, the first is regressed on all others, as there is nothing else.
    """
    for place, item in enumerate(items):
        later = tuple(other.j for other in items[place + 1 :])
        yield replace(item, unread=later if len(later) < n_items - 1 else ())


def items_with_holes(schema: Schema, table: Floats, fitted: int) -> Iterator[Item]:
    """Items of a table (n, p) with holes in the order of their turns; models learn from its first ``fitted`` rows."""
    missing = np.isnan(table)
    order = np.lexsort((missing.sum(axis=0), missing[:fitted].sum(axis=0))).tolist()
    for j, unread in turns(missing, order).items():
        if missing[:, j].any():
            known = np.flatnonzero(~missing[:fitted, j])
            holes = np.flatnonzero(missing[:, j])
            yield Item.of(j, schema.columns[j], known, table[known, j], holes, unread)
