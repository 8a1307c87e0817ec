"""Dispersion within groups of people: do the fills make those of one kind too much alike."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Floats, Kind, Role
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import CATEGORICAL, SCALE, HiddenCells, hidden_cells
from metrics.metric import TABLE, Reads, metric

CELLS_PER_GROUP = 100  # a ratio of two variances of n cells has a standard error of up to 2/√n: of fewer, above 0.2

Amount = Callable[[HiddenCells, Floats, Floats], Floats]


@dataclass(frozen=True, eq=False)
class Groups:
    """G groups of people, one for each level of each nominal driver.

    Parameters
    ----------
    names : ``"sex: female"``, length G.
    drivers : place of each group's driver in the schema, shape (G,).
    members : who belongs to which, shape (n, G); a person whose driver is unknown belongs to none of its groups.
    """

    names: tuple[str, ...]
    drivers: NDArray[np.intp]
    members: Floats


@METRICS.register("within-variance-ratio")
@metric(reads=Reads.FILLS, better="1", span=(0, inf), best=1.0, trivial="0 (mean)")
def within_variance_ratio(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Variance of the fills within groups of people over that of the truth.

    ``mean_d Σ_gj SS_gj(f_d) / Σ_gj SS_gj(t)`` over the groups g of people with the same answer to a nominal driver
    and the ordinal and numeric items j, SS the sum of squares about the group's own mean of the item's hidden
    cells, in SDs of the item; f_d the fills of draw d, t the truth. Cells so count the same, whatever
    the size of their group. Below one: people of one kind are drawn more alike than they are, "flattened" (Wang,
    Morgenstern and Dickerson 2025, Nature Machine Intelligence 7), which `variance-ratio` misses where the
    groups are drawn further apart than they are. Left out without nominal drivers.
    """
    return _whole(masked, prediction, SCALE, _squares)


@METRICS.register("within-entropy-ratio")
@metric(reads=Reads.FILLS, better="1", span=(0, inf), best=1.0, trivial="0 (mode)")
def within_entropy_ratio(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Entropy of the fills within groups of people over that of the truth.

    ``mean_d Σ_gj n_gj H_gj(f_d) / Σ_gj n_gj H_gj(t)``, H the entropy (Shannon 1948) of the answers of a group g to a
    nominal or ordinal item j in its n hidden cells; groups as in `within-variance-ratio`. The entropy of few
    cells comes out too low, and equally so on both sides, as it is taken within each draw. A driver is
    not judged within its own groups. Left out without nominal drivers.
    """
    return _whole(masked, prediction, CATEGORICAL, _surprise)


@METRICS.register("subgroup-variance-ratio")
@metric(reads=Reads.FILLS, better="1", span=(0, inf), best=1.0, trivial="0 (mean)")
def subgroup_variance_ratio(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Variance of the fills over that of the truth within each group of people.

    `within-variance-ratio` of one group at a time, named ``"sex: female"``. A group of fewer than 100 hidden cells
    has none: a ratio of so few is off by a fifth by chance.
    """
    return _each(masked, prediction, SCALE, _squares)


@METRICS.register("subgroup-entropy-ratio")
@metric(reads=Reads.FILLS, better="1", span=(0, inf), best=1.0, trivial="0 (mode)")
def subgroup_entropy_ratio(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Entropy of the fills over that of the truth within each group of people.

    `within-entropy-ratio` of one group at a time, named ``"sex: female"``; a group of fewer than 100 hidden cells has
    none.
    """
    return _each(masked, prediction, CATEGORICAL, _surprise)


def _whole(masked: Masked, prediction: Prediction, kinds: tuple[Kind, ...], amount: Amount) -> dict[str, float]:
    found, true, _ = _amounts(masked, prediction, _groups(masked), kinds, amount)
    return {TABLE: float(found.sum() / true.sum())} if true.any() else {}


def _each(masked: Masked, prediction: Prediction, kinds: tuple[Kind, ...], amount: Amount) -> dict[str, float]:
    groups = _groups(masked)
    found, true, cells = _amounts(masked, prediction, groups, kinds, amount)
    told = np.flatnonzero((cells >= CELLS_PER_GROUP) & (true > 0))
    return {groups.names[g]: float(found[g] / true[g]) for g in told}


def _amounts(
    masked: Masked, prediction: Prediction, groups: Groups, kinds: tuple[Kind, ...], amount: Amount
) -> tuple[Floats, Floats, Floats]:
    """Dispersion of the fills and of the truth in each group, and its hidden cells; each of shape (G,)."""
    if prediction.draws is None:
        raise InputError("this method fills no holes, so its fills have no dispersion")
    found, true, cells = np.zeros((3, len(groups.names)))
    rows = np.nonzero(np.isnan(masked.values))[0]
    for item in hidden_cells(masked, *kinds):
        members = groups.members[rows[item.holes]] * (groups.drivers != item.position)
        found += np.mean([amount(item, fills, members) for fills in prediction.draws[:, item.holes]], axis=0)
        true += amount(item, item.truth, members)
        cells += members.sum(axis=0)
    return found, true, cells


def _groups(masked: Masked) -> Groups:
    drivers = np.intersect1d(masked.schema.having(Role.DRIVER), masked.schema.where(Kind.NOMINAL))
    columns = [masked.schema.columns[j] for j in drivers]
    names = tuple(f"{column.name}: {label}" for column in columns for label in column.labels.values())
    members = masked.schema.take(drivers).design(masked.truth.values[:, drivers])
    return Groups(names, np.repeat(drivers, [len(column.labels) for column in columns]), np.nan_to_num(members))


def _squares(item: HiddenCells, values: Floats, members: Floats) -> Floats:
    """Sum of squares of values (h,) about the mean of each group (h, G), in SDs of the item; shape (G,)."""
    if item.spread == 0:
        return np.zeros(members.shape[1])
    Z = (values - item.truth.mean()) / item.spread
    totals, counts = members.T @ Z, np.maximum(members.sum(axis=0), 1)
    return np.maximum(members.T @ Z**2 - totals**2 / counts, 0.0)


def _surprise(item: HiddenCells, values: Floats, members: Floats) -> Floats:
    """Entropy of values (h,) within each group (h, G) times the group's number of them, in nats; shape (G,)."""
    counts = members.T @ (values[:, None] == item.column.levels)  # (G, K)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return -(counts * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
