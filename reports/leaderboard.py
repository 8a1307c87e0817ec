"""Leaderboard: who is ranked and where, and every table of it, as pure functions of the tidy scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from datasets.schema import UNORDERED, Kind
from reports.facts import Facts, HeadlineFacts
from reports.measures import NOT_METRICS
from reports.ranking import Design, averages, cube, design, loss, missing, rank, winner
from reports.results import COSTS, MASK, TABLE

ORDERED = (Kind.ORDINAL, Kind.NUMERIC)


@dataclass(frozen=True, eq=False)
class Contest:
    """Scores of some cells, and who may be compared on them.

    Parameters
    ----------
    scores : tidy scores, with the number of the mask and, as its setting, its mechanism and rate (see `ranking.rank`).
    facts, where : what is told about them, and how masks and items are resampled.
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
    families : headline family to its metrics, of those that made the rank.
    """

    contest: Contest
    table: pd.DataFrame
    winners: Mapping[str, str]
    families: Mapping[str, Sequence[str]]


def progress(scores: pd.DataFrame, lost: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Every planned cell with its status: done, failed, unavailable or missing.

    Columns: mechanism, setting, rate, seed, imputer, status, and message (empty if there is none).
    """
    cells = pd.DataFrame(facts["cells"], columns=[*MASK, "setting", "imputer"]).drop_duplicates()
    done = scores[list(cells)].drop_duplicates().assign(status="done", message="")
    known = pd.concat([done, lost[[*cells, "status", "message"]]])
    return cells.merge(known, how="left").fillna({"status": "missing", "message": ""})


def items(scores: pd.DataFrame, facts: Facts, kinds: Sequence[str] = tuple(Kind)) -> list[str]:
    """Columns of these kinds that have scores, in the order of the table."""
    scored = set(scores["column"].unique())
    return [name for name, column in facts["columns"].items() if name in scored and column["kind"] in kinds]


def headlines(facts: Facts) -> dict[str, HeadlineFacts]:
    """Metrics with a place on the boards, in the order of their places."""
    found = {name: known["headline"] for name, known in facts["metrics"].items() if "headline" in known}
    return dict(sorted(found.items(), key=lambda entry: (entry[1]["place"], entry[0])))


def judged(scores: pd.DataFrame, facts: Facts, metric: str) -> list[str]:
    """Columns that a headline metric is averaged over."""
    kinds = headlines(facts)[metric]["kinds"]
    return items(scores, facts, kinds) if kinds else [TABLE]


def standings(scores: pd.DataFrame, cells: pd.DataFrame, facts: Facts) -> Board:
    """Rank the imputers on these cells.

    Parameters
    ----------
    scores : tidy scores of some cells, and cells : the `progress` of the same; one mechanism's, say.
    """
    table = cells.groupby("imputer")["status"].agg(done=lambda s: int((s == "done").sum()), planned="size")
    table["reason"] = [_unfinished(cells[cells["imputer"] == name]) for name in table.index]
    whole = tuple(table.index[table["reason"] == ""])
    settings = scores["setting"] + " " + scores["rate"].map(repr)
    rows = scores.assign(mask=scores.groupby(MASK).ngroup(), setting=settings)
    contest = Contest(rows, facts, design(rows, _strata(rows, facts)), whole)
    ranks = _ranks(contest)
    for name in whole:
        if np.isnan(ranks["rank"].get(name, np.nan)):
            table.loc[name, "reason"] = _lacking(contest, name)
    table = table.join(ranks[["rank", "low", "high"]])
    table = table.join(costs(scores).reindex(whole)[["seconds", "peak-memory-mb"]]).rename_axis("imputer")
    table = table.sort_values(["rank", "imputer"], na_position="last")
    contest = replace(contest, ranked=tuple(table.index[table["reason"] == ""]))
    first = contest.ranked[:1]
    winners = {"rank": first[0]} if first and ranks.loc[first[0], "ahead"] else {}
    for metric in headlines(facts):
        if (scores["metric"] == metric).any():
            table[metric], best = column(contest, metric, judged(scores, facts, metric))
            winners |= {metric: best} if best else {}
    return Board(contest, table, winners, _families(contest))


def _strata(scores: pd.DataFrame, facts: Facts) -> dict[str, str]:
    """Items in the order of the table, each in one of two strata: ordered and unordered."""
    kinds = {name: facts["columns"][name]["kind"] for name in items(scores, facts)}
    return {name: "unordered" if kind in UNORDERED else "ordered" for name, kind in kinds.items()}


def _families(contest: Contest) -> dict[str, list[str]]:
    """Families of the rank to their metrics, of which an imputer that is whole has any score."""
    scores = contest.scores[contest.scores["imputer"].isin(contest.whole)]
    found: dict[str, list[str]] = {}
    for metric, known in headlines(contest.facts).items():
        units = scores[(scores["metric"] == metric) & scores["column"].isin(judged(scores, contest.facts, metric))]
        if known["family"] and units["value"].notna().any():
            found.setdefault(known["family"], []).append(metric)
    return found


def _ranks(contest: Contest) -> pd.DataFrame:
    """The `ranking.rank` of the imputers that are whole, by the metrics that make the rank."""
    scores, facts = contest.scores[contest.scores["imputer"].isin(contest.whole)], contest.facts
    families = {metric: family for family, metrics in _families(contest).items() for metric in metrics}
    if not families:
        return pd.DataFrame(columns=["rank", "low", "high", "ahead"], dtype=float)
    units = [
        scores[(scores["metric"] == metric) & scores["column"].isin(judged(scores, facts, metric))]
        for metric in families
    ]
    better = {metric: facts["metrics"][metric]["better"] for metric in families}
    return rank(pd.concat(units), better, families=families, strata=_strata(contest.scores, facts))


def column(contest: Contest, metric: str, columns: Sequence[str]) -> tuple[pd.Series, str | None]:
    """Mean of a metric over masks and columns, and the ranked imputer that leads beyond the resampling error.

    An imputer without all of the scores that others have gets no mean: it would be one of fewer tasks.
    """
    values = cube(contest.scores, metric, contest.where, columns, contest.whole)
    lacking = missing(values).any(axis=(0, 1)) | np.isnan(values).all(axis=(0, 1))
    resampled = averages([(values, columns)], contest.where)
    means = pd.Series(np.where(lacking, np.nan, resampled[0]), index=list(contest.whole), dtype=float)
    rivals = [k for k, name in enumerate(contest.whole) if name in contest.ranked and not lacking[k]]
    if not contest.where.replicated(columns):
        return means, None
    best = winner(loss(resampled[:, rivals], contest.facts["metrics"][metric]["better"]))
    return means, None if best is None else contest.whole[rivals[best]]


def _unfinished(cells: pd.DataFrame) -> str:
    counts = cells["status"].value_counts()
    words = {"failed": "failed in", "missing": "not run in", "unavailable": "unavailable in"}
    told = [f"{word} {counts[status]} of {len(cells)} cells" for status, word in words.items() if status in counts]
    remedies = cells.loc[cells["status"] == "unavailable", "message"].unique()
    return ": ".join([", ".join(told), *remedies])


def _lacking(contest: Contest, name: str) -> str:
    """Why an imputer whose cells are all done cannot be ranked."""
    metrics = [metric for family in _families(contest).values() for metric in family]
    if not metrics:
        return "no metric that makes the rank was scored"
    lacking = {}
    for metric in metrics:
        columns = judged(contest.scores, contest.facts, metric)
        values = cube(contest.scores, metric, contest.where, columns, contest.whole)
        lacking[metric] = missing(values)[:, :, contest.whole.index(name)]
    absent = [metric for metric, units in lacking.items() if units.any()]
    own = contest.scores.loc[contest.scores["imputer"] == name, "metric"].unique()
    given = {contest.facts["metrics"][metric]["reads"] for metric in own if metric not in NOT_METRICS}
    if given and given <= {"moments", "estimates"}:
        return f"fills no holes: it gives {' and '.join(sorted(given, reverse=True))} only"
    told = [f"{metric} ({int(lacking[metric].sum())} of {lacking[metric].size})" for metric in absent]
    return f"scores are missing: {', '.join(told)}"


def costs(scores: pd.DataFrame) -> pd.DataFrame:
    """Cost per imputer over its cells that are done.

    Columns: the means fit-seconds, draw-seconds and seconds (both), and the largest longest-seconds, those of a cell,
    and peak-memory-mb.
    """
    rows = scores[scores["metric"].isin(COSTS)]
    wide = rows.pivot_table(index=["imputer", *MASK], columns="metric", values="value").reindex(columns=list(COSTS))
    wide["seconds"] = wide["fit-seconds"] + wide["draw-seconds"]
    by = wide.groupby("imputer")
    means = by[["fit-seconds", "draw-seconds", "seconds"]].mean()
    return means.assign(**{"longest-seconds": by["seconds"].max(), "peak-memory-mb": by["peak-memory-mb"].max()})
