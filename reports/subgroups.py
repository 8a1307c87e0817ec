"""Subgroups: for each method the group of people in which the completed tables are furthest off, by name."""

from collections.abc import Sequence

import pandas as pd

from reports.boards import Contest
from reports.page import Cell, Head, Section, grid
from reports.tables import DASH

GAPS = "subgroup-gaps"


def subgroup_sections(contest: Contest, order: Sequence[str]) -> list[Section]:
    """The group with the largest gap, mean over masks, of each imputer; nothing if no groups were scored."""
    rows = contest.scores[(contest.scores["metric"] == GAPS) & contest.scores["imputer"].isin(contest.whole)]
    if rows.empty:
        return []
    gaps = rows.pivot_table(index="imputer", columns="column", values="value", aggfunc="mean")
    gaps = gaps[gaps.columns[gaps.notna().all()]]
    if gaps.empty:
        return []
    names = [name for name in order if name in gaps.index]
    text = (
        "Groups of one answer, or of two answers to two questions, to the drivers and the covariates of the "
        "regression. The gap of a group is the root mean square error of its items' means, in SDs, mean over masks."
    )
    single = gaps[[group for group in gaps if "~" not in group]]
    heads: list[Head | str] = ["imputer", "worst group", Head("its gap ↓"), "worst of one answer", Head("its gap ↓")]
    heads.append(Head("mean gap ↓", "Over all groups."))
    means = gaps.mean(axis=1)
    shown = [
        (name, *_worst(gaps.loc[name]), *_worst(single.loc[name]), Cell(f"{means[name]:.3f}", float(means[name])))
        for name in names
    ]
    return [Section("Subgroups", (text, grid(heads, shown)), 3)]


def _worst(gaps: pd.Series) -> tuple[Cell | str, Cell]:
    """Name and size of the largest gap."""
    if gaps.empty:
        return DASH, Cell(DASH)
    return str(gaps.idxmax()), Cell(f"{gaps.max():.3f}", float(gaps.max()))
