"""The nearest donors of each hole: rows whose predictions are nearest to the hole's."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.integer]
Predictions = NDArray[np.floating]
FINEST = 31  # bits of a key that say where a prediction stands between the smallest and the largest of all


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
    values: NDArray[np.int32] | None = None

    def one(self, rng: np.random.Generator) -> Rows:
        """Where in the order one of the donors of each of ``holes`` is, at random, or any that is predicted equal."""
        place = self.first + rng.integers(self.count, size=len(self.first))
        if self.values is None:
            return place
        value = self.values[place]
        tied = self.values[np.maximum(place - 1, 0)] == value  # at the very start, a row with itself: it does no harm
        tied |= self.values[np.minimum(place + 1, len(self.values) - 1)] == value
        start = np.searchsorted(self.values, value[tied], side="left")
        end = np.searchsorted(self.values, value[tied], side="right")
        place[tied] = start + (rng.random(len(start)) * (end - start)).astype(np.intp)
        return place

    def to_holes(self, values: NDArray) -> NDArray:
        """Values for each of ``holes`` (h,), in the order of the holes' numbers."""
        ordered = np.empty_like(values)
        ordered[self.holes] = values
        return ordered

    def each(self) -> Iterator[Rows]:
        """Where in the order the first donor of each of ``holes`` is, then the second, and so on."""
        return (self.first + k for k in range(self.count))


def nearest_donors(offered: Predictions, wanted: Predictions, n_donors: int, rng: np.random.Generator) -> Donors:
    """The nearest of the offered predictions (n, d) for each wanted one (h, d).

    Rows predicted equal are in random order; of those that differ in one number, each is as likely as the others to be
    drawn by a hole. So a popular prediction does not always call on the same people. Equal is what differs by less than
    10⁻⁹ of the range of one number, or 10⁻⁷ of several. With fewer rows on offer than donors asked for, all are donors.
    """
    nearest = _nearest_on_line if offered.shape[1] == 1 else _nearest_in_space
    return nearest(offered, wanted, min(n_donors, len(offered)), rng)


def _nearest_on_line(offered: Predictions, wanted: Predictions, n_donors: int, rng: np.random.Generator) -> Donors:
    """Sort rows on offer and holes together: the donors of a hole stand side by side about it."""
    n, h = len(offered), len(wanted)
    keys, bits = _keys(np.concatenate([offered[:, 0], wanted[:, 0]]), rng)
    keys.sort()
    rows = (keys & np.uint64((1 << bits) - 1)).astype(np.uint32)
    values = (keys >> np.uint64(64 - FINEST)).astype(np.int32)
    asks = rows >= n
    holes, lenders = np.flatnonzero(asks), np.flatnonzero(~asks)
    offers = values.take(lenders)
    below = holes - np.arange(h)  # offers below each hole
    first = _first_donor(offers, values.take(holes), below, n_donors)
    return Donors(rows.take(holes) - np.uint32(n), rows.take(lenders), first, n_donors, offers)


def _keys(values: Predictions, rng: np.random.Generator) -> tuple[NDArray[np.uint64], int]:
    """Numbers (n,) in the order of values (n,), equal ones at random, and how many last bits give the row."""
    n, bits = len(values), max(int(len(values) - 1).bit_length(), 1)
    low, high = values.min(), values.max()
    places = (values - low).astype(np.float64) * ((2**FINEST - 1) / max(float(high - low), 1e-300))
    keys = places.astype(np.int64).view(np.uint64)
    chance = rng.integers(0, 1 << 32, size=n, dtype=np.uint32) >> np.uint32(max(bits - (32 - FINEST), 0))
    keys <<= np.uint64(64 - FINEST - bits)
    keys |= chance
    keys <<= np.uint64(bits)
    keys |= np.arange(n, dtype=np.uint64)
    return keys, bits


def _first_donor(offers: NDArray[np.int32], wanted: NDArray[np.int32], below: Rows, n_donors: int) -> Rows:
    """Where the nearest of ascending offers (n,) begin for each wanted number (h,), given how many are below it.

    Of as many offers below as there are donors, the farthest is left out for the next above while that is nearer.
    """
    first = np.maximum(below - n_donors, 0)
    last = len(offers) - n_donors
    for _ in range(min(n_donors, last)):
        apart = wanted - offers.take(first)
        nearer = offers.take(np.minimum(first + n_donors, len(offers) - 1)) - wanted < apart
        nearer &= first < last
        first += nearer
    return first


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
