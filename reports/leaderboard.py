"""Leaderboard: who is ranked and where, and every table of it, as pure functions of the tidy scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.schema import Floats
from reports.facts import Facts
from reports.measures import NOT_METRICS
from reports.ranking import RESAMPLES, Design, averages, cube, design, interval, loss, unit_ranks, winner
from reports.results import COSTS, MASK, TABLE

UNORDERED = ("nominal", "text")
ORDERED = ("ordinal", "numeric")


@dataclass(frozen=True)
class Headline:
    """A metric that enters the rank: its family, the kinds of item it judges (none: the whole table), its title."""

    metric: str
    family: str
    kinds: tuple[str, ...]
    title: str


HEADLINES = (
    Headline("nrmse", "values", ORDERED, "NRMSE"),
    Headline("accuracy", "categories", UNORDERED, "accuracy"),
    Headline("total-variation", "distribution", ("nominal",), "total variation"),
    Headline("wasserstein", "distribution", ORDERED, "Wasserstein"),
    Headline("design-correlation-error", "covariance", (), "correlation error"),
)


@dataclass(frozen=True, eq=False)
class Contest:
    """Scores of some cells, and who may be compared on them.

    Parameters
    ----------
    scores, facts, where : tidy scores, what is told about them, and how masks and items are resampled.
    whole : imputers with all their cells done.
    ranked : those of them with every score that makes the rank, best first.
    """

    scores: pd.DataFrame
    facts: Facts
    where: Design
    whole: tuple[str, ...]
    ranked: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Board:
    """One ranking.

    Parameters
    ----------
    contest : who is compared on what.
    table : one row per imputer, the ranked ones first, in order; columns rank, low, high (mean rank and
        the ends of its interval; NaN if not ranked), then the metrics, seconds, peak-memory-mb, done,
        planned, and reason (why it is not ranked; empty if it is). The mean of a metric is NaN unless the
        imputer has all the scores that it is a mean of.
    winners : column to the imputer whose lead over the runner-up is beyond the resampling error.
    families : the headline families that made the rank.
    """

    contest: Contest
    table: pd.DataFrame
    winners: Mapping[str, str]
    families: tuple[str, ...]


def progress(scores: pd.DataFrame, lost: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Every planned cell with its status: done, failed, unavailable or missing.

    Returns
    -------
    DataFrame with columns mechanism, rate, seed, imputer, status, and message (empty if there is none).
    """
    cells = pd.DataFrame(facts["cells"], columns=[*MASK, "imputer"]).drop_duplicates()
    done = scores[list(cells)].drop_duplicates().assign(status="done", message="")
    known = pd.concat([done, lost[[*cells, "status", "message"]]])
    return cells.merge(known, how="left").fillna({"status": "missing", "message": ""})


def items(scores: pd.DataFrame, facts: Facts, kinds: Sequence[str] = (*UNORDERED, *ORDERED)) -> list[str]:
    """Columns of these kinds that have scores, in the order of the table."""
    scored = set(scores["column"].unique())
    return [name for name, column in facts["columns"].items() if name in scored and column["kind"] in kinds]


def plan(scores: pd.DataFrame, facts: Facts) -> Design:
    """Resampling design of these scores: items in two strata, unordered and ordered."""
    names = items(scores, facts)
    return design(scores, names, ["ordered" if facts["columns"][n]["kind"] in ORDERED else "unordered" for n in names])


def standings(scores: pd.DataFrame, cells: pd.DataFrame, facts: Facts) -> Board:
    """Rank the imputers on these cells.

    Parameters
    ----------
    scores : tidy scores of some cells, and cells : the `progress` of the same; one mechanism's, say.
    """
    table = cells.groupby("imputer")["status"].agg(done=lambda s: int((s == "done").sum()), planned="size")
    table["reason"] = [_unfinished(cells[cells["imputer"] == name]) for name in table.index]
    whole = tuple(table.index[table["reason"] == ""])
    contest = Contest(scores, facts, plan(scores, facts), whole)
    parts = headline_cubes(contest)
    for k, name in enumerate(whole):
        table.loc[name, "reason"] = _lacking(parts, k, contest)
    able = [k for k, name in enumerate(whole) if table.loc[name, "reason"] == ""]
    names = [whole[k] for k in able]
    contenders = {h: (values[:, :, able], columns) for h, (values, columns) in parts.items()}
    means = mean_ranks(contenders, contest) if able else np.empty((1 + RESAMPLES, 0))
    first = winner(means) if contest.where.replicated(contest.where.columns) else None
    winners = {} if first is None else {"rank": names[first]}
    ranks = pd.DataFrame({"rank": means[0], "low": interval(means)[0], "high": interval(means)[1]}, index=names)
    table = table.join(ranks).join(costs(scores).reindex(whole)[["seconds", "peak-memory-mb"]]).rename_axis("imputer")
    table = table.sort_values(["rank", "imputer"], na_position="last")
    contest = replace(contest, ranked=tuple(table.index[table["reason"] == ""]))
    for metric, columns in _columns_of_a_board(contest).items():
        table[metric], best = column(contest, metric, columns)
        winners |= {metric: best} if best else {}
    return Board(contest, table, winners, tuple(dict.fromkeys(h.family for h in parts)))


def headline_cubes(contest: Contest) -> dict[Headline, tuple[Floats, list[str]]]:
    """Headline to (scores (M, J, K) of the K imputers that are whole, its J columns), where anybody has any."""
    found = {}
    for headline in HEADLINES:
        columns = items(contest.scores, contest.facts, headline.kinds) if headline.kinds else [TABLE]
        values = cube(contest.scores, headline.metric, contest.where, columns, contest.whole)
        if not np.isnan(values).all():
            found[headline] = values, columns
    return found


def mean_ranks(parts: Mapping[Headline, tuple[Floats, list[str]]], contest: Contest) -> Floats:
    """Mean rank of K imputers, as it was and in each resample, shape (1 + B, K).

    Imputers are ranked within each unit: a mask × item, or a mask for a metric of the whole table.
    Ranks are averaged over the units of a family, then over the families.
    """
    families: dict[str, list[tuple[Floats, list[str]]]] = {}
    for headline, (values, columns) in parts.items():
        ranks = unit_ranks(loss(values, contest.facts["metrics"][headline.metric]["better"]))
        families.setdefault(headline.family, []).append((ranks, columns))
    return np.mean([averages(family, contest.where) for family in families.values()], axis=0)


def column(contest: Contest, metric: str, columns: Sequence[str]) -> tuple[pd.Series, str | None]:
    """Mean of a metric over masks and columns, and the ranked imputer that leads beyond the resampling error.

    An imputer without all of the scores that others have gets no mean: it would be one of fewer tasks.
    """
    values = cube(contest.scores, metric, contest.where, columns, contest.whole)
    lacking = _lacking_units(values).any(axis=(0, 1)) | np.isnan(values).all(axis=(0, 1))
    resampled = averages([(values, columns)], contest.where)
    means = pd.Series(np.where(lacking, np.nan, resampled[0]), index=list(contest.whole), dtype=float)
    rivals = [k for k, name in enumerate(contest.whole) if name in contest.ranked and not lacking[k]]
    if not contest.where.replicated(columns):
        return means, None
    best = winner(loss(resampled[:, rivals], contest.facts["metrics"][metric]["better"]))
    return means, None if best is None else contest.whole[rivals[best]]


def _columns_of_a_board(contest: Contest) -> dict[str, list[str]]:
    """Metric to the columns it is averaged over, for the headline metrics that were scored and the log score."""
    kinds = {h.metric: h.kinds for h in HEADLINES} | {"log-score": ("nominal", "ordinal")}
    scored = set(contest.scores["metric"].unique())
    return {
        metric: items(contest.scores, contest.facts, kind) if kind else [TABLE]
        for metric, kind in kinds.items()
        if metric in scored
    }


def _unfinished(cells: pd.DataFrame) -> str:
    counts = cells["status"].value_counts()
    words = {"failed": "failed in", "missing": "not run in", "unavailable": "unavailable in"}
    told = [f"{word} {counts[status]} of {len(cells)} cells" for status, word in words.items() if status in counts]
    remedies = cells.loc[cells["status"] == "unavailable", "message"].unique()
    return ": ".join([", ".join(told), *remedies])


def _lacking_units(values: Floats) -> NDArray[np.bool_]:
    """Which scores (M, J, K) are missing though somebody has that unit."""
    there = ~np.isnan(values)
    return there.any(axis=2, keepdims=True) & ~there


def _lacking(parts: Mapping[Headline, tuple[Floats, list[str]]], k: int, contest: Contest) -> str:
    """Why an imputer whose cells are all done cannot be ranked; empty if it can."""
    if not parts:
        return "no metric that makes the rank was scored"
    lacking = {h.metric: _lacking_units(values)[:, :, k] for h, (values, _) in parts.items()}
    absent = [metric for metric, units in lacking.items() if units.any()]
    own = contest.scores.loc[contest.scores["imputer"] == contest.whole[k], "metric"].unique()
    given = {contest.facts["metrics"][metric]["reads"] for metric in own if metric not in NOT_METRICS}
    if absent and given and given <= {"moments", "estimates"}:
        return f"fills no holes: it gives {' and '.join(sorted(given, reverse=True))} only"
    told = [f"{metric} ({int(lacking[metric].sum())} of {lacking[metric].size})" for metric in absent]
    return f"scores are missing: {', '.join(told)}" if told else ""


def costs(scores: pd.DataFrame) -> pd.DataFrame:
    """Cost per imputer over its cells that are done.

    Returns
    -------
    DataFrame by imputer with means fit-seconds, draw-seconds, seconds (both), the largest
    seconds of a cell longest-seconds, and the largest peak-memory-mb.
    """
    rows = scores[scores["metric"].isin(COSTS)]
    wide = rows.pivot_table(index=["imputer", *MASK], columns="metric", values="value").reindex(columns=list(COSTS))
    wide["seconds"] = wide["fit-seconds"] + wide["draw-seconds"]
    by = wide.groupby("imputer")
    means = by[["fit-seconds", "draw-seconds", "seconds"]].mean()
    return means.assign(**{"longest-seconds": by["seconds"].max(), "peak-memory-mb": by["peak-memory-mb"].max()})
