"""Skill: how much of the score of the items' observed marginals a method saves, with each cluster's part in it."""

from collections.abc import Callable, Iterable, Mapping
from math import inf

import numpy as np
from numpy.typing import NDArray

from datasets.clusters import clusters
from datasets.prediction import Prediction
from datasets.schema import UNORDERED, Floats, Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.energy_scores import fair_score
from metrics.marginals import marginal_energy, marginal_row_energy
from metrics.metric import TABLE, BoardName, Headline, Measured, Reads, metric
from metrics.scaled import ScaledCells, ScaledItem, scaled_cells

BY_KIND = {"(numeric)": (Kind.NUMERIC,), "(ordinal)": (Kind.ORDINAL,), "(nominal)": UNORDERED}


@METRICS.register("row-energy-skill")
@metric(
    reads=Reads.FILLS,
    better="higher",
    span=(-inf, inf),
    best=1.0,
    trivial="0 (independent draws from the items' shares)",
    headline=Headline("skill of rows", place=1, board=BoardName.DISTRIBUTIONS, primary=True),
)
def row_energy_skill(masked: Masked, prediction: Prediction) -> Mapping[str, float | Measured]:
    """Skill of whole respondents: row energy score against that of the marginals.

    ``1 - S / S₀``, S the `row-energy` and S₀ that of independent draws from the observed marginals of the items.
    """
    cells = scaled_cells(masked, prediction)
    if cells is None:
        return {}
    scores = fair_score(cells.draws, cells.truth, cells.row_distance)
    members, C = _members(masked, cells.rows[cells.starts])
    found = skill(scores, marginal_row_energy(cells), members, C)
    return {} if found is None else {TABLE: found}


@METRICS.register("cell-energy-skill")
@metric(
    reads=Reads.FILLS,
    better="higher",
    span=(-inf, inf),
    best=1.0,
    trivial="0 (the item's shares)",
    headline=Headline("skill of cells", place=2, board=BoardName.DISTRIBUTIONS, columns=tuple(BY_KIND)),
)
def cell_energy_skill(masked: Masked, prediction: Prediction) -> Mapping[str, float | Measured]:
    """Skill of the distribution of each cell: energy score against the marginal's.

    ``1 - S_j / S₀_j`` for each item j, S the `cell-energy` and S₀ that of the distribution of the item's observed
    answers; the mean over the items, which weigh alike, for the table; and for the items of each kind, texts with
    nominal ones. An item of which the marginal foresees all is left out.
    """
    cells = scaled_cells(masked, prediction)
    if cells is None:
        return {}
    scores = fair_score(cells.draws, cells.truth, cells.distance)
    found = _by_item(masked, cells, lambda item: (scores[item.at], marginal_energy(item, cells.truth[item.at])))
    kinds = {
        label: [one.value for item, one in found if item.cells.column.kind in kinds] for label, kinds in BY_KIND.items()
    }
    return _told(found) | {label: float(np.mean(values)) for label, values in kinds.items() if values}


@METRICS.register("value-skill")
@metric(
    reads=Reads.FILLS,
    better="higher",
    span=(-inf, inf),
    best=1.0,
    trivial="0 (the item's mean, or its shares)",
    headline=Headline("skill", place=1, board=BoardName.VALUES, primary=True),
)
def value_skill(masked: Masked, prediction: Prediction) -> Mapping[str, float | Measured]:
    """Skill of single values: squared error, or half Brier, against the marginal.

    ``1 - S_j / S₀_j`` for each item j and the mean over items. For numeric and ordinal items S is the squared error
    of the expectation ``(x̄ - t)² - s²/m`` of the mean x̄ and the variance s² (denominator
    m - 1) of m draws, which is unbiased in m, and S₀ that of the mean of the observed answers. For nominal items and
    texts S is half the Brier score of the draws, fair in m (Ferro 2014), and S₀ that of the observed shares.
    """
    cells, draws = scaled_cells(masked, prediction), prediction.draws
    if cells is None or draws is None:
        return {}
    brier = fair_score(cells.draws, cells.truth, cells.distance)  # read for items without an order

    def scores(item: ScaledItem) -> tuple[Floats, Floats]:
        if item.unordered:
            return brier[item.at], marginal_energy(item, cells.truth[item.at])
        own, mean = item.cells, np.nanmean(masked.values[:, item.cells.position])
        return squared_error(draws[:, own.holes], own.truth), (mean - own.truth) ** 2

    return _told(_by_item(masked, cells, scores))


def squared_error(draws: Floats, truth: Floats) -> Floats:
    """Squared error (h,) of the expectation that m draws (m, h) are of, unbiased in m; may be negative."""
    return (draws.mean(axis=0) - truth) ** 2 - draws.var(axis=0, ddof=1) / len(draws)


def skill(scores: Floats, trivial: Floats, members: NDArray[np.intp], C: int) -> Measured | None:
    """``1 - S / S₀`` of mean scores, with the influence of each cluster; None if S₀ is zero.

    Both means are ratios of sums over clusters to counts, so by linearisation (Wolter 2007, Introduction to Variance
    Estimation, section 6.5) the influence of a cluster is the sum over its N units of
    ``-(e - S) / (N S₀) + S (e₀ - S₀) / (N S₀²)``. What is forecast, by the method and by the marginal, is held fixed.

    Parameters
    ----------
    scores, trivial : of the method and of the marginal, shape (N,).
    members : cluster of each unit, shape (N,).
    C : number of clusters.
    """
    S, S0 = float(scores.mean()), float(trivial.mean())
    if S0 <= 0:
        return None
    parts = (S / S0 * (trivial - S0) - (scores - S)) / (len(scores) * S0)
    return Measured(1 - S / S0, np.bincount(members, parts, minlength=C).astype(float))


def _by_item(
    masked: Masked, cells: ScaledCells, scores: Callable[[ScaledItem], tuple[Floats, Floats]]
) -> list[tuple[ScaledItem, Measured]]:
    members, C = _members(masked, cells.rows)
    found = ((item, skill(*scores(item), members[item.at], C)) for item in cells.items)
    return [(item, one) for item, one in found if one is not None]


def _told(found: Iterable[tuple[ScaledItem, Measured]]) -> dict[str, float | Measured]:
    """Values by item, and their mean for the table with its influences."""
    skills = dict((item.cells.name, one) for item, one in found)
    if not skills:
        return {}
    influence = np.mean([one.influence for one in skills.values()], axis=0)
    mean = Measured(float(np.mean([one.value for one in skills.values()])), influence)
    return {name: one.value for name, one in skills.items()} | {TABLE: mean}


def _members(masked: Masked, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], int]:
    known = clusters(masked.truth)
    return known.of_row[rows], len(known)
