"""Tables of any number of rows or items, on which growth is measured."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from datasets.surveys.twin import sample
from datasets.table import Dataset

SEED = 1


class Source(Protocol):
    """Where a table of n rows and p items comes from."""

    def take(self, n: int, p: int) -> Dataset:
        """A table (n, p)."""
        ...


@dataclass(frozen=True)
class Twin:
    """Fresh respondents of the twin of the General Social Survey, who answer its first p of 24 items."""

    def take(self, n: int, p: int) -> Dataset:
        """Draw n respondents."""
        table = sample(n, SEED)
        return replace(first_items(table, p), schema=replace(table.schema.take(list(range(p))), population=""))


@dataclass(frozen=True, eq=False)
class Survey:
    """The first p items of a survey's table, and n of its rows, with replacement where there are not so many.

    Parameters
    ----------
    table : items in the order in which they are taken.
    """

    table: Dataset

    def take(self, n: int, p: int) -> Dataset:
        """Take n rows."""
        N = len(self.table.values)
        rows = np.random.default_rng(SEED).integers(0, N, n) if n > N else np.arange(n) * N // n
        part = first_items(self.table, p)
        weights, strata, psu = (None if x is None else x[rows] for x in (part.weights, part.strata, part.psu))
        return replace(
            part, values=part.values[rows], reasons=part.reasons[rows], weights=weights, strata=strata, psu=psu
        )


def first_items(table: Dataset, p: int) -> Dataset:
    """A table of its first p items alone."""
    kept = list(range(p))
    return replace(table, schema=table.schema.take(kept), values=table.values[:, :p], reasons=table.reasons[:, :p])


def best_answered(table: Dataset, first: tuple[str, ...]) -> Dataset:
    """A table with some items first, and the others behind them, those with most answers before those with few."""
    names = table.schema.names
    lead = [names.index(name) for name in first]
    shares = np.isnan(table.values).mean(axis=0)
    order = lead + [j for j in np.argsort(shares, kind="stable").tolist() if j not in set(lead)]
    return replace(
        table, schema=table.schema.take(order), values=table.values[:, order], reasons=table.reasons[:, order]
    )
