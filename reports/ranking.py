"""Ranking: mean ranks over paired units, and how far masks and items leave them uncertain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from datasets.schema import Floats
from reports.results import MASK, TABLE, setting

RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Design:
    """The masks and columns of an experiment, and B resamples of them that all methods share.

    Parameters
    ----------
    masks : the M masks (mechanism, rate, seed).
    columns : the J items and, last, ``"(table)"``.
    mask_weights : shape (1 + B, M); the first row is all ones, the experiment as it was.
    column_weights : shape (1 + B, J + 1); of ``"(table)"`` always one.
    """

    masks: pd.MultiIndex
    columns: tuple[str, ...]
    mask_weights: Floats
    column_weights: Floats

    def replicated(self, columns: Sequence[str]) -> bool:
        """Tell whether resampling changes anything about these columns, so that an interval means something."""
        return bool((self.mask_weights != 1).any() or (self.column_weights[:, self.positions(columns)] != 1).any())

    def positions(self, columns: Sequence[str]) -> list[int]:
        """Where these columns stand."""
        return [self.columns.index(column) for column in columns]


def design(masks: pd.DataFrame, items: Sequence[str], strata: Sequence[str]) -> Design:
    """Resample seeds (and folds) within each mechanism and rate, and items within each stratum.

    Each stratum of n gives n - 1 draws with replacement, weighted n / (n - 1): the rescaling bootstrap of
    Rao & Wu (1988, JASA 83, section 2), whose variance is unbiased where strata are as small as three
    seeds; the plain bootstrap's is then a third too small. A stratum of one is not resampled.

    Parameters
    ----------
    masks : one row per mask, with columns mechanism, rate and seed.
    items, strata : the J items and the stratum (here the kind) of each.
    """
    rng = np.random.default_rng(1988)
    index = pd.MultiIndex.from_frame(masks[MASK].drop_duplicates().sort_values(MASK))
    settings = [f"{setting(mechanism)} {rate!r}" for mechanism, rate, _ in index]
    table = np.ones((1 + RESAMPLES, 1))
    return Design(index, (*items, TABLE), _weights(settings, rng), np.hstack([_weights(strata, rng), table]))


def _weights(strata: Sequence[str], rng: np.random.Generator) -> Floats:
    weights = np.ones((1 + RESAMPLES, len(strata)))
    for stratum in sorted(set(strata)):
        members = np.flatnonzero(np.array(strata) == stratum)
        n = len(members)
        if n > 1:
            weights[1:, members] = rng.multinomial(n - 1, np.full(n, 1 / n), size=RESAMPLES) * (n / (n - 1))
    return weights


def cube(scores: pd.DataFrame, metric: str, where: Design, columns: Sequence[str], imputers: Sequence[str]) -> Floats:
    """Scores of one metric, shape (M, len(columns), len(imputers)); NaN where there is none."""
    rows = scores[(scores["metric"] == metric) & scores["column"].isin(columns) & scores["imputer"].isin(imputers)]
    values = np.full((len(where.masks), len(columns), len(imputers)), np.nan)
    i = where.masks.get_indexer(pd.MultiIndex.from_frame(rows[MASK]))
    j = pd.Index(columns).get_indexer(rows["column"])
    k = pd.Index(imputers).get_indexer(rows["imputer"])
    values[i, j, k] = rows["value"]
    return values


def loss(values: Floats, better: str) -> Floats:
    """Turn scores so that lower is better; ``better`` is "lower", "higher", or a number to be near to."""
    match better:
        case "lower":
            return values
        case "higher":
            return -values
        case _:
            return np.abs(values - float(better))


def unit_ranks(losses: Floats) -> Floats:
    """Ranks along the last axis, 1 the lowest loss, ties at their average; NaN stays NaN.

    Examples
    --------
    >>> unit_ranks(np.array([[0.3, 0.1, 0.3, 0.9]]))
    array([[2.5, 1. , 2.5, 4. ]])
    """
    below = (losses[..., None, :] < losses[..., :, None]).sum(axis=-1)
    equal = (losses[..., None, :] == losses[..., :, None]).sum(axis=-1)
    return np.where(np.isnan(losses), np.nan, below + (equal + 1) / 2)


def averages(parts: Sequence[tuple[Floats, Sequence[str]]], where: Design) -> Floats:
    """Mean over all units of all parts, as it was and in each resample, shape (1 + B, K).

    Parameters
    ----------
    parts : (values (M, J, K), its J columns); a unit is a mask × column, absent where NaN.
    where : the masks and columns, with their weights.
    """
    total = np.zeros((1 + RESAMPLES, parts[0][0].shape[2]))
    weight = np.zeros_like(total)
    with np.errstate(invalid="ignore", divide="ignore"):  # an infinite score not drawn is 0 × inf: undefined, as told
        for values, columns in parts:
            v = where.column_weights[:, where.positions(columns)]
            there = ~np.isnan(values)
            weight += np.einsum("bm,mjk,bj->bk", where.mask_weights, there.astype(float), v, optimize=True)
            total += np.einsum("bm,mjk,bj->bk", where.mask_weights, np.where(there, values, 0), v, optimize=True)
        return total / weight


def interval(resamples: Floats) -> Floats:
    """95 % percentile interval along the first axis of (1 + B, ...), its first row left out; shape (2, ...)."""
    return np.percentile(resamples[1:], [2.5, 97.5], axis=0)


def winner(losses: Floats) -> int | None:
    """Position of the best of K, if the interval of its paired lead over the runner-up excludes zero.

    Parameters
    ----------
    losses : mean losses as they were and in each resample, shape (1 + B, K).
    """
    order = np.argsort(losses[0], kind="stable")
    order = order[np.isfinite(losses[0, order])]  # an infinite loss has lost, and has no lead to resample
    if len(order) < 2:
        return None
    low, _ = interval(losses[:, order[1]] - losses[:, order[0]])
    return int(order[0]) if low > 0 else None
