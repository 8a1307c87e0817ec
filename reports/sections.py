"""Sections: what the page of a suite says, in which order and in which words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reports import board_tables, tables
from reports.audit import audit_sections
from reports.boards import Board, Contest, items
from reports.convergence import convergence_sections
from reports.covariances import Covariances
from reports.discrimination import discrimination_sections
from reports.facts import Facts
from reports.inference import ENOUGH, SLIGHT, Inference
from reports.page import Block, Cell, Head, Page, Picture, Section, Verbatim, grid, plain
from reports.results import MASK
from reports.subgroups import subgroup_sections
from reports.verdicts import board_verdict, inference_verdict

TITLES = {"inference": "Inference", "distributions": "Distributions and relations", "values": "Values"}
QUESTIONS = {
    "inference": "May I analyse the completed tables?",
    "distributions": "Do the completed tables look like the survey?",
    "values": "What is the best single answer for a cell?",
}
STATES = {"failed": "failed", "missing": "not run", "unavailable": "unavailable"}


def leaderboard_page(
    contest: Contest,
    inference: Inference | None,
    boards: Mapping[str, Board],
    covariances: Covariances | None,
    pictures: Mapping[str, str],
    cards: Sequence[tuple[Mapping[str, Any], str]],
) -> Page:
    """Compose the whole page of one dataset.

    Parameters
    ----------
    contest : all its scores.
    inference, boards : the boards that there are, the second by name.
    covariances : of the target items, if they were scored.
    pictures : name of a figure (``"skill-<board>"``, ``"cost-<board>"``, ``"shares"`` or ``"covariance"``)
        to its path.
    cards : mask cards with the path of each.
    """
    order = order_of(contest, inference, boards)
    sections = [
        *_failures(contest.cells[contest.cells["status"] == "failed"]),
        _verdicts(contest, inference, boards),
        *([_inference(inference)] if inference is not None else []),
        *(_board(boards[name], name, pictures) for name in boards),
        *_absent(contest),
        *_methods(contest),
        *_shares(pictures),
        *_targets(contest, order),
        *_covariances(covariances, pictures),
        *_texts(contest, order),
        *subgroup_sections(contest, order),
        *discrimination_sections(contest, order),
        *convergence_sections(contest, order),
        *audit_sections(contest, order),
        *_details(contest, order),
        *_masks(cards),
        _uncertainty(contest.facts),
        *_reading(boards),
        _run(contest),
    ]
    title = contest.facts["data"]["title"]
    return Page(f"{title}: boards of the suite {contest.facts['suite']}", title, tuple(sections))


def order_of(contest: Contest, inference: Inference | None, boards: Mapping[str, Board]) -> list[str]:
    """Imputers as the tables beside the boards list them: as the first board orders them, then the others by name."""
    found = [list(board.table.index) for board in boards.values()]
    found += [] if inference is None else [list(inference.table.index)]
    return list(dict.fromkeys([name for names in found for name in names] + contest.present))


def _verdicts(contest: Contest, inference: Inference | None, boards: Mapping[str, Board]) -> Section:
    note = contest.facts["data"].get("note")
    lines = [] if inference is None else [_told("inference", inference_verdict(inference))]
    lines += [_told(name, board_verdict(board)) for name, board in boards.items()]
    blocks: list[Block] = [f"**{plain(note)}**"] if note else []
    return Section("Verdict", (*blocks, "\n".join(lines) or "Nothing was scored."))


def _told(name: str, sentences: Sequence[str]) -> str:
    return f"- **{TITLES[name]}** · *{QUESTIONS[name]}* {' '.join(sentences)}"


def _board(board: Board, name: str, pictures: Mapping[str, str]) -> Section:
    floor = board.floor
    if np.isnan(floor):
        told = "**Nothing is resampled, so nothing can be told apart**, and all share the first place."
    else:
        told = (
            f"**Resolution floor {floor:.3f}**: gaps in skill below it are told from zero less often than four times "
            "in five, and no sentence on this page rests on one. Methods that cannot be told apart share a place."
        )
    blocks: list[Block] = [f"*{QUESTIONS[name]}* {told}", board_tables.board_views(board, name)]
    captions = {
        f"skill-{name}": "Skill with its 95 % interval; shaded: tied with the best",
        f"cost-{name}": "Skill against seconds per cell",
    }
    blocks += [Picture(pictures[key], caption) for key, caption in captions.items() if key in pictures]
    return Section(TITLES[name], tuple(blocks))


def _inference(found: Inference) -> Section:
    outcome = found.terms[0].partition(" ~ ")[0]
    covariates = ", ".join(f"`{term.partition(' ~ ')[2]}`" for term in found.terms)
    told = (
        f"*{QUESTIONS['inference']}* Least squares of `{outcome}` on {covariates}, by each method's own way, against "
        f"the same on the complete table, over {found.masks} {'mask' if found.masks == 1 else 'masks'} of one sample: "
        "variances are those between draws, (1 + 1/m)B (Vink & van Buuren 2014). What another sample would add is "
        "not in these numbers."
    )
    rules = (
        f"By mechanism. *biased*: the mean error of a slope is beyond {SLIGHT:g} standard errors and beyond its "
        "Monte-Carlo error (t test, 5 %, Holm over slopes and mechanisms). *too sure*: else, coverage is below 0.95 "
        "beyond its Monte-Carlo error (one-sided, 5 %, masks as units), or its intervals have no width and hold no "
        f"slope. *valid*: neither, on {ENOUGH} masks or more. *untested*: neither, on fewer."
    )
    return Section(TITLES["inference"], (told, board_tables.inference_grid(found), rules))


def _absent(contest: Contest) -> list[Section]:
    """Who has no place and why, methods that lack the same thing together."""
    reasons = contest.imputers["reason"][contest.imputers["reason"] != ""]
    if reasons.empty:
        return []
    lacking = [name for name in reasons.index if name not in contest.present]
    lines = [f"- {plain(name)}: {plain(reason)}." for name, reason in reasons.drop(lacking).items()]
    family = {name: contest.facts["imputers"][name]["family"] for name in lacking}
    for kind in dict.fromkeys(family.values()):
        lines.append(_lacking(contest, [name for name in lacking if family[name] == kind], kind))
    return [Section("Not ordered", ("Nobody is ordered on fewer tasks than others.\n\n" + "\n".join(lines),), 3)]


def _lacking(contest: Contest, names: Sequence[str], family: str) -> str:
    """One line on methods of a family that were not available, with what the first of them says how to get it."""
    listed = ", ".join(f"`{name}`" for name in names)
    what = f"{len(names)} language models need weights" if family == "llm" else "Not available where this was run"
    message = plain(contest.cells.loc[contest.cells["imputer"] == names[0], "message"].iloc[0])
    return f"- {what}: {listed}. {'' if len(names) == 1 else 'For example: '}{message}."


def _methods(contest: Contest) -> list[Section]:
    return [Section("What each method is", (board_tables.methods_grid(contest),))]


def _failures(failed: pd.DataFrame) -> list[Section]:
    if failed.empty:
        return []
    texts = [
        f"{imputer}, {mechanism} at {rate:g}, seed {seed}\n{message.strip()}"
        for imputer, mechanism, rate, seed, message in failed[
            ["imputer", "mechanism", "rate", "seed", "message"]
        ].itertuples(index=False, name=None)
    ]
    told = "An imputer with a failed cell is not ordered: averages over the rest would be of fewer tasks."
    return [
        Section("Failures", (told, tables.failures_grid(failed))),
        Section("Messages of the failures in full", tuple(map(Verbatim, texts)), level=3, folded=True),
    ]


def _shares(pictures: Mapping[str, str]) -> list[Section]:
    if "shares" not in pictures:
        return []
    caption = "Distribution of each item's hidden cells, true and as the leading methods fill them"
    return [Section("Items, true and imputed", (Picture(pictures["shares"], caption),))]


def _targets(contest: Contest, order: Sequence[str]) -> list[Section]:
    found = tables.targets_grid(contest, order)
    if found is None:
        return []
    published = contest.facts.get("published_targets")
    told = "RMSE of the mean of the draws on the scale of the codes, without what their number adds; mean over masks."
    note = [] if published is None else [f"{plain(published['label'])}: {plain(published['note'])}"]
    return [Section("Target items", (told, found, *note))]


def _covariances(found: Covariances | None, pictures: Mapping[str, str]) -> list[Section]:
    if found is None:
        return []
    told = (
        f"Of {', '.join(f'`{name}`' for name in found.targets)}, mean over masks and draws, in units of the true "
        "standard deviations: the truth is the correlation matrix, the diagonal of an imputer its ratio of variances. "
        "In the differences blue is too low, red too high; all share one colour scale."
    )
    overview = Picture(pictures["covariance"], "True covariances of the target items, and what each imputer changes")
    return [Section("Covariances", (told, overview))]


def _texts(contest: Contest, order: Sequence[str]) -> list[Section]:
    """Table of the accuracy of text items, mean ± standard error over masks; nothing if there are none."""
    scores, facts = contest.scores, contest.facts
    rows = scores[scores["metric"] == "accuracy"]
    names = items(rows, facts, ("text",))
    if not names:
        return []
    heads = [Head(f"{name} ↑", facts["columns"][name]["question"]) for name in names]
    cells: list[tuple[Cell | str, ...]] = []
    for imputer in order:
        own = rows[(rows["imputer"] == imputer) & rows["column"].isin(names)]
        if len(own):
            by_mask = own.pivot_table(index=MASK, columns="column", values="value").reindex(columns=names)
            cells.append((imputer, *(tables.with_error(by_mask[name].to_numpy()) for name in names)))
    told = (
        "Share of the hidden cells whose best single prediction, by the method's own probabilities where it states "
        "them, is the true string; mean over masks ± its standard error (SD over the root of their number)."
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


def _details(contest: Contest, order: Sequence[str]) -> list[Section]:
    found = []
    for title, told, found_grid in (
        ("All metrics of items", "Mean over masks and items.", tables.item_metrics_grid(contest, order)),
        ("All metrics of the whole table", "Mean over masks.", tables.table_metrics_grid(contest, order)),
    ):
        found += [Section(title, (told, found_grid), 3, True)] if found_grid else []
    what = "Of the cells that are done; timings are those of the machine that ran them."
    found.append(Section("Cost", (what, tables.cost_grid(contest, order)), 3, True))
    found.append(Section("Imputers and their parameters", (tables.imputers_grid(contest),), 3, True))
    told = (
        "All of it, cell by cell, is in `results.parquet`; `python -m benchmarks report results.parquet --out FOLDER` "
        f"makes this page of it ({plain(contest.facts['data']['title'])})."
    )
    return [Section("Details", (told,)), *found]


def _uncertainty(facts: Facts) -> Section:
    clusters = facts["data"]["clusters"]
    people = (
        f"{plain(clusters)} and masks (within mechanism and rate)" if clusters else "masks, within mechanism and rate"
    )
    return Section(
        "Places and intervals",
        (
            "What is asked: another sample of this survey and other masks, these items. Skill is 1 − score / score "
            f"of the items' observed marginals. What varies: {people}. All methods share them, so differences are "
            "paired. Standard errors are linearised; which cells of a respondent are hidden is noise that shows "
            "among people and among masks alike, and is counted once (two-way layout; Cameron, Gelbach & Miller "
            "2011). Intervals are by Student's t. The first place is the model confidence set "
            "(Hansen, Lunde & Nason 2011): it holds the best method with a chance of 95 %, however many are "
            "compared; the next place is that of the others, and so on. The resolution floor is 2.80 standard "
            "errors: of the difference of neighbours among the better half, or of two runs of one method under other "
            "seeds, where that is more.",
        ),
    )


def _reading(boards: Mapping[str, Board]) -> list[Section]:
    return [
        Section(f"Columns of {TITLES[name]}", (board_tables.reading_grid(board, name),), 3, True)
        for name, board in boards.items()
    ]


def _run(contest: Contest) -> Section:
    facts, absent = contest.facts, sorted(set(contest.imputers.index) - set(contest.present))
    cells = contest.cells[~contest.cells["imputer"].isin(absent)]
    data, counts = facts["data"], cells["status"].value_counts()
    told = [f"{counts.get('done', 0)} of {len(cells)} cells are done"]
    told += [f"**{counts[s]} {word}**" for s, word in STATES.items() if s in counts]
    told += [f"{len(absent)} imputer{'s' if len(absent) > 1 else ''} unavailable"] if absent else []
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
    return Section("Data and run", ("; ".join(told) + ".", run))
