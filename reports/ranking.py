"""Ranking: mean ranks over paired units, and how far masks and columns leave them uncertain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import Floats
from reports.results import TABLE

RESAMPLES = 1000
UNIT = ["imputer", "mask", "metric", "column"]


@dataclass(frozen=True, eq=False)
class Design:
    """The masks and columns of an experiment, and B resamples of them that all methods share.

    Parameters
    ----------
    masks : the M masks, in order.
    columns : the J items and, last, ``"(table)"``.
    mask_weights : shape (1 + B, M); the first row is all ones, the experiment as it was.
    column_weights : shape (1 + B, J + 1); of ``"(table)"`` always one.
    """

    masks: pd.Index
    columns: tuple[str, ...]
    mask_weights: Floats
    column_weights: Floats

    def replicated(self, columns: Sequence[str]) -> bool:
        """Tell whether resampling changes anything about these columns, so that an interval means something."""
        return bool((self.mask_weights != 1).any() or (self.column_weights[:, self.positions(columns)] != 1).any())

    def positions(self, columns: Sequence[str]) -> list[int]:
        """Where these columns stand."""
        return [self.columns.index(column) for column in columns]


def rank(
    frame: pd.DataFrame,
    better: Mapping[str, str],
    *,
    families: Mapping[str, str] | None = None,
    strata: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Rank imputers by their scores.

    Imputers are ranked within each unit, a mask × column of a metric, ties at their average. Ranks are averaged over
    the units of a family of metrics, then over the families, each counting the same. Intervals are 95 % percentile
    intervals over `RESAMPLES` resamples of masks and columns, the same for all imputers (see `design`).

    Parameters
    ----------
    frame : a score a row, with columns ``imputer``, ``mask`` (which cells were hidden, e.g. a seed), ``metric``,
        ``column`` (``"(table)"`` for a score of the whole table, which is never resampled) and ``value``; and, if there
        are several, ``setting``: masks are resampled within theirs. Infinite values may be; NaN counts as missing.
    better : metrics that are ranked, to ``"lower"``, ``"higher"`` or a number to be near to, e.g. ``"1"``.
    families : metric to its family; without, every metric is one.
    strata : column to the stratum that it is resampled in; without, all are in one.

    Returns
    -------
    DataFrame by imputer, best first: ``rank``, the mean rank; ``low`` and ``high``, its interval, NaN where there is
    nothing to resample; ``ahead``, whether the interval of the paired lead over the next imputer excludes zero. An
    imputer without a score that another has would be judged on fewer tasks: its rank is NaN and it stands last.

    Raises
    ------
    InputError
        If a column or a metric is missing, a score stands twice, a mask has two settings, or a direction is unknown.

    Examples
    --------
    >>> errors = {"mean": [1.01, 0.99, 1.02, 1.00], "gbm": [0.78, 0.80, 0.83, 0.81], "knn": [0.82, 0.79, 0.86, 0.85]}
    >>> scores = pd.DataFrame(
    ...     [
    ...         (imputer, seed, "nrmse", item, values[2 * seed - 2 + j])
    ...         for imputer, values in errors.items()
    ...         for seed in (1, 2)
    ...         for j, item in enumerate(("age", "income"))
    ...     ],
    ...     columns=["imputer", "mask", "metric", "column", "value"],
    ... )
    >>> print(rank(scores, better={"nrmse": "lower"}).to_string(index_names=False))
          rank  low  high  ahead
    gbm   1.25  1.0   2.0  False
    knn   1.75  1.0   2.0   True
    mean  3.00  3.0   3.0  False
    """
    from scipy.stats import rankdata

    _check(frame, better)
    where = design(frame, strata)
    names = sorted(frame["imputer"].unique())
    scored = {metric: set(frame.loc[frame["metric"] == metric, "column"]) for metric in better}
    columns = {metric: [name for name in where.columns if name in scored[metric]] for metric in better}
    scores = {metric: cube(frame, metric, where, columns[metric], names) for metric in better}
    short = np.any([missing(values).any(axis=(0, 1)) for values in scores.values()], axis=0)
    parts: dict[str, list[tuple[Floats, Sequence[str]]]] = {}
    for metric, values in scores.items():
        ranks = rankdata(loss(values[:, :, ~short], better[metric]), axis=-1, nan_policy="omit")
        parts.setdefault((families or {}).get(metric, metric), []).append((ranks, columns[metric]))
    means = np.mean([averages(family, where) for family in parts.values()], axis=0)
    order = np.argsort(means[0], kind="stable")
    in_order = [*np.array(names)[~short][order].tolist(), *np.array(names)[short].tolist()]
    return _with_intervals(means[:, order], where, in_order)


def _with_intervals(means: Floats, where: Design, names: list[str]) -> pd.DataFrame:
    """Table of names, of which the first have mean ranks (1 + B, K), in order."""
    count = means.shape[1]
    table = pd.DataFrame(
        {"rank": np.nan, "low": np.nan, "high": np.nan, "ahead": False}, index=pd.Index(names, name="imputer")
    )
    table.loc[names[:count], "rank"] = means[0]
    if count and where.replicated(where.columns):
        table.loc[names[:count], ["low", "high"]] = interval(means).T
        table.loc[names[: count - 1], "ahead"] = interval(np.diff(means, axis=1))[0] > 0
    return table


def _check(frame: pd.DataFrame, better: Mapping[str, str]) -> None:
    """Validate at the door of `rank`."""
    lacking = [name for name in (*UNIT, "value") if name not in frame]
    if lacking:
        raise InputError(f"a table of scores needs the columns {', '.join((*UNIT, 'value'))}; it lacks {lacking}")
    unknown = sorted(set(better) - set(frame["metric"]))
    if unknown or not better:
        scored = ", ".join(sorted(set(frame["metric"]))) or "none"
        raise InputError(f"the metrics to rank by are {sorted(better)}; the table has scores of: {scored}")
    for metric, direction in better.items():
        if direction not in ("lower", "higher") and not _number(direction):
            raise InputError(f"better of {metric!r} is {direction!r}; wanted 'lower', 'higher', or a number as text")
    twice = frame.loc[frame.duplicated(UNIT), UNIT]
    if len(twice):
        raise InputError(f"the score of {dict(twice.iloc[0])} stands twice in the table; give each once")
    if "setting" in frame and (frame.groupby("mask")["setting"].nunique() > 1).any():
        raise InputError("a mask of the table has two settings; number the masks through all settings")


def _number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def design(frame: pd.DataFrame, strata: Mapping[str, str] | None = None) -> Design:
    """Resample masks within each setting, and columns within each stratum; the arguments are those of `rank`.

    Each stratum of n gives n - 1 draws with replacement, weighted n / (n - 1): the rescaling bootstrap of
    Rao & Wu (1988, JASA 83, section 2), whose variance is unbiased where strata are as small as three
    seeds; the plain bootstrap's is then a third too small. A stratum of one is not resampled.
    """
    rng = np.random.default_rng(1988)
    masks = frame.drop_duplicates("mask").sort_values("mask")
    settings = masks["setting"] if "setting" in masks else masks["mask"].map(lambda _: "")
    if strata is None:
        strata = dict.fromkeys(sorted(set(frame["column"]) - {TABLE}), "")
    table = np.ones((1 + RESAMPLES, 1))
    mask_weights = _weights(list(settings), rng)
    column_weights = np.hstack([_weights(list(strata.values()), rng), table])
    return Design(pd.Index(masks["mask"]), (*strata, TABLE), mask_weights, column_weights)


def _weights(strata: Sequence[str], rng: np.random.Generator) -> Floats:
    weights = np.ones((1 + RESAMPLES, len(strata)))
    for stratum in sorted(set(strata)):
        members = np.flatnonzero(np.array(strata) == stratum)
        n = len(members)
        if n > 1:
            weights[1:, members] = rng.multinomial(n - 1, np.full(n, 1 / n), size=RESAMPLES) * (n / (n - 1))
    return weights


def cube(frame: pd.DataFrame, metric: str, where: Design, columns: Sequence[str], imputers: Sequence[str]) -> Floats:
    """Scores of one metric, shape (M, len(columns), len(imputers)); NaN where there is none."""
    rows = frame[(frame["metric"] == metric) & frame["column"].isin(columns) & frame["imputer"].isin(imputers)]
    values = np.full((len(where.masks), len(columns), len(imputers)), np.nan)
    i = where.masks.get_indexer(rows["mask"])
    j = pd.Index(columns).get_indexer(rows["column"])
    k = pd.Index(imputers).get_indexer(rows["imputer"])
    values[i, j, k] = rows["value"]
    return values


def missing(values: Floats) -> NDArray[np.bool_]:
    """Which scores (M, J, K) are missing though some imputer has that unit."""
    there = ~np.isnan(values)
    return there.any(axis=2, keepdims=True) & ~there


def loss(values: Floats, better: str) -> Floats:
    """Turn scores so that lower is better; ``better`` is "lower", "higher", or a number to be near to."""
    match better:
        case "lower":
            return values
        case "higher":
            return -values
        case _:
            return np.abs(values - float(better))


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
