"""Convergence on a board: whether the chains of each method forgot where they began, and who is warned of."""

from collections.abc import Sequence

import pandas as pd

from reports.boards import Contest
from reports.measures import OF_CHAINS
from reports.page import Cell, Head, Section, grid, plain
from reports.results import CELL, TABLE
from reports.tables import numbers

CHANCE = 0.01  # of a cell to have an item beyond its limit although all chains agree
LEVEL = 0.05  # of a warning although all cells of a method are so by chance
INTRO = (
    "Each draw of a chained method is a chain of its own. R-hat (Gelman and Rubin 1992) compares, for each item, the "
    "means and the SDs of what the chains fill in, between chains and within them: near 1 they tell the same. A chain "
    "of few iterations is noisy, so the limit is what chance exceeds in one cell of a hundred, and 1.1 at least. Items "
    "beyond it were still moving when the draws were taken."
)
HEADS = (
    Head("cells", "cells with two chains of two iterations at least"),
    Head("cells beyond", "share of cells in which an item is beyond the limit"),
    Head("R-hat ↓", "of the worst item; median over cells"),
    Head("largest ↓", "R-hat of the worst item of the worst cell"),
    Head("limit", "median over cells"),
    Head("items beyond ↓", "share of items beyond the limit, mean over cells"),
)


def convergence_sections(contest: Contest, order: Sequence[str]) -> list[Section]:
    """How the chains of each method agree, with a warning of those that do not; nothing where none was traced."""
    scores = contest.scores
    told = scores[(scores["column"] == TABLE) & scores["metric"].isin(OF_CHAINS)]
    if told.empty:
        return []
    cells = told.pivot_table(index=[name for name in CELL if name in told], columns="metric", values="value")
    by_method = agreement(cells)
    names = [name for name in order if name in by_method.index]
    shown = by_method.loc[names]
    columns = [
        [Cell(f"{count:.0f}", float(count)) for count in shown["cells"]],
        *(numbers(shown[name], decimals) for name, decimals in (("apart", 2), ("r-hat", 2), ("largest", 2))),
        *(numbers(shown[name], 2) for name in ("r-hat-limit", "r-hat-beyond")),
    ]
    table = grid(["imputer", *HEADS], zip(names, *columns, strict=True))
    warned = "\n".join(f"- {_warning(name, shown.loc[name])}" for name in names if _beyond_chance(shown.loc[name]))
    return [Section("Convergence of chains", (INTRO, table, *([warned] if warned else [])))]


def agreement(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per imputer, of a table with a row per cell (index level ``imputer``) and the measures of its chains.

    Columns: ``cells`` (number), ``apart`` (share of them with an item beyond the limit), ``r-hat`` and ``r-hat-limit``
    (medians), ``largest`` (R-hat), ``r-hat-beyond`` (mean share of items).
    """
    groups = cells.assign(apart=cells["r-hat"] > cells["r-hat-limit"]).groupby(level="imputer")
    return pd.DataFrame(
        {
            "cells": groups.size(),
            "apart": groups["apart"].mean(),
            "r-hat": groups["r-hat"].median(),
            "largest": groups["r-hat"].max(),
            "r-hat-limit": groups["r-hat-limit"].median(),
            "r-hat-beyond": groups["r-hat-beyond"].mean(),
        }
    )


def _beyond_chance(found: pd.Series) -> bool:
    """Whether more cells are beyond their limits than chance puts there (exact binomial test)."""
    from scipy.stats import binom

    return binom.sf(round(found["apart"] * found["cells"]) - 1, found["cells"], CHANCE) <= LEVEL


def _warning(name: str, found: pd.Series) -> str:
    return (
        f"**The chains of {plain(name)} disagree** in {round(found['apart'] * found['cells'])} of "
        f"{found['cells']:.0f} cells, by an R-hat of up to {found['largest']:.2f}: its draws still depend on where "
        "they began. Before its tables are analysed, give it a larger `max_iter`, or leave out items that all but "
        "repeat another."
    )
