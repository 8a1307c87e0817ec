"""The nearest donors of each hole: rows whose predictions are nearest to the hole's."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.integer]
Places = NDArray[np.int64]
Predictions = NDArray[np.floating]
FINEST = 31  # bits that say where a prediction stands between the smallest and the largest of all
BLOCK = 2**14  # rows at a time, so that what is computed of them stays in the processor's cache


@dataclass(frozen=True, eq=False)
class Donors:
    """The donors of h holes, which stand side by side in an order of rows.

    Parameters
    ----------
    holes : numbers of the holes, in any order, shape (h,).
    order : numbers of rows.
    first : where in that order the donors of each of ``holes`` begin, shape (h,).
    count : donors of each hole.
    values : ascending predictions of the rows of ``order``; None if no other row may stand in for a donor.
    """

    holes: Rows
    order: Rows
    first: Rows
    count: int
    values: Places | None = None

    def one(self, rng: np.random.Generator) -> Rows:
        """Where in the order one of the donors of each of ``holes`` is, at random, or any that is predicted equal."""
        place = self.first + rng.integers(self.count, size=len(self.first))
        if self.values is None:
            return place
        tied = np.flatnonzero(_alike(self.values).take(place))
        value = self.values.take(place.take(tied))
        start = np.searchsorted(self.values, value, side="left")
        place[tied] = _between(start, np.searchsorted(self.values, value, side="right"), rng)
        return place

    def to_holes(self, values: NDArray) -> NDArray:
        """Values for each of ``holes`` (h,), in the order of the holes' numbers."""
        ordered = np.empty_like(values)
        ordered[self.holes] = values
        return ordered

    def each(self) -> Iterator[Rows]:
        """Where in the order the first donor of each hole is, in the order of the holes' numbers, then the second."""
        first = self.to_holes(self.first)
        return (first + k for k in range(self.count))


def nearest_donors(offered: Predictions, wanted: Predictions, n_donors: int, rng: np.random.Generator) -> Donors:
    """The nearest of the offered predictions (n, d) for each wanted one (h, d).

    Rows predicted equal are in random order; of those that differ in one number, each is as likely as the others to be
    drawn by a hole. So a popular prediction does not always call on the same people. Equal is what differs by less than
    10⁻⁹ of the range of one number, or 10⁻⁷ of several. With fewer rows on offer than donors asked for, all are donors.
    """
    nearest = _nearest_on_line if offered.shape[1] == 1 else _nearest_in_space
    return nearest(offered, wanted, min(n_donors, len(offered)), rng)


def _nearest_on_line(offered: Predictions, wanted: Predictions, n_donors: int, rng: np.random.Generator) -> Donors:
    """Sort rows on offer, and holes: the donors of a hole stand side by side, and neighbours ask for neighbours."""
    low = min(offered.min(), wanted.min())
    width = max(float(max(offered.max(), wanted.max()) - low), 1e-300)
    values, order = _sorted(offered[:, 0], low, width, rng)
    asked, holes = _sorted(wanted[:, 0], low, width, rng)
    return Donors(holes, order, _first_donor(values, asked, n_donors, rng), n_donors, values)


def _sorted(values: Predictions, low: float, width: float, rng: np.random.Generator) -> tuple[Places, Rows]:
    """Places (n,) of values (n,) on a line from ``low`` on, ascending, and their rows; chance orders equal ones."""
    bits = max(int(len(values) - 1).bit_length(), 1)
    spare, scale = 63 - FINEST - bits, (2**FINEST - 1) / width
    keys = np.empty(len(values), dtype=np.int64)  # place, chance and row
    for start in range(0, len(values), BLOCK):
        some = values[start : start + BLOCK]
        own = ((some - low).astype(np.float64) * scale).astype(np.int64)
        own <<= spare
        own |= rng.integers(1 << 16, size=len(own), dtype=np.uint16) >> max(16 - spare, 0)
        own <<= bits
        own |= np.arange(start, start + len(own))
        keys[start : start + BLOCK] = own
    keys.sort()
    rows = (keys & ((1 << bits) - 1)).astype(np.uint32)
    keys >>= spare + bits
    return keys, rows


def _first_donor(offers: Places, wanted: Places, n_donors: int, rng: np.random.Generator) -> Rows:
    """Where the nearest of ascending offers (n,) begin for each of ascending wanted places (h,), shape (h,).

    The next offer above is nearer than the lowest of as many as there are donors if their middle is below the place
    that is wanted, and middles ascend, too. Where both are as near, chance decides.
    """
    middles = np.full(len(offers) - n_donors + 1, np.iinfo(np.int64).max)  # twice, as is what is wanted
    np.add(offers[:-n_donors], offers[n_donors:], out=middles[:-1])
    asked = 2 * wanted
    first = np.searchsorted(middles, asked, side="left")
    even = np.flatnonzero(middles.take(first) == asked)
    beyond = np.searchsorted(middles, asked.take(even), side="right") + 1
    first[even] = _between(first.take(even), beyond, rng)
    return first


def _between(start: Rows, end: Rows, rng: np.random.Generator) -> Rows:
    """A whole number at random from each start (n,) to just below each end (n,)."""
    return start + (rng.random(len(start)) * (end - start)).astype(np.intp)


def _alike(values: Places) -> NDArray[np.bool_]:
    """Whether each of ascending values (n,) is equal to one beside it."""
    equal = values[1:] == values[:-1]
    alike = np.zeros(len(values), dtype=bool)
    alike[1:] = equal
    alike[:-1] |= equal
    return alike


def _nearest_in_space(offered: Predictions, wanted: Predictions, n_donors: int, rng: np.random.Generator) -> Donors:
    """Ask a tree of the rows on offer, neighbours one after the other, so that what they ask for is at hand."""
    from scipy.spatial import cKDTree

    jitter = 1e-7 * max(float(np.ptp(offered)), 1e-9)  # far below any difference that means something
    offered, wanted = (values + jitter * rng.standard_normal(values.shape) for values in (offered, wanted))
    low, width = offered.min(axis=0), np.maximum(np.ptp(offered, axis=0), 1e-300)
    rows, holes = (np.argsort(_cells(values, low, width)) for values in (offered, wanted))
    tree = cKDTree(offered[rows], balanced_tree=False, compact_nodes=False, leafsize=32)
    found = tree.query(wanted[holes], k=n_donors)[1].ravel()
    return Donors(holes, rows[found], np.arange(0, len(found), n_donors), n_donors)


def _cells(values: Predictions, low: Predictions, width: Predictions) -> NDArray[np.uint32]:
    """Number of the cell of a grid that each point (n, d) is in: the bits of its coordinates in turn (Morton 1966)."""
    places = np.clip((values - low) / width * 256, 0, 255).astype(np.uint32)
    number = np.zeros(len(values), dtype=np.uint32)
    for bit in range(8):
        for k, place in enumerate(places.T):
            number |= (place >> np.uint32(bit) & np.uint32(1)) << np.uint32(bit * places.shape[1] + k)
    return number
