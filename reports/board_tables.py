"""Tables of the boards: one for each purpose, what each method is, and what the columns say."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from reports.boards import Board, Contest, board_of, headlines, mean, shown
from reports.facts import Facts
from reports.inference import Inference
from reports.page import Cell, Grid, Head, Views, grid
from reports.results import TABLE
from reports.tables import DASH, arrow, numbers

Column = tuple[Head | str, Sequence[Cell | str]]


def board_views(board: Board, name: str) -> Views:
    """A board, over all masks and for each mechanism alone."""
    views = [("all", board_grid(board, name, board.contest.settings))]
    for setting in board.contest.settings if len(board.contest.settings) > 1 else []:
        own = board_of(board.contest.of_setting(setting), name)
        views += [] if own is None else [(setting, board_grid(own, name))]
    return Views("mechanism", tuple(views))


def board_grid(board: Board, name: str, settings: Sequence[str] = ()) -> Grid:
    """One board: places, the skill that orders it with its interval, what else it shows, cost, and what a method is.

    Parameters
    ----------
    settings : mechanisms whose skill has a column of its own.
    """
    table, contest = board.table, board.contest
    facts = contest.facts
    behind = "Paired difference: both on the same masks and respondents."
    columns: list[Column] = [
        ("imputer", list(table.index)),
        (Head("skill ↑ [95 %]", facts["metrics"][board.primary]["summary"]), _spans(table, "score", "")),
        (Head("behind the best [95 %]", behind, aside=True), _spans(table, "behind", "behind_")),
    ]
    for setting in settings if len(settings) > 1 else ():
        own = mean(contest.of_setting(setting), board.primary, [TABLE]).reindex(table.index)
        columns.append((Head(f"{setting} ↑", f"The skill on the masks of {setting} alone."), numbers(own)))
    for one in shown(facts, name):
        if not one.primary and table[one.name].notna().any():
            known = facts["metrics"][one.metric]
            columns.append((Head(f"{one.title} {arrow(known['better'])}", known["summary"]), numbers(table[one.name])))
    columns += [*cost_columns(table), *what_columns(table.index, facts)]
    return _grid(columns, families(table.index, facts), place_labels(table["place"]))


def inference_grid(found: Inference) -> Grid:
    """The board Inference, one row per imputer."""
    table, facts = found.table, found.contest.facts
    columns: list[Column] = [
        ("imputer", list(table.index)),
        *_verdicts(found),
        (Head("width ↓", "Mean length of the 95 % intervals, in standard errors of the complete table."),
         numbers(table["width"], decimals=2)),
        (Head("bias → 0", "Largest mean error of a slope ± its Monte-Carlo standard error, in standard errors of the "
              "complete table."), _with_errors(table["bias"], table["bias-error"])),
        (Head("of", "The slope and the mechanism that this bias is of.", numeric=False, aside=True),
         [str(worst) for worst in table["worst"]]),
        (Head("coverage → 0.95", "Share of the intervals that hold the slope of the complete table ± its Monte-Carlo "
              "standard error."), _with_errors(table["coverage"], table["coverage-error"])),
        (Head("SE ratio → 1", "Standard error as stated over that seen from mask to mask."),
         numbers(table["se-ratio"], decimals=2)),
        (Head("FMI", "Fraction of missing information (Rubin 1987)."), numbers(table["fmi"], decimals=2)),
    ]  # fmt: skip
    for term in found.terms:
        head = Head(f"{term.partition(' ~ ')[2]} → 0", "Mean error of this slope ± its Monte-Carlo error.", aside=True)
        columns.append((head, _with_errors(found.bias[term], found.bias_error[term])))
    return _grid([*columns, *cost_columns(table), *what_columns(table.index, facts)], families(table.index, facts))


def _verdicts(found: Inference) -> list[Column]:
    """The verdicts, a column for each mechanism."""
    several = len(found.verdicts.columns) > 1
    return [
        (Head(name if several else "verdict", "Verdict by the rules below.", numeric=False), list(cells))
        for name, cells in found.verdicts.items()
    ]


def methods_grid(contest: Contest) -> Grid:
    """What each method is that was run, a row each."""
    names = contest.present
    columns = [(replace(head, aside=False), cells) for head, cells in what_columns(names, contest.facts)]
    return _grid([("imputer", names), *columns], families(names, contest.facts))


def cost_columns(table: pd.DataFrame) -> list[Column]:
    """Seconds and memory of a cell."""
    return [
        (Head("seconds ↓", "To fit and to draw, mean per cell."), numbers(table["seconds"], decimals=1)),
        (Head("MB ↓", "Largest peak memory of a cell.", aside=True), numbers(table["peak-memory-mb"], decimals=0)),
    ]


def what_columns(imputers: Sequence[str], facts: Facts) -> list[tuple[Head, list[str]]]:
    """What a method is: family, draws, whether proper, weights, what it is told, where its defaults were chosen."""
    known = [facts["imputers"][name] for name in imputers]
    told = {
        ("family", "Kind of method, as it says itself."): [one["family"] for one in known],
        ("draws", "Random draws from a distribution, or equal ones: the best single value, repeated."): [
            "equal" if one["deterministic"] else "random" for one in known
        ],
        ("proper", "Whether its draws show all of its uncertainty, as stated by the method (Rubin 1987)."): [
            "yes" if one["proper"] else "no" for one in known
        ],
        ("weights", "Whether it uses survey weights."): ["used" if one["uses_weights"] else DASH for one in known],
        ("told", "What it is told of the mechanism beyond what all are told."): [one["told"] or DASH for one in known],
        ("defaults", "Where its settings were chosen."): [one["defaults"] or "not stated" for one in known],
    }
    return [(Head(text, hint, numeric=False, aside=True), cells) for (text, hint), cells in told.items()]


def _grid(columns: Sequence[Column], tags: Sequence[str], groups: Sequence[str] = ()) -> Grid:
    """A grid from its columns."""
    rows = zip(*(cells for _, cells in columns), strict=True)
    return grid([head for head, _ in columns], rows, tags, groups)


def families(imputers: Sequence[str], facts: Facts) -> list[str]:
    """Family of each imputer, to filter by."""
    return [facts["imputers"][name]["family"] for name in imputers]


def place_labels(places: pd.Series) -> list[str]:
    """Places as a table shows them: "3", or "3–5" of methods that share one; empty for none."""
    counts = places.value_counts()
    ends = {place: place + count - 1 for place, count in counts.items()}
    return [
        "" if pd.isna(place) else f"{place}" if ends[place] == place else f"{place}–{ends[place]}" for place in places
    ]


def _spans(table: pd.DataFrame, name: str, prefix: str) -> list[Cell]:
    """A number with its interval."""
    cells = []
    for value, low, high in table[[name, f"{prefix}low", f"{prefix}high"]].itertuples(index=False, name=None):
        text = f"{value:.3f}" if np.isnan(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"
        cells.append(Cell(DASH) if np.isnan(value) else Cell(text.replace("-", "−"), float(value)))
    return cells


def _with_errors(values: pd.Series, errors: pd.Series) -> list[Cell]:
    """Numbers with their Monte-Carlo errors."""
    cells = []
    for value, error in zip(values, errors, strict=True):
        text = f"{value:.2f}" if np.isnan(error) else f"{value:.2f} ± {error:.2f}"
        cells.append(Cell(DASH) if np.isnan(value) else Cell(text.replace("-", "−"), float(value)))
    return cells


def reading_grid(board: Board, name: str) -> Grid:
    """What each column of a board says, its range, and what a perfect and a trivial prediction get."""
    facts, rows = board.contest.facts, []
    told = headlines(facts, name)
    for one in shown(facts, name):
        if board.table[one.name].isna().all():
            continue
        known = facts["metrics"][one.metric]
        kinds = one.column.strip("()") or " and ".join(told[one.metric]["kinds"]) or "whole table"
        span = f"{_end(known['low'])} to {_end(known['high'])}"
        title = f"{one.title} {arrow(known['better'])}"
        rows.append((title, known["summary"], kinds, span, _end(known["best"]), known["trivial"]))
    return grid(("column", "what it says", "items", "range", "best", "trivial prediction"), rows)


def _end(value: float | str) -> str:
    number = float(value)
    return f"{number:g}".replace("-", "−") if np.isfinite(number) else "∞" if number > 0 else "−∞"
