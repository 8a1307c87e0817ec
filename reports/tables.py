"""Tables: the grids of a page beside its boards, and how numbers stand in them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from datasets.schema import Floats
from reports.boards import ORDERED, Contest, costs, items, mean
from reports.facts import PublishedFacts
from reports.measures import NOT_METRICS
from reports.page import Cell, Grid, Head, grid
from reports.results import TABLE

DASH = "–"
RMSE = "draw-rmse"


def numbers(values: pd.Series, decimals: int | None = None) -> list[Cell]:
    """Cells of one column, all with the digits that suit its largest."""
    largest = values.abs()[np.isfinite(values)].max()
    suited = 3 if not largest >= 10 else 2 if largest < 100 else 1 if largest < 1000 else 0
    places = suited if decimals is None else decimals
    return [_number(value, places) for value in values]


def _number(value: float, places: int) -> Cell:
    if np.isnan(value):
        return Cell(DASH)
    rounded = round(value, places) + 0.0  # no minus before a zero
    text = f"{rounded:,.{places}f}" if np.isfinite(value) else "∞" if value > 0 else "−∞"
    return Cell(text.replace("-", "−"), float(value))


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


def targets_grid(contest: Contest, order: Sequence[str]) -> Grid | None:
    """RMSE of each target item, with the published row at the foot; None if there are no targets."""
    facts, scored = contest.facts, set(items(contest.scores, contest.facts, ORDERED))
    targets = [n for n, known in facts["columns"].items() if known["role"] == "target" and n in scored]
    if not targets or RMSE not in facts["metrics"]:
        return None
    published = facts.get("published_targets")
    foot = [] if published is None else [published_row(published, targets, f"{published['label']} (published)")]
    return by_item_grid(contest, order, RMSE, targets, foot)


def published_row(published: PublishedFacts, keys: Sequence[str], label: str) -> tuple[Cell, ...]:
    """Published figures, with the digits that they were published with, under a label that sorts last."""
    values = [published["values"].get(key) for key in keys]
    return Cell(label, "~"), *(Cell(DASH) if value is None else Cell(f"{value:g}", value) for value in values)


def by_item_grid(
    contest: Contest,
    order: Sequence[str],
    metric: str,
    names: Sequence[str] = (),
    foot: Sequence[tuple[Cell, ...]] = (),
) -> Grid:
    """A metric item by item, mean over masks, a row for each imputer that has any of it, and rows at the foot."""
    scores, facts = contest.scores, contest.facts
    chosen = names or items(scores[scores["metric"] == metric], facts)
    means = pd.DataFrame({name: mean(contest, metric, [name]) for name in chosen}).reindex(order).dropna(how="all")
    heads = [
        Head(f"{name} {arrow(facts['metrics'][metric]['better'])}", facts["columns"][name]["question"])
        for name in chosen
    ]
    columns = [numbers(means[name], 3) for name in chosen]
    return grid(["imputer", *heads], [*zip(means.index, *columns, strict=True), *foot])


def item_metrics_grid(contest: Contest, order: Sequence[str]) -> Grid | None:
    """Every metric of items, mean over items and masks; None if there is none."""
    scores, facts = contest.scores, contest.facts
    return _metrics_grid(contest, order, {metric: items(rows, facts) for metric, rows in scores.groupby("metric")})


def table_metrics_grid(contest: Contest, order: Sequence[str]) -> Grid | None:
    """Every metric of the whole table, mean over masks; None if there is none."""
    whole = contest.scores[contest.scores["column"] == TABLE]
    return _metrics_grid(contest, order, {m: [TABLE] for m in sorted(set(whole["metric"]) - set(NOT_METRICS))})


def _metrics_grid(contest: Contest, order: Sequence[str], columns_of: Mapping[str, list[str]]) -> Grid | None:
    heads: list[Head] = []
    columns: list[list[Cell]] = []
    for metric, names in columns_of.items():
        if names:
            known = contest.facts["metrics"][metric]
            heads.append(Head(f"{metric} {arrow(known['better'])}", known["summary"]))
            columns.append(numbers(mean(contest, metric, names).reindex(order)))
    return grid(["imputer", *heads], zip(order, *columns, strict=True)) if heads else None


def cost_grid(contest: Contest, order: Sequence[str]) -> Grid:
    """Seconds and memory of each imputer over its cells that are done."""
    spent = costs(contest.scores).reindex(order)
    titles = {
        "fit-seconds": Head("fit, s ↓", "Mean over cells."),
        "draw-seconds": Head("draw, s ↓", "Mean over cells, all draws of a cell together."),
        "seconds": Head("both, s ↓", "Mean over cells."),
        "longest-seconds": Head("longest cell, s ↓", "Largest over cells."),
        "peak-memory-mb": Head("peak memory, MB ↓", "Largest over cells."),
    }
    columns = [numbers(spent[name], 0 if name == "peak-memory-mb" else None) for name in titles]
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


def imputers_grid(contest: Contest) -> Grid:
    """Each imputer in a sentence, with its parameters."""
    rows = []
    for name in contest.present:
        known = contest.facts["imputers"][name]
        told = ", ".join(f"{key}={value}" for key, value in known["parameters"].items()) or DASH
        rows.append((name, known["summary"], told))
    return grid(("imputer", "what it does", "parameters"), rows)


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
