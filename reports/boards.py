"""Boards: one table for each purpose, in an order in which methods that cannot be told apart share a place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from datasets.schema import Kind
from reports.facts import Facts, HeadlineFacts
from reports.ranking import rank, resolution
from reports.results import COSTS, MASK, TABLE
from reports.uncertainty import Scores, scores_of

ORDERED = (Kind.ORDINAL, Kind.NUMERIC)
ORDERED_BY_SCORE = ("distributions", "values")
REPEAT = "#"  # between the name of a method and the number of its run under another seed


@dataclass(frozen=True, eq=False)
class Contest:
    """Scores of some cells, and who may be compared on them.

    Parameters
    ----------
    scores : tidy scores, with the number of the mask; its setting is mechanism and rate (see `ranking.rank`).
    facts : what is told about them.
    cells : the `progress` of all cells that were planned.
    imputers : one row per imputer, runs under another seed left out: ``done``, ``unavailable`` and ``planned`` cells,
        and ``reason``, why it is not ordered; empty if all its cells are done.
    """

    scores: pd.DataFrame
    facts: Facts
    cells: pd.DataFrame
    imputers: pd.DataFrame

    @property
    def whole(self) -> tuple[str, ...]:
        """Imputers with all their cells done."""
        return tuple(self.imputers.index[self.imputers["reason"] == ""])

    @property
    def present(self) -> list[str]:
        """Imputers but those that were unavailable in every cell, by name."""
        return sorted(self.imputers.index[self.imputers["unavailable"] < self.imputers["planned"]])

    @property
    def settings(self) -> list[str]:
        """Mechanisms, in the order of the plan."""
        there = set(self.scores["mechanism_setting"])
        return [name for name in dict.fromkeys(cell["setting"] for cell in self.facts["cells"]) if name in there]

    def of_setting(self, setting: str) -> "Contest":
        """The same imputers on the masks of one mechanism."""
        return replace(self, scores=self.scores[self.scores["mechanism_setting"] == setting])


@dataclass(frozen=True)
class Shown:
    """One score that a board shows.

    Parameters
    ----------
    metric, title : the metric, and the head of its column.
    column : of the metric, e.g. ``"(numeric)"``; empty if it is averaged over the items that its headline tells.
    primary : whether it orders the board.
    """

    metric: str
    column: str
    title: str
    primary: bool

    @property
    def name(self) -> str:
        """Its name in the table of a board."""
        return f"{self.metric} {self.column}".strip()

    def columns(self, contest: Contest) -> list[str]:
        """Columns of the scores that it is the mean of."""
        return [self.column] if self.column else judged(contest, self.metric)


@dataclass(frozen=True, eq=False)
class Board:
    """One table for one purpose.

    Parameters
    ----------
    contest : who is compared on what.
    primary : the metric that orders it.
    table : one row per imputer that has any of its scores, those with a place first: the columns of `ranking.rank`,
        then the metrics of the board and the `costs`. The mean of a metric is NaN unless the imputer has all scores
        that others have.
    floor : the smallest gap that can be told from zero; NaN if none can.
    """

    contest: Contest
    primary: str
    table: pd.DataFrame
    floor: float

    @property
    def placed(self) -> pd.DataFrame:
        """Rows of the imputers that have a place."""
        return self.table[self.table["place"].notna()]

    @property
    def tied(self) -> list[str]:
        """Imputers that share the first place."""
        return list(self.table.index[(self.table["place"] == 1).fillna(value=False)])


def progress(scores: pd.DataFrame, lost: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Every planned cell with its status: done, failed, unavailable or missing.

    Columns: mechanism, setting, rate, seed, imputer, status, and message (empty if there is none).
    """
    cells = pd.DataFrame(facts["cells"], columns=[*MASK, "setting", "imputer"]).drop_duplicates()
    done = scores[list(cells)].drop_duplicates().assign(status="done", message="")
    known = pd.concat([done, lost[[*cells, "status", "message"]]])
    return cells.merge(known, how="left").fillna({"status": "missing", "message": ""})


def contest_of(scores: pd.DataFrame, lost: pd.DataFrame, facts: Facts) -> Contest:
    """Who may be compared, given the tidy scores, the cells that were lost, and what is told about them."""
    cells = progress(scores, lost, facts)
    listed = cells[~cells["imputer"].str.contains(REPEAT)]
    counts = {state: listed["status"].eq(state).groupby(listed["imputer"]).sum() for state in ("done", "unavailable")}
    table = pd.DataFrame(counts).assign(planned=listed.groupby("imputer").size())
    table["reason"] = [_unfinished(listed[listed["imputer"] == name]) for name in table.index]
    rows = scores.assign(
        mask=scores.groupby(MASK).ngroup(),
        mechanism_setting=scores["setting"],
        setting=scores["setting"] + " " + scores["rate"].map(repr),
    )
    return Contest(rows, facts, cells, table)


def headlines(facts: Facts, board: str) -> dict[str, HeadlineFacts]:
    """Metrics with a place on a board, in the order of their places."""
    known = {name: metric["headline"] for name, metric in facts["metrics"].items() if "headline" in metric}
    found = {name: headline for name, headline in known.items() if headline["board"] == board}
    return dict(sorted(found.items(), key=lambda entry: (entry[1]["place"], entry[0])))


def shown(facts: Facts, board: str) -> list[Shown]:
    """What a board shows beside its places, in the order of their places."""
    found: list[Shown] = []
    for metric, known in headlines(facts, board).items():
        columns = known.get("columns") or [""]
        found += [Shown(metric, column, f"{known['title']} {column}".strip(), known["primary"]) for column in columns]
    return found


def items(scores: pd.DataFrame, facts: Facts, kinds: Sequence[str] = tuple(Kind)) -> list[str]:
    """Columns of these kinds that have scores, in the order of the table."""
    scored = set(scores["column"].unique())
    return [name for name, column in facts["columns"].items() if name in scored and column["kind"] in kinds]


def boards_of(contest: Contest) -> dict[str, Board]:
    """The boards that are ordered by a score, by name."""
    found = {name: board_of(contest, name) for name in ORDERED_BY_SCORE}
    return {name: board for name, board in found.items() if board is not None}


def board_of(contest: Contest, name: str) -> Board | None:
    """The board of a purpose that is ordered by a score; None if nobody has that score."""
    known = headlines(contest.facts, name)
    primary = next((metric for metric, headline in known.items() if headline["primary"]), None)
    rows = _of(contest, primary or "", [TABLE])
    rows = rows[rows["imputer"].isin([*contest.whole, *_repeats(contest)])]
    if primary is None or rows.empty:
        return None
    strata, better = contest.facts["data"]["strata"], contest.facts["metrics"][primary]["better"]
    listed = rows[rows["imputer"].isin(contest.whole)]
    beside = {one.name: mean(contest, one.metric, one.columns(contest)) for one in shown(contest.facts, name)}
    found = pd.DataFrame(beside).dropna(how="all")
    table = rank(listed, better, strata)
    others = [name for name in found.index if name not in table.index]
    table = table.reindex([*table.index, *others]).join(found).rename_axis("imputer")
    floor = resolution(scores_of(listed, better, strata), _repeated(rows))
    return Board(contest, primary, table.join(costs(contest.scores)), floor)


def mean(contest: Contest, metric: str, columns: Sequence[str] | None = None) -> pd.Series:
    """Mean of a metric over masks and columns, by imputer; by default the columns that its headline tells.

    An imputer without all of the scores that others have gets NaN: its mean would be one of fewer tasks.
    """
    rows = _of(contest, metric, judged(contest, metric) if columns is None else columns)
    rows = rows[rows["imputer"].isin(contest.whole)]
    wide = rows.pivot(index=["mask", "column"], columns="imputer", values="value")
    return wide.mean().where(wide.notna().all()).reindex(list(contest.whole))


def judged(contest: Contest, metric: str) -> list[str]:
    """Columns that a metric of a board is averaged over."""
    kinds = contest.facts["metrics"][metric]["headline"]["kinds"]
    scores = contest.scores[contest.scores["metric"] == metric]
    return items(scores, contest.facts, kinds) if kinds else [TABLE]


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


def scores_for(contest: Contest, metric: str, columns: Sequence[str]) -> Scores:
    """Scores of a metric as `ranking.compare` reads them, columns averaged, higher is better."""
    known = contest.facts["metrics"][metric]["better"]
    rows = _of(contest, metric, columns).rename(columns={"column": "item"})
    if known not in ("higher", "lower"):
        rows["value"] = (rows["value"] - float(known)).abs()
    better = "higher" if known == "higher" else "lower"
    return scores_of(rows, better, contest.facts["data"]["strata"])


def _of(contest: Contest, metric: str, columns: Sequence[str]) -> pd.DataFrame:
    rows = contest.scores[(contest.scores["metric"] == metric) & contest.scores["column"].isin(columns)]
    return rows[["imputer", "mask", "setting", "column", "value", "influence"]]


def _repeats(contest: Contest) -> list[str]:
    """Runs of a method under another seed, of which the first is listed and whole."""
    names = contest.scores["imputer"].unique()
    return [name for name in names if REPEAT in name and name.rpartition(REPEAT)[0] in contest.whole]


def _repeated(rows: pd.DataFrame) -> list[float]:
    """Paired differences of the runs of one method under two seeds, mean over the masks that both have."""
    found = []
    for name in sorted({name for name in rows["imputer"] if REPEAT in name}):
        pair = rows[rows["imputer"].isin([name, name.rpartition(REPEAT)[0]])]
        means = pair.pivot(index="mask", columns="imputer", values="value").dropna()
        if len(means):
            found.append(float(np.subtract(*means.mean())))
    return found


def _unfinished(cells: pd.DataFrame) -> str:
    counts = cells["status"].value_counts()
    words = {"failed": "failed in", "missing": "not run in", "unavailable": "unavailable in"}
    told = [f"{word} {counts[status]} of {len(cells)} cells" for status, word in words.items() if status in counts]
    remedies = cells.loc[cells["status"] == "unavailable", "message"].unique()
    return ": ".join([", ".join(told), *remedies])
