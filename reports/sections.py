"""Sections: what a leaderboard says, in which order and in which words."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from reports import tables
from reports.audit import audit_sections
from reports.covariances import Covariances
from reports.discrimination import discrimination_sections
from reports.facts import Facts
from reports.families import family_sections
from reports.leaderboard import Board, headlines, items, progress, standings
from reports.page import Block, Cell, Head, Page, Picture, Section, Verbatim, grid, plain
from reports.ranking import RESAMPLES
from reports.regressions import regression_sections
from reports.results import MASK, TABLE


def leaderboard_page(
    overall: Board,
    scores: pd.DataFrame,
    lost: pd.DataFrame,
    covariances: Covariances | None,
    pictures: Mapping[str, str],
    cards: Sequence[tuple[Mapping[str, Any], str]],
) -> Page:
    """Compose the whole report.

    Parameters
    ----------
    overall : the ranking over all cells.
    scores, lost : tidy scores, and the cells that failed or were unavailable.
    covariances : of the target items, if they were scored.
    pictures : name of a figure (``"ranks"``, ``"trade-off"``, ``"covariance"``, or
        ``"covariance-<imputer>"``) to its path.
    cards : mask cards with the path of each.
    """
    facts = overall.contest.facts
    cells = progress(scores, lost, facts)
    sections = [
        _run(facts, cells),
        _reading(overall),
        *_failures(lost[lost["status"] == "failed"]),
        _summary(overall, pictures),
        *family_sections(overall),
        *_settings(scores, cells, facts, "mechanism"),
        *_settings(scores, cells, facts, "rate"),
        *_targets(overall),
        *_covariances(covariances, pictures, facts),
        *regression_sections(overall),
        *_texts(overall),
        *discrimination_sections(overall),
        *audit_sections(overall),
        *_masks(cards),
        *_details(overall),
        _definition(overall),
    ]
    title = facts["data"]["title"]
    return Page(f"{title}: leaderboard of the suite {facts['suite']}", title, tuple(sections))


STATES = {"failed": "failed", "missing": "not run", "unavailable": "unavailable"}


def _run(facts: Facts, cells: pd.DataFrame) -> Section:
    data, counts = facts["data"], cells["status"].value_counts()
    told = [f"{counts.get('done', 0)} of {len(cells)} cells are done"]
    told += [f"**{counts[s]} {word}**" for s, word in STATES.items() if s in counts]
    seeds = sorted(cells["seed"].unique())
    lines = {
        "data": f"{data['title']}: {data['rows']:,} rows × {data['columns']} columns",
        "source": data["source"],
        "sha256": data["sha256"],
        "cells": f"{cells['imputer'].nunique()} imputers × {', '.join(dict.fromkeys(cells['mechanism']))} × rates "
        f"{', '.join(f'{rate:g}' for rate in sorted(cells['rate'].unique()))} × seeds "
        f"{', '.join(map(str, seeds))}; {facts['draws']} draws each",
        "command": facts["command"],
        "commit": facts["commit"],
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(facts["versions"].items())),
    }
    run = grid(("what", "was run"), [(Cell(name), Cell(text)) for name, text in lines.items()])
    note = [f"**{plain(data['note'])}**"] if data.get("note") else []
    return Section("Data and run", (*note, "; ".join(told) + ".", run))


def _reading(board: Board) -> Section:
    return Section(
        "How to read",
        (
            "↓ lower is better, ↑ higher is better. Every number is a mean over masks (mechanism × rate × seed), and "
            "over items where the metric judges items; only cells that were hidden on purpose are scored. "
            "**Bold**: the best ranked imputer, where the 95 % interval of its paired lead over the runner-up "
            "excludes zero; where nothing is bold, the leaders cannot be told apart. "
            f"{tables.DASH}: the method does not give what the metric reads, or not everywhere.",
            tables.reading_grid(board),
        ),
    )


def _failures(failed: pd.DataFrame) -> list[Section]:
    if failed.empty:
        return []
    texts = [
        f"{imputer}, {mechanism} at {rate:g}, seed {seed}\n{message.strip()}"
        for imputer, mechanism, rate, seed, message in failed[
            ["imputer", "mechanism", "rate", "seed", "message"]
        ].itertuples(index=False, name=None)
    ]
    told = "An imputer with a failed cell is not ranked: averages over the rest would be of fewer tasks."
    return [
        Section("Failures", (told, tables.failures_grid(failed))),
        Section("Messages of the failures in full", tuple(map(Verbatim, texts)), level=3, folded=True),
    ]


def _summary(board: Board, pictures: Mapping[str, str]) -> Section:
    blocks: list[Block] = ["Sorted by mean rank, which is defined at the end.", tables.board_grid(board)]
    facts = board.contest.facts["imputers"]
    informed = [
        f"- {plain(name)}: {plain(facts[name]['told'])}." for name in board.table.index if facts[name].get("told")
    ]
    if informed:
        blocks.append("Told more than the others about why cells are missing:\n\n" + "\n".join(informed))
    out = board.table[board.table["reason"] != ""]
    if len(out):
        lines = [f"- {plain(name)}: {plain(reason)}." for name, reason in out["reason"].items()]
        blocks.append("Not ranked, as nobody is ranked on fewer tasks:\n\n" + "\n".join(lines))
    captions = {
        "ranks": "Mean rank with its 95 % interval",
        "trade-off": "Error of the values against error of the correlations; colour: seconds per cell",
    }
    blocks += [Picture(pictures[name], caption) for name, caption in captions.items() if name in pictures]
    return Section("Summary", tuple(blocks))


def _settings(scores: pd.DataFrame, cells: pd.DataFrame, facts: Facts, name: str) -> list[Section]:
    """One ranking per mechanism, or per rate, if there are several."""
    column = "setting" if name == "mechanism" else name
    of_score, of_cell = scores[column], cells[column]
    values = list(dict.fromkeys(of_cell)) if name == "mechanism" else sorted(of_cell.unique())
    if len(values) < 2:
        return []
    boards = [
        Section(
            f"{name} {value if name == 'mechanism' else f'{value:g}'}",
            (tables.board_grid(standings(scores[of_score == value], cells[of_cell == value], facts)),),
            level=3,
        )
        for value in values
        if (of_score == value).any()
    ]
    return [Section(f"By {name}", (f"Ranked anew on the cells of each {name}.",)), *boards]


def _targets(board: Board) -> list[Section]:
    found = tables.targets_grid(board)
    if found is None:
        return []
    published = board.contest.facts.get("published_targets")
    told = "RMSE of the expected value on the scale of the codes, mean over masks."
    note = [] if published is None else [f"{plain(published['label'])}: {plain(published['note'])}"]
    return [Section("Target items", (told, found, *note))]


def _covariances(found: Covariances | None, pictures: Mapping[str, str], facts: Facts) -> list[Section]:
    if found is None:
        return []
    told = (
        f"Of {', '.join(f'`{name}`' for name in found.targets)}, mean over masks and draws, in units of the true "
        "standard deviations: the truth is the correlation matrix, the diagonal of an imputer its ratio of variances. "
        "In the differences blue is too low, red too high; all share one colour scale."
    )
    each = tuple(
        Picture(pictures[f"covariance-{name}"], f"{name} on {facts['data']['title']}: truth, imputed, difference")
        for name in found.imputed
    )
    overview = Picture(pictures["covariance"], "True covariances of the target items, and what each imputer changes")
    return [
        Section("Covariances", (told, overview)),
        Section("Truth, imputed and difference of each imputer", each, level=3, folded=True),
    ]


def _texts(board: Board) -> list[Section]:
    """Table of the accuracy of text items, mean ± standard error over masks; nothing if there are none."""
    scores, facts = board.contest.scores, board.contest.facts
    rows = scores[scores["metric"] == "accuracy"]
    names = items(rows, facts, ("text",))
    if not names:
        return []
    heads = [Head(f"{name} ↑", facts["columns"][name]["question"]) for name in names]
    cells = []
    for imputer in board.table.index:
        own = rows[(rows["imputer"] == imputer) & rows["column"].isin(names)]
        if len(own):
            by_mask = own.pivot_table(index=MASK, columns="column", values="value").reindex(columns=names)
            cells.append((imputer, *(tables.with_error(by_mask[name].to_numpy()) for name in names)))
    told = (
        "Share of the hidden cells whose best single prediction is the true string, mean over masks ± its standard "
        "error (SD of the masks' accuracies over the root of their number)."
    )
    return [Section("Text items", (told, grid(["imputer", *heads], cells)))]


def _masks(cards: Sequence[tuple[Mapping[str, Any], str]]) -> list[Section]:
    if not cards:
        return []
    told = (
        "Measured on the masks themselves. AUC: how well the drivers, or the cell's own value, foretell that a cell is "
        "hidden; 0.5 is chance. Bias: what the remaining cells get wrong, in SD. Each name leads to its full card."
    )
    return [Section("Mask cards", (told, tables.masks_grid([card for card, _ in cards], [path for _, path in cards])))]


def _details(board: Board) -> list[Section]:
    facts, found = board.contest.facts, []
    for metric in ("nrmse", "accuracy"):
        if metric in board.table:
            title = headlines(facts)[metric]["title"]
            blocks = ("Mean over masks.", tables.by_item_grid(board, metric))
            found.append(Section(f"{title[0].upper()}{title[1:]} by item", blocks, 3, True))
    for title, told, found_grid in (
        (
            "All metrics of items",
            "Mean over masks and all items that a metric judges (in the rankings: of the kinds told above).",
            tables.item_metrics_grid(board),
        ),
        ("All metrics of the whole table", "Mean over masks.", tables.table_metrics_grid(board)),
    ):
        found += [Section(title, (told, found_grid), 3, True)] if found_grid else []
    what = "Of the cells that are done; timings are those of the machine that ran them."
    found.append(Section("Cost", (what, tables.cost_grid(board)), 3, True))
    found.append(Section("Imputers and their parameters", (tables.imputers_grid(board),), 3, True))
    told = f"All of it, cell by cell, is in `results.parquet` ({plain(facts['data']['title'])})."
    return [Section("Details", (told,)), *found]


def _definition(board: Board) -> Section:
    facts = board.contest.facts
    scope = (
        "Seeds and folds are resampled within each mechanism and rate, items within nominal (and text) and within "
        "ordinal and numeric ones"
        if board.contest.where.replicated([TABLE])
        else "Each mechanism and rate has one seed, so only items are resampled (within nominal, and within ordinal "
        "and numeric ones): the intervals say how items vary, not how masks do; whole-table metrics have none"
    )
    listed = "\n".join(f"- {family}: {_counted(metrics, facts)}" for family, metrics in board.families.items())
    return Section(
        "Ranks and intervals",
        (
            "Within each unit, a mask × item (or a mask, for a metric of the whole table), the ranked imputers get "
            "ranks from 1, ties their average. Ranks are averaged over the units of each family, then over the "
            f"{len(board.families)} families, each counting the same:\n\n{listed}",
            f"Intervals are 95 % percentile intervals of {RESAMPLES:,} resamples, the same for all imputers, so that "
            f"differences are paired. {scope}. A stratum of n gives n − 1 draws with replacement, weighted n / (n − 1) "
            "(rescaling bootstrap, Rao and Wu 1988, JASA 83).",
        ),
    )


def _counted(metrics: Sequence[str], facts: Facts) -> str:
    """Say what a family of the rank counts."""
    kinds = {metric: headlines(facts)[metric]["kinds"] for metric in metrics}
    told = [f"{headlines(facts)[m]['title']} of {' and '.join(kinds[m]) or 'the whole table'}" for m in metrics]
    return f"{', '.join(told)}{' items, each item counting once' if any(kinds.values()) else ', one unit per mask'}"
