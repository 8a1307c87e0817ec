"""ERACER: regressions on a row's other answers and on averages over linked rows, repeated till they settle."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.chained import Fill, Visit
from imputers.shared.completed import read_by
from imputers.shared.distances import Gower
from imputers.shared.item import Item, Rows
from imputers.shared.levels import draw_level, normal_mean
from imputers.shared.linear import Sums
from imputers.shared.predictors import Design, Predictors
from imputers.shared.ranges import NOT_NEGATIVE, NUMBER_OR_ZERO, TWO_OR_MORE
from imputers.shared.regression import RegressionImputer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Settled(NamedTuple):
    """Where the iterations ended.

    Parameters
    ----------
    fills : last fill of each item.
    changes : root mean square by which expectations moved in each iteration, in standard deviations.
    """

    fills: list[Fill]
    changes: list[float]


@dataclass(frozen=True, eq=False)
class LinkedTurn:
    """An item, and other items and averages over linked rows that it is regressed on; see `Turn`.

    Parameters
    ----------
    item : the item.
    predictors : how codes became the design.
    design : of the table as completed so far, shape (n, 1 + q).
    averages : over the rows linked to each, shape (n, k).
    """

    item: Item
    predictors: Predictors
    design: Design
    averages: Design

    @property
    def chosen(self) -> Rows:
        """Columns that are the predictors, of the design with the averages behind it."""
        width = self.design.shape[1]
        behind = width + np.arange(self.averages.shape[1])
        return np.concatenate([read_by(self.item, self.predictors, width), behind])

    @property
    def unit(self) -> tuple[float, float]:
        """Mean and deviation of the item's codes."""
        return self.predictors.unit(self.item.j)

    @cached_property
    def sums(self) -> Sums:
        """Squares and products of the known rows' predictors and the item's own columns."""
        return Sums.of(self.known(), self.design[self.item.known, self.predictors.blocks[self.item.j]])

    def known(self) -> Design:
        """Predictors of the known rows (n, q)."""
        return self._predictors_of(self.item.known)

    def holes(self) -> Design:
        """Predictors of the holes (h, q)."""
        return self._predictors_of(self.item.holes)

    def at_known(self, coefficients: Floats) -> Floats:
        """What coefficients (q, d) predict for the known rows (n, d)."""
        return self.known() @ coefficients

    def at_holes(self, coefficients: Floats) -> Floats:
        """What coefficients (q, d) predict for the holes (h, d)."""
        return self.holes() @ coefficients

    def _predictors_of(self, rows: NDArray[np.integer]) -> Design:
        return np.hstack([self.design[rows], self.averages[rows]])[:, self.chosen]


@IMPUTERS.register("eracer")
class Eracer(RegressionImputer):
    """Regressions on other answers and on averages over linked rows, till they settle.

    Mayfield, Neville & Prabhakar (2010), "ERACER: a database approach for statistical inference and data cleaning",
    SIGMOD: a relational dependency network, in which an item depends on the row's other items and on aggregates of
    the rows it is related to; learning and inference take turns. Reduced here to a single table, as when it serves as
    a baseline; the paper's convolution of discrete tables and its correction of errors are left out, and there is no
    official code to compare with. A survey has no foreign keys, so a row is linked to its nearest rows by Gower
    distance (see `link_items`), and the aggregates are the means over them. Numeric items by linear regression,
    ordinal and nominal ones as in `RegressionImputer`. Only holes are replaced, by expectations and level
    probabilities, which the next model reads (no hard levels), until they settle. Without links this is deterministic
    chained regression, also called ICE.

    Assumes linear, additive effects, missingness at random, and that linked rows are alike beyond what their own
    answers tell. New rows are stacked below the fitted ones, linked to these, and predicted by models of these. Draws
    are taken from the final conditional distributions, a normal residual for numeric items, each hole by itself;
    they are improper (parameters and expectations count as known) and differ too little.

    Where it falls short: chained expectations steepen slopes with each iteration, and on a survey nothing settles, nor
    do links help there. They do help where an item depends on the others along a curve.

    Parameters
    ----------
    n_neighbors : rows that each row is linked to; 0 for none.
    max_iter : rounds through the items at most.
    tol : the rounds end when expectations, in standard deviations, move less than this (root mean square).
    ridge : precision of the normal prior on standardised coefficients, in observations.
    max_donors : with more fitted rows than this, links lead to a random sample of so many.
    """

    family: ClassVar[str] = "relational"
    defaults: ClassVar[str] = "ours; on which table is not recorded"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = RegressionImputer._parameter_constraints | {
        "n_neighbors": NUMBER_OR_ZERO,
        "tol": NOT_NEGATIVE,
        "max_donors": TWO_OR_MORE,
    }

    def __init__(
        self,
        n_neighbors: int = 10,
        max_iter: int = 20,
        tol: float = 1e-3,
        ridge: float = 1.0,
        max_donors: int = 10_000,
    ) -> None:
        super().__init__(max_iter, ridge)
        self.n_neighbors = n_neighbors
        self.tol = tol
        self.max_donors = max_donors

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        super()._fit(X, rng)
        self.donors_ = rng.permutation(len(X))[: self.max_donors]

    def _chains(
        self, table: Floats, items: list[Item], n_chains: int, rng: np.random.Generator
    ) -> Iterator[Iterable[Visit]]:
        """Draw from the final conditional distributions; all draws share one run to the end."""
        settled = self._settle(table, items, rng)
        for child in rng.spawn(n_chains):
            yield [_visit(item, fill, child) for item, fill in zip(items, settled.fills, strict=True)]

    def _settle(self, table: Floats, items: list[Item], rng: np.random.Generator) -> Settled:
        """Go through the items until the expectations stay."""
        D = self.predictors_.design(table)
        for item in items:
            D[item.holes, self.predictors_.blocks[item.j]] = self._begin(item, rng)
        links = self._links(table, items)
        last: dict[int, Fill] = {}
        changes: list[float] = []
        for _ in range(self.max_iter):
            moved = []
            for item in items:
                block = self.predictors_.blocks[item.j]
                averages = links[item.j] @ D[:, 1:] if item.j in links else D[:, :0]
                turn = LinkedTurn(item, self.predictors_, D, averages)
                fill = self._fill(turn, last[item.j].parameters if item.j in last else None, rng)
                expected = self._carry(item, fill)
                moved.append(((expected - D[item.holes, block]) ** 2).ravel())
                D[item.holes, block] = expected
                last[item.j] = fill
            changes.append(float(np.sqrt(np.concatenate(moved).mean())))
            if changes[-1] < self.tol:
                break
        return Settled([last[item.j] for item in items], changes)

    def _links(self, table: Floats, items: list[Item]) -> Mapping[int, "csr_matrix"]:
        if not self.n_neighbors:
            return {}
        gower = Gower.learn(self.schema_, self.table_)
        return link_items(gower, table, self.donors_, [item.j for item in items], self.n_neighbors)


def _visit(item: Item, fill: Fill, rng: np.random.Generator) -> Visit:
    """One draw of an item."""
    forecast = fill.forecast()
    if item.column.kind is Kind.NUMERIC and fill.parameters is not None:  # those of a numeric item: its deviation
        drawn = forecast + fill.parameters * rng.standard_normal(len(item.holes))
        return Visit(item, item.column.snap(drawn), normal_mean(item.column, forecast, fill.parameters))
    return Visit(item, item.levels[draw_level(forecast, rng)], forecast)


def link_items(
    gower: Gower, table: Floats, donors: NDArray[np.intp], positions: Iterable[int], n_neighbors: int
) -> Mapping[int, "csr_matrix"]:
    """Links of every row for each item: matrices (n, n) whose product with a table averages over the linked rows.

    A row is linked to its nearest donors by Gower distance over all items but the one to be predicted, and never to
    itself. With the item among the reasons for a link, linked rows would agree on it wherever it is known and not
    where it is a hole, and a model learnt from the one would be wrong for the other.

    Parameters
    ----------
    gower : learnt from the fitted rows.
    table : codes (n, p).
    donors : row numbers of the table that may be linked to, two at least.
    positions : the items.
    """
    from scipy.sparse import csr_matrix

    n, k = len(table), min(n_neighbors, len(donors) - 1)
    near = {j: np.empty((n, k), dtype=np.int32) for j in positions}
    known = (~np.isnan(table)).astype(np.float32)
    for rows, mean in gower.blocks(table, table[donors]):
        shared = known[rows] @ known[donors].T
        total = mean * shared
        own = np.arange(rows.start, rows.stop)[:, None] == donors
        for j, found in near.items():
            others = shared - np.outer(known[rows, j], known[donors, j])
            apart = total - gower.item(j, table[rows, j], table[donors, j])
            far = np.where(others > 0, apart, 1) / np.maximum(others, 1)
            far[own] = np.inf
            found[rows] = donors[np.argpartition(far, k - 1, axis=1)[:, :k]]
    starts = np.arange(0, n * k + 1, k)
    return {j: csr_matrix((np.full(n * k, 1 / k), found.ravel(), starts), shape=(n, n)) for j, found in near.items()}
