"""Means of groups of people: the group in which the completed tables are furthest off."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations
from math import inf

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind, Role
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.energy import centre_and_scale
from metrics.metric import TABLE, BoardName, Headline, Reads, metric

ROWS_PER_GROUP = 100  # a mean of n answers has a standard error of 1/√n SD: of fewer, above a tenth
PARTS = 3  # groups by a numeric variable


@dataclass(frozen=True, eq=False)
class Trait:
    """A column that people are grouped by.

    Parameters
    ----------
    position : of the column.
    upper : ascending; group k holds the values above ``upper[k - 1]``, up to and with ``upper[k]``.
    """

    position: int
    upper: Floats

    def members(self, table: Floats) -> NDArray[np.bool_]:
        """Who of a table (n, p) belongs to which group, shape (n, groups); nobody of whom the value is unknown."""
        values = table[:, self.position, None]
        return (values <= self.upper) & (values > np.concatenate([[-inf], self.upper[:-1]]))

    def names(self, column: Column) -> list[str]:
        """What its groups are called, e.g. ``"sex: female"``, ``"age: up to 38"``, ``"age: above 61"``."""
        if column.labels:
            return [f"{column.name}: {column.text(level)}" for level in self.upper]
        inner = [f"up to {limit:g}" for limit in self.upper[:-1]]
        last = f"above {self.upper[-2]:g}" if inner else "all"
        return [f"{column.name}: {name}" for name in (*inner, last)]


@METRICS.register("subgroup-gap")
@metric(
    reads=Reads.FILLS,
    better="lower",
    span=(0, inf),
    best=0.0,
    trivial="0.25 at 30 % hidden (mean, mode)",
    headline=Headline("largest subgroup gap", place=5, board=BoardName.DISTRIBUTIONS),
)
def subgroup_gap(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Error of the items' means in the group of people where it is largest, in SDs.

    ``max_g √(mean_j Σ_c (ȳ_gc - y_gc)² / s_j²)`` over groups g and the items j that have hidden cells: y the mean of
    column c of the item's design in the group in the truth, ȳ in the completed tables, averaged over draws, s_j the
    total SD of the item. Groups are the people of one answer, or of two answers to two questions, to the drivers and
    the covariates of the schema's regression; numeric ones are cut in thirds. People belong where the table at hand
    puts them, as for an analyst who has no other; a group that is left empty counts as the average of all. Items do not
    count in groups that they form. Means of fewer than 100 true answers are not judged, and a table without any is
    left out.
    """
    gaps = _gaps(masked, prediction)
    return {TABLE: max(gaps.values())} if gaps else {}


@METRICS.register("subgroup-gaps")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="0.15 at 30 % hidden (mean, mode)")
def subgroup_gaps(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Error of the items' means in each group of people, in SDs, by name.

    `subgroup-gap` of one group at a time, named ``"sex: female"`` or ``"sex: female ~ age: up to 38"``.
    """
    return dict(_gaps(masked, prediction))


@lru_cache(maxsize=2)  # two metrics of one prediction
def _gaps(masked: Masked, prediction: Prediction) -> Mapping[str, float]:
    """Gap of each group that can be judged, by its name."""
    traits, (centre, scale) = _traits(masked), centre_and_scale(masked.schema, masked.truth.values)
    width = [block.stop - block.start for block in masked.schema.blocks]
    item = np.repeat(np.eye(len(masked.schema)), width, axis=0)  # (q, p): whose a column of the design is

    def means(table: Floats) -> tuple[Floats, Floats]:
        """Means (G, q) in each group, 0 without answers, and numbers of answers (G, p)."""
        members, D = _members(traits, table), (masked.schema.design(table) - centre) / scale
        counts = members.T @ ~np.isnan(table)
        return members.T @ np.nan_to_num(D) / np.maximum(counts @ item.T, 1), counts

    true, counts = means(masked.truth.values)
    found = np.mean([means(table)[0] for table in completed_tables(masked, prediction)], axis=0)
    judged = (counts >= ROWS_PER_GROUP) & masked.hidden.any(axis=0) & item.any(axis=0) & ~_formed(masked, traits)
    groups = np.flatnonzero(judged.any(axis=1))
    squares = (found - true) ** 2 @ item
    names = _names(masked, traits)
    return {names[g]: float(np.sqrt(np.mean(squares[g], where=judged[g]))) for g in groups}


def _names(masked: Masked, traits: list[Trait]) -> list[str]:
    """Names of the groups, in the order of `_members`."""
    alone = [trait.names(masked.schema.columns[trait.position]) for trait in traits]
    return [*chain(*alone), *(f"{a} ~ {b}" for first, second in combinations(alone, 2) for a in first for b in second)]


def _traits(masked: Masked) -> list[Trait]:
    schema, truth = masked.schema, masked.truth.values
    named = schema.regression.covariates if schema.regression else ()
    chosen = {*schema.having(Role.DRIVER).tolist(), *map(schema.index, named)} - {*schema.where(Kind.TEXT).tolist()}
    cuts = np.arange(1, PARTS) / PARTS
    return [
        Trait(j, np.unique([*np.nanquantile(truth[:, j], cuts), inf]) if column.kind is Kind.NUMERIC else column.levels)
        for j, column in enumerate(schema)
        if j in chosen and not np.isnan(truth[:, j]).all()
    ]


def _members(traits: list[Trait], table: Floats) -> Floats:
    """Who of a table (n, p) belongs to which of the G groups, by one trait and by two, shape (n, G)."""
    alone = [trait.members(table).astype(float) for trait in traits]
    pairs = [(a[:, :, None] * b[:, None, :]).reshape(len(table), -1) for a, b in combinations(alone, 2)]
    return np.hstack([np.empty((len(table), 0)), *alone, *pairs])


def _formed(masked: Masked, traits: list[Trait]) -> NDArray[np.bool_]:
    """Which items (G, p) form which groups, in the order of `_members`."""
    alone = [
        np.repeat(np.eye(len(masked.schema), dtype=bool)[[trait.position]], len(trait.upper), 0) for trait in traits
    ]
    pairs = [(a[:, None] | b[None]).reshape(-1, len(masked.schema)) for a, b in combinations(alone, 2)]
    return np.vstack([np.empty((0, len(masked.schema)), dtype=bool), *alone, *pairs])
