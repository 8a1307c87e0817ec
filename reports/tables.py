"""Tables: every grid of the report, from boards and facts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from datasets.schema import Floats
from reports.facts import PublishedFacts
from reports.leaderboard import ORDERED, Board, column, costs, headlines, items
from reports.measures import NOT_METRICS
from reports.page import Cell, Grid, Head, grid
from reports.results import TABLE

DASH = "–"


def numbers(values: pd.Series, best: str | None = None, decimals: int | None = None) -> list[Cell]:
    """Cells of one column, all with the digits that suit its largest; the value of ``best`` stands out."""
    largest = values.abs()[np.isfinite(values)].max()
    suited = 3 if not largest >= 10 else 2 if largest < 100 else 1 if largest < 1000 else 0
    places = suited if decimals is None else decimals
    return [_number(value, places, name == best) for name, value in values.items()]


def _number(value: float, places: int, strong: bool = False) -> Cell:
    if np.isnan(value):
        return Cell(DASH)
    rounded = round(value, places) + 0.0  # no minus before a zero
    text = f"{rounded:,.{places}f}" if np.isfinite(value) else "∞" if value > 0 else "−∞"
    return Cell(text.replace("-", "−"), float(value), strong)


def arrow(better: str) -> str:
    """Say which way a metric is better."""
    return {"lower": "↓", "higher": "↑"}.get(better, f"→ {better}")


def with_error(values: Floats, digits: int = 3) -> Cell:
    """Mean of one value a mask ± its standard error, which is left out with one mask."""
    if not len(values):
        return Cell(DASH)
    mean = float(values.mean())
    if len(values) < 2:
        return Cell(f"{mean:.3f}", mean)
    return Cell(f"{mean:.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.{digits}f}", mean)


def _headlines(board: Board) -> dict[str, Head]:
    """Headline metrics of a board to the heads of their columns."""
    facts, found = board.contest.facts, {}
    for metric, headline in headlines(facts).items():
        if metric in board.table:
            known = facts["metrics"][metric]
            found[metric] = Head(f"{headline['title']} {arrow(known['better'])}", known["summary"])
    return found


def board_grid(board: Board) -> Grid:
    """One ranking: rank with interval, headline metrics, cost, cells done."""
    table = board.table
    places = [Cell(str(k), k) for k in range(1, 1 + len(board.contest.ranked))]
    places += [Cell(DASH)] * (len(table) - len(places))
    heads: list[Head | str] = [Head("#"), "imputer", Head("mean rank ↓ [95 %]", "mean rank over the headline families")]
    columns: list[Sequence[Cell | str]] = [places, list(table.index), _ranks(board)]
    for metric, head in _headlines(board).items():
        heads.append(head)
        columns.append(numbers(table[metric], board.winners.get(metric)))
    heads += [Head("seconds ↓", "to fit and draw, mean per cell"), Head("MB ↓", "largest peak memory of a cell")]
    columns += [numbers(table["seconds"], decimals=2), numbers(table["peak-memory-mb"], decimals=0)]
    columns += [[Cell(f"{done}/{of}", done) for done, of in zip(table["done"], table["planned"], strict=True)]]
    return grid([*heads, Head("cells")], zip(*columns, strict=True))


def _ranks(board: Board) -> list[Cell]:
    cells = []
    for name, rank, low, high in board.table[["rank", "low", "high"]].itertuples(name=None):
        text = f"{rank:.2f}" if np.isnan(low) else f"{rank:.2f} [{low:.1f}, {high:.1f}]"
        cells.append(Cell(DASH) if np.isnan(rank) else Cell(text, rank, board.winners.get("rank") == name))
    return cells


def reading_grid(board: Board) -> Grid:
    """What each headline column says, its range, and what a perfect and a trivial prediction get."""
    facts = board.contest.facts
    rows = []
    for metric, head in _headlines(board).items():
        known = facts["metrics"][metric]
        kinds = " and ".join(headlines(facts)[metric]["kinds"]) or "whole table"
        span = f"{_end(known['low'])} to {_end(known['high'])}"
        rows.append((head.text, known["summary"], kinds, span, _end(known["best"]), known["trivial"]))
    return grid(("column", "what it says", "items", "range", "best", "trivial prediction"), rows)


def _end(value: float | str) -> str:
    number = float(value)
    return f"{number:g}".replace("-", "−") if np.isfinite(number) else "∞" if number > 0 else "−∞"


def targets_grid(board: Board) -> Grid | None:
    """RMSE of each target item, with the published row at the foot; None if there are no targets."""
    contest = board.contest
    scored = set(items(contest.scores, contest.facts, ORDERED))
    targets = [n for n, known in contest.facts["columns"].items() if known["role"] == "target" and n in scored]
    if not targets or "rmse" not in contest.facts["metrics"]:
        return None
    published = contest.facts.get("published_targets")
    foot = [] if published is None else [published_row(published, targets, f"{published['label']} (published)")]
    return _by_item(board, "rmse", targets, 3, foot)


def published_row(published: PublishedFacts, keys: Sequence[str], label: str) -> tuple[Cell, ...]:
    """Published figures, with the digits that they were published with, under a label that sorts last."""
    values = [published["values"].get(key) for key in keys]
    return Cell(label, "~"), *(Cell(DASH) if value is None else Cell(f"{value:g}", value) for value in values)


def by_item_grid(board: Board, metric: str) -> Grid:
    """One metric, item by item, mean over masks."""
    scores = board.contest.scores
    return _by_item(board, metric, items(scores[scores["metric"] == metric], board.contest.facts))


def _by_item(
    board: Board, metric: str, names: Sequence[str], decimals: int | None = None, foot: Sequence[tuple[Cell, ...]] = ()
) -> Grid:
    """A metric of these items, a row for each imputer that has any of it, and rows at the foot."""
    contest = board.contest
    found = {name: column(contest, metric, [name]) for name in names}
    means = pd.DataFrame({name: series for name, (series, _) in found.items()}).reindex(board.table.index)
    means = means.dropna(how="all")
    better = arrow(contest.facts["metrics"][metric]["better"])
    heads = [Head(f"{name} {better}", contest.facts["columns"][name]["question"]) for name in names]
    columns = [numbers(means[name], found[name][1], decimals) for name in names]
    return grid(["imputer", *heads], [*zip(means.index, *columns, strict=True), *foot])


def item_metrics_grid(board: Board) -> Grid | None:
    """Every metric of items, mean over items and masks; None if there is none."""
    scores, facts = board.contest.scores, board.contest.facts
    return _metrics_grid(board, {metric: items(rows, facts) for metric, rows in scores.groupby("metric")})


def table_metrics_grid(board: Board) -> Grid | None:
    """Every metric of the whole table, mean over masks; None if there is none."""
    whole = board.contest.scores[board.contest.scores["column"] == TABLE]
    return _metrics_grid(board, {metric: [TABLE] for metric in sorted(set(whole["metric"]) - set(NOT_METRICS))})


def _metrics_grid(board: Board, columns_of: Mapping[str, list[str]]) -> Grid | None:
    heads: list[Head] = []
    columns: list[list[Cell]] = []
    for metric, names in columns_of.items():
        if names:
            means, best = column(board.contest, metric, names)
            known = board.contest.facts["metrics"][metric]
            heads.append(Head(f"{metric} {arrow(known['better'])}", known["summary"]))
            columns.append(numbers(means.reindex(board.table.index), best))
    return grid(["imputer", *heads], zip(board.table.index, *columns, strict=True)) if heads else None


def cost_grid(board: Board) -> Grid:
    """Seconds and memory of each imputer over its cells that are done."""
    spent = costs(board.contest.scores).reindex(board.table.index)
    titles = {
        "fit-seconds": Head("fit, s ↓", "mean over cells"),
        "draw-seconds": Head("draw, s ↓", "mean over cells, all draws of a cell together"),
        "seconds": Head("both, s ↓", "mean over cells"),
        "longest-seconds": Head("longest cell, s ↓", "largest over cells"),
        "peak-memory-mb": Head("peak memory, MB ↓", "largest over cells"),
    }
    columns = [numbers(spent[name], decimals=0 if name == "peak-memory-mb" else None) for name in titles]
    return grid(["imputer", *titles.values()], zip(spent.index, *columns, strict=True))


def failures_grid(failed: pd.DataFrame) -> Grid:
    """Where what failed, with the first line of its message."""
    told = failed[["imputer", "mechanism", "rate", "seed", "message"]].itertuples(index=False, name=None)
    return grid(
        ["imputer", "mechanism", Head("rate"), Head("seed"), "message"],
        [
            (imputer, mechanism, Cell(f"{rate:g}", rate), Cell(str(seed), seed), message.strip().split("\n")[0])
            for imputer, mechanism, rate, seed, message in told
        ],
    )


def imputers_grid(board: Board) -> Grid:
    """Each imputer in a sentence, with its parameters."""
    rows = []
    for name in sorted(board.table.index):
        known = board.contest.facts["imputers"][name]
        told = ", ".join(f"{key}={value}" for key, value in known["parameters"].items()) or DASH
        rows.append((name, known["summary"], "equal" if known["deterministic"] else "random", told))
    return grid(("imputer", "what it does", "draws", "parameters"), rows)


def masks_grid(cards: Sequence[Mapping[str, Any]], paths: Sequence[str]) -> Grid:
    """One row per mask card: what was hidden, what foretells it, and what the remaining cells get wrong."""
    heads: list[Head | str] = ["mask", Head("rate"), Head("seed"), Head("realised rate")]
    heads += [Head("AUC drivers", "of missingness, from the drivers; mean over items; 0.5 is chance")]
    heads += [Head("AUC own value", "of missingness, from the cell's own value; mean over items; 0.5 is chance")]
    heads += [Head("bias, mean", "of the remaining cells, absolute, in SD; mean over items")]
    heads += [Head("bias, largest", "of the remaining cells, absolute, in SD"), Head("complete rows")]
    rows = []
    for card, path in zip(cards, paths, strict=True):
        measured = pd.DataFrame(card["columns"], columns=["auc_drivers", "auc_own", "bias"]).astype(float)
        bias = measured["bias"].abs()
        means = [measured["auc_drivers"].mean(), measured["auc_own"].mean(), bias.mean(), bias.max()]
        front = Cell(card["mechanism"], card["mechanism"], link=path), Cell(f"{card['rate']:g}", card["rate"])
        rows.append((
            *front, Cell(str(card["seed"]), card["seed"]), _number(card["realised_rate"], 3),
            *[_number(value, 3) for value in means], _number(card["complete_rows"], 3),
        ))  # fmt: skip
    return grid(heads, rows)
