"""Delta adjustment: chained equations under missingness that is not at random, by a stated departure for each item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import UNORDERED, Column, Floats, Kind, Schema
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.item import Item, Rows, Turn
from imputers.shared.levels import draw_level
from imputers.shared.linear import Sums
from imputers.shared.predictors import Design, Predictors

PART = ": "  # between the item and the answer that a departure is about


@dataclass(frozen=True)
class Departure:
    """How what is missing of an item differs from what is observed, given all other items and their indicators.

    Parameters
    ----------
    size : added to each fill of an ordinal or numeric item, in standard deviations of its observed codes; added to the
        log odds of one answer of a nominal item.
    level : code of that answer; None of an item with an order.
    """

    size: float
    level: float | None = None


class DeltaAdjusted(ChainedImputer):
    """Chained equations with indicators of missingness among the predictors, and fills that are moved.

    NARFCS, not-at-random fully conditional specification: Tompsett, Leacy, Moreno-Betancur, Heron & White (2018),
    Statistics in Medicine 37, 2338-2353. In the model of an item stand, beside all other items, whether each of them is
    missing; and the item's own indicator with a coefficient that no data can tell, ``delta``, which is stated. No
    more can they tell a coefficient of the indicator of an item that is never missing where this one is known; it is
    left out. A subclass stands on this and on a chained method, has the parameter ``delta``, and changes nothing else.

    Fills of an ordinal item, or of a number with so many decimals, are moved by ``delta`` in expectation: to one of the
    two nearest answers, at random; at the ends of the scale they stay. With no ``delta`` it is missingness at random,
    given the indicators too.

    Attributes
    ----------
    departures_ : those that were stated, by position of the item.
    indicated_ : positions of the items whose indicators are predictors.
    constant_ : per item, columns of the design with indicators that are all alike where it is known.
    """

    nouns: ClassVar[None] = None
    delta: Mapping[str, float] | None

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self.departures_ = _departures(self.schema_, self.delta or {})
        shares = np.isnan(X).mean(axis=0)
        self.indicated_ = np.flatnonzero(shares > 0)
        self.table_ = self._indicated(X)
        columns = tuple(Column(f"missing: {j}", Kind.NUMERIC) for j in self.indicated_)
        self.predictors_ = Predictors.learn(Schema((*self.schema_.columns, *columns)), self.table_)
        self.read_ = []  # indicators of all items stand beside all items
        starts = np.array([block.start for block in self.predictors_.blocks[len(self.schema_) :]], dtype=np.intp)
        indicators = self.table_[:, len(self.schema_) :]
        known = (indicators[~np.isnan(own)] for own in X.T)
        self.constant_ = [starts[(own == own[:1]).all(axis=0)] for own in known]

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        return super()._impute(self._indicated(X), n_draws, rng)

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        item = turn.item
        turn = Without(turn, np.isin(turn.chosen, self.constant_[item.j]))
        fill = super()._fill(turn, start, rng)
        departure = self.departures_.get(item.j)
        return fill if departure is None else moved(item, fill, departure, rng)

    def _indicated(self, X: Floats) -> Floats:
        """The table with a 0/1 column for each indicator, 1 where the item is missing."""
        return np.hstack([X, np.isnan(X[:, self.indicated_]).astype(float)])


@dataclass(frozen=True, eq=False)
class Without:
    """A turn in which some predictors are left out: indicators that are constant among the item's known rows.

    Parameters
    ----------
    whole : the turn.
    gone : which of its predictors are left out, shape (q,).
    """

    whole: Turn
    gone: NDArray[np.bool_]

    @property
    def item(self) -> Item:
        """The item."""
        return self.whole.item

    @property
    def chosen(self) -> Rows:
        """Columns that are the other predictors."""
        return self.whole.chosen[~self.gone]

    @property
    def unit(self) -> tuple[float, float]:
        """Mean and deviation of the item's codes."""
        return self.whole.unit

    @property
    def sums(self) -> Sums:
        """Sums of the other predictors."""
        sums, kept = self.whole.sums, ~self.gone
        return sums._replace(xx=sums.xx[np.ix_(kept, kept)], xy=sums.xy[kept])

    def known(self) -> Design:
        """Predictors of the known rows."""
        return self.whole.known()[:, ~self.gone]

    def holes(self) -> Design:
        """Predictors of the holes."""
        return self.whole.holes()[:, ~self.gone]

    def at_known(self, coefficients: Floats) -> Design:
        """What coefficients predict for the known rows."""
        return self.whole.at_known(self._widened(coefficients))

    def at_holes(self, coefficients: Floats) -> Design:
        """What coefficients predict for the holes."""
        return self.whole.at_holes(self._widened(coefficients))

    def _widened(self, coefficients: Floats) -> Floats:
        """Coefficients of all predictors, 0 for those that are left out."""
        wide = np.zeros((len(self.gone), coefficients.shape[1]))
        wide[~self.gone] = coefficients
        return wide


def moved(item: Item, fill: Fill, departure: Departure, rng: np.random.Generator) -> Fill:
    """What a conditional model says of the holes of an item, moved by a departure."""
    if departure.level is not None:
        at = int(np.searchsorted(item.levels, departure.level))
        tilt = np.where(np.arange(len(item.levels)) == at, np.exp(departure.size), 1.0)
        shares = fill.forecast() * tilt
        shares = shares / shares.sum(axis=1, keepdims=True)
        return fill._replace(codes=item.levels[draw_level(shares, rng)], forecast=lambda: shares)
    step = departure.size * float(item.codes.std())
    if item.column.kind is Kind.NUMERIC:
        expected = fill.forecast
        return fill._replace(
            codes=moved_numbers(item.column, fill.codes, step, rng),
            forecast=lambda: item.column.bounded(expected() + step),
        )
    kernel, before = moved_levels(item.levels, step), fill.forecast
    own = np.searchsorted(item.levels, fill.codes)
    return fill._replace(codes=item.levels[draw_level(kernel[own], rng)], forecast=lambda: before() @ kernel)


def moved_numbers(column: Column, codes: Floats, step: float, rng: np.random.Generator) -> Floats:
    """Numbers (h,) moved by a step, to one of the two nearest with the column's decimals, within its limits."""
    if column.decimals is None:
        return column.bounded(codes + step)
    grid = (codes + step) * 10.0**column.decimals
    low = np.floor(grid)
    return column.snap((low + (rng.random(len(codes)) < grid - low)) / 10.0**column.decimals)


def moved_levels(levels: Floats, step: float) -> Floats:
    """Chances (K, K) that an answer at a level becomes one at another, so that its code moves by a step on average."""
    target = np.clip(levels + step, levels[0], levels[-1])
    high = np.clip(np.searchsorted(levels, target), 1, len(levels) - 1)
    share = (target - levels[high - 1]) / (levels[high] - levels[high - 1])
    kernel, rows = np.zeros((len(levels), len(levels))), np.arange(len(levels))
    kernel[rows, high - 1] += 1 - share
    kernel[rows, high] += share
    return kernel


def _departures(schema: Schema, delta: Mapping[str, float]) -> dict[int, Departure]:
    """Departures by position of the item, read from ``{'income': 0.5, 'vote: yes': -1}``."""
    found: dict[int, Departure] = {}
    for key, size in delta.items():
        name, _, level = (key, "", "") if key in schema.names else key.partition(PART)
        column, j = schema[name], schema.index(name)
        if not np.isfinite(size):
            raise InputError(f"delta of {key!r} is {size}; give a finite number")
        if (column.kind in UNORDERED) != bool(level) or column.kind is Kind.TEXT:
            wanted = f"'{name}: {next(iter(column.labels.values()))}'" if column.kind is Kind.NOMINAL else f"{name!r}"
            raise InputError(f"delta {key!r} is of a {column.kind} item; name it like {wanted}")
        found[j] = Departure(float(size), column.code(level) if level else None)
    return found
