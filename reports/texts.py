"""Text items: how often each method hits the very string, with its standard error."""

import numpy as np

from reports.leaderboard import Board, items
from reports.page import Cell, Grid, Head, Section
from reports.results import MASK


def text_sections(board: Board) -> list[Section]:
    """Table of the accuracy of text items, mean ± standard error over masks; nothing if there are none."""
    scores, facts = board.contest.scores, board.contest.facts
    rows = scores[scores["metric"] == "accuracy"]
    names = items(rows, facts, ("text",))
    if not names:
        return []
    heads = [Head("imputer", numeric=False), *[Head(f"{name} ↑", facts["columns"][name]["question"]) for name in names]]
    grid = []
    for imputer in board.table.index:
        own = rows[(rows["imputer"] == imputer) & rows["column"].isin(names)]
        if len(own):
            by_mask = own.pivot_table(index=MASK, columns="column", values="value").reindex(columns=names)
            grid.append((Cell(imputer, imputer), *(_with_error(by_mask[name].to_numpy()) for name in names)))
    told = (
        "Share of the hidden cells whose best single answer is the true string, mean over masks ± its standard error "
        "(SD of the masks' accuracies over the root of their number)."
    )
    return [Section("Text items", (told, Grid(tuple(heads), tuple(grid))))]


def _with_error(accuracies: np.ndarray) -> Cell:
    mean = float(accuracies.mean())
    if len(accuracies) < 2:
        return Cell(f"{mean:.3f}", mean)
    return Cell(f"{mean:.3f} ± {accuracies.std(ddof=1) / np.sqrt(len(accuracies)):.3f}", mean)
