"""Conclusions: which of them hold under every mechanism of a suite, or in every survey, and which do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from reports.boards import ORDERED_BY_SCORE, Board, Contest, boards_of, contest_of, items, mean, scores_for
from reports.facts import Manifest, board_facts
from reports.page import Cell, Grid, Head, Page, Section, grid, plain
from reports.ranking import Comparison, compare
from reports.results import TABLE, Record, lost, tidy
from reports.sections import TITLES
from reports.tables import DASH
from reports.verdicts import names

MEANS = "mean-error"
LISTED = 40  # pairs of methods in a table


@dataclass(frozen=True, eq=False)
class Context:
    """One table with one mechanism at one rate: what conclusions are drawn in.

    Parameters
    ----------
    label : what tells it from the others.
    contest, boards : the methods with all their cells done there, and their boards by name.
    cards : of its masks.
    """

    label: str
    contest: Contest
    boards: Mapping[str, Board]
    cards: Sequence[Mapping]


def conclusions_page(records: Sequence[Record], manifest: Manifest) -> Page:
    """Compose the page; the suite tells ``about["question"]`` and ``about["contrasts"]``, pairs of methods."""
    contexts = contexts_of(records, manifest)
    sections = [Section("Verdict", (_verdict(contexts), *_lacking(manifest)))]
    for board in ORDERED_BY_SCORE:
        if any(board in context.boards for context in contexts):
            sections += [_standing(contexts, board), *_pairs(contexts, board)]
    sections += [*_contrasts(contexts, manifest["about"].get("contrasts", ())), *_masks(contexts)]
    return Page(f"{manifest['suite']}: {manifest['about']['question']}", manifest["suite"], tuple(sections))


def contexts_of(records: Sequence[Record], manifest: Manifest) -> list[Context]:
    """The contexts of a suite, in the order of its plan, those without a score left out."""
    keys = dict.fromkeys((cell["dataset"], cell["setting"], cell["rate"]) for cell in manifest["cells"])
    titles, settings = ({key[i] for key in keys} for i in (0, 1))
    rates = {(key[1], key[2]) for key in keys}
    found = []
    for title, setting, rate in keys:
        own = [r for r in records if (r.dataset, r.setting, r.rate) == (title, setting, rate)]
        if not any(record.status == "done" for record in own):
            continue
        facts = board_facts(manifest, own, title)
        facts = {**facts, "cells": [c for c in facts["cells"] if (c["setting"], c["rate"]) == (setting, rate)]}
        contest = contest_of(tidy(own), lost(own), facts)
        several = len({other for name, other in rates if name == setting}) > 1 or len(rates) > len(settings)
        parts = [title] * (len(titles) > 1) + [setting] * (len(settings) > 1) + [f"{rate:g}"] * several
        cards = [c for c in manifest["cards"] if (c["dataset"], c["mechanism"], c["rate"]) == (title, setting, rate)]
        found.append(Context(", ".join(parts) or title, contest, boards_of(contest), cards))
    return found


def pair_verdicts(contexts: Sequence[Context], board: str) -> pd.DataFrame:
    """``better``, ``worse`` or ``cannot tell`` of the first of each pair of methods, a row a pair, a column a context.

    None where one of the two has no place.
    """
    placed = {c.label: c.boards[board] for c in contexts if board in c.boards}
    methods = list(dict.fromkeys(name for found in placed.values() for name in found.placed.index))
    rows = {}
    for first, second in combinations(methods, 2):
        rows[first, second] = [_verdict_of(found, first, second) for found in placed.values()]
    index = pd.MultiIndex.from_tuples(list(rows), names=["first", "second"])
    return pd.DataFrame(list(rows.values()), index=index, columns=list(placed), dtype=object)


def _verdict_of(board: Board, first: str, second: str) -> str | None:
    if not {first, second} <= set(board.placed.index):
        return None
    return compare(scores_for(board.contest, board.primary, [TABLE]), first, second).verdict


def _lacking(manifest: Manifest) -> list[str]:
    told = [
        f"- {plain(name)}: {plain(known['lacking'])}"
        for name, known in manifest["tables"].items()
        if "lacking" in known
    ]
    return ["Not run:\n\n" + "\n".join(told)] if told else []


def _verdict(contexts: Sequence[Context]) -> str:
    lines = []
    for board in ORDERED_BY_SCORE:
        tied = [set(context.boards[board].tied) for context in contexts if board in context.boards]
        if tied:
            lines.append(f"- **{TITLES[board]}**: {_first(tied)} {_agreement(pair_verdicts(contexts, board))}")
    return "\n".join(lines) or "Nothing was scored."


def _first(tied: Sequence[set[str]]) -> str:
    always, ever = sorted(set.intersection(*tied)), sorted(set.union(*tied))
    if always:
        share = "share" if len(always) > 1 else "has, alone or with others,"
        return f"{names(always)} {share} the first place in all {len(tied)} settings."
    return f"no method has or shares the first place in all {len(tied)} settings; {names(ever)} do in some."


def _agreement(verdicts: pd.DataFrame) -> str:
    better, worse = ((verdicts == word).any(axis=1) for word in ("better", "worse"))
    whole = verdicts.notna().all(axis=1)
    agreed = int(((verdicts == "better").all(axis=1) | (verdicts == "worse").all(axis=1)).sum())
    opposed = int((better & worse).sum())
    undecided = int((whole & ~better & ~worse).sum())
    return (
        f"Of {len(verdicts)} pairs of methods, {agreed} are told apart the same way in every setting, "
        f"{opposed} one way in some and the other way in others, and {undecided} in none."
    )


def _standing(contexts: Sequence[Context], board: str) -> Section:
    shown = [context for context in contexts if board in context.boards]
    scores = pd.DataFrame({context.label: context.boards[board].placed["score"] for context in shown})
    first = {context.label: set(context.boards[board].tied) for context in shown}
    order = scores.mean(axis=1).sort_values(ascending=False, kind="stable").index
    rows = [
        (name, *(_skill(scores.loc[name, label], first=name in first[label]) for label in scores)) for name in order
    ]
    text = "Skill; **first or tied with the first** in bold. Skills of different settings have different marginals."
    return Section(TITLES[board], (text, grid(["imputer", *map(Head, scores)], rows)))


def _skill(value: float, *, first: bool) -> Cell:
    return Cell(DASH) if np.isnan(value) else Cell(f"{value:.3f}", float(value), strong=first)


def _pairs(contexts: Sequence[Context], board: str) -> list[Section]:
    """Pairs that settings disagree on, those with most on either side first."""
    verdicts = pair_verdicts(contexts, board)
    counts = pd.DataFrame({word: (verdicts == word).sum(axis=1) for word in ("better", "worse", "cannot tell")})
    opposed = counts[(counts["better"] > 0) & (counts["worse"] > 0)]
    least = opposed[["better", "worse"]].min(axis=1)
    opposed = opposed.loc[least.sort_values(ascending=False, kind="stable").index[:LISTED]]
    if opposed.empty:
        return []
    rows: list[tuple[Cell | str, ...]] = [
        (str(first), str(second), *(_where(verdicts.loc[(first, second)], word) for word in ("better", "worse")))
        for first, second in opposed.index
    ]
    heads = ["first", "second", "first is better under", "first is worse under"]
    return [Section(f"Conclusions that turn: {TITLES[board]}", (grid(heads, rows),), 3)]


def _where(verdicts: pd.Series, word: str) -> Cell:
    found = [str(label) for label in verdicts.index[verdicts == word]]
    return Cell("; ".join(found), float(len(found)))


def _contrasts(contexts: Sequence[Context], pairs: Sequence[Sequence[str]]) -> list[Section]:
    found = []
    for first, second in pairs:
        own = [context for context in contexts if {first, second} <= set(context.contest.whole)]
        if own:
            text = (
                f"How far `{first}` is ahead of `{second}`, with the 95 % interval: of skill, and of the error of "
                "items' means in SDs. Positive is better."
            )
            found.append(Section(f"{first} against {second}", (text, _contrast_grid(own, first, second))))
    return found


def _contrast_grid(contexts: Sequence[Context], first: str, second: str) -> Grid:
    heads: list[Head | str] = ["setting", *(Head(f"skill, {TITLES[board]}") for board in ORDERED_BY_SCORE)]
    rows: list[tuple[Cell | str, ...]] = []
    for context in contexts:
        cells = [
            _apart(compare(scores_for(context.contest, context.boards[board].primary, [TABLE]), first, second))
            if board in context.boards
            else Cell(DASH)
            for board in ORDERED_BY_SCORE
        ]
        rows.append((context.label, *cells, _means_apart(context, first, second)))
    return grid([*heads, Head("means")], rows)


def _means_apart(context: Context, first: str, second: str) -> Cell:
    scored = _mean_items(context)
    return _apart(compare(scores_for(context.contest, MEANS, scored), first, second)) if scored else Cell(DASH)


def _mean_items(context: Context) -> list[str]:
    rows = context.contest.scores
    return items(rows[rows["metric"] == MEANS], context.contest.facts)


def _apart(found: Comparison) -> Cell:
    span = f"[{found.low:+.3f}, {found.high:+.3f}]" if np.isfinite(found.low) else ""
    text = f"{found.difference:+.3f} {span}".strip()
    return Cell(text, found.difference, strong=found.verdict != "cannot tell")


def _masks(contexts: Sequence[Context]) -> list[Section]:
    """What each setting does to the items, and what of the error of their means each method leaves."""
    heads: list[Head | str] = [
        "setting",
        Head("rate", "Hidden of the observed cells, in columns where any is."),
        Head("AUC drivers", "Of missingness from the drivers; mean over items."),
        Head("AUC own value", "Of missingness from the cell's own value; mean over items."),
        Head("bias", "Of complete cases, absolute, in SD (nominal: largest change of a share); mean over items."),
        Head("spread", "SD of complete cases over that of all; mean over items."),
    ]
    rows: list[tuple[Cell | str, ...]] = [
        (context.label, *_carded(context.cards)) for context in contexts if context.cards
    ]
    means = pd.DataFrame({c.label: mean(c.contest, MEANS, _mean_items(c)) for c in contexts if _mean_items(c)})
    sections = [Section("What the masks do", (grid(heads, rows),))] if rows else []
    if not means.empty:
        order = means.mean(axis=1).sort_values(kind="stable").index
        shown: list[tuple[Cell | str, ...]] = [
            (str(name), *(_skill(value, first=False) for value in means.loc[name])) for name in order
        ]
        text = "Error of items' means in the completed tables, pooled over draws, in SDs; mean over items and masks."
        sections.append(Section("What is left of it", (text, grid(["imputer", *map(Head, means)], shown))))
    return sections


def _carded(cards: Sequence[Mapping]) -> list[Cell]:
    columns = pd.DataFrame([column for card in cards for column in card["columns"]])
    columns = columns.reindex(columns=["auc_drivers", "auc_own", "bias", "spread"]).astype(float)
    values = [np.mean([card["realised_rate"] for card in cards]), columns["auc_drivers"].mean()]
    values += [columns["auc_own"].mean(), columns["bias"].abs().mean(), columns["spread"].mean()]
    return [_skill(float(value), first=False) for value in values]
