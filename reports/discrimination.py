"""Items with two answers: how well methods tell respondents apart, beside the published figures."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from reports.leaderboard import Board
from reports.page import Cell, Grid, Head, Section
from reports.results import MASK
from reports.tables import DASH, arrow

FEWEST_ITEMS = 10  # with fewer, a mean or median over items says little
COLUMNS: tuple[tuple[str, str, Callable[[pd.Series], float]], ...] = (  # title, metric, from items to one number
    ("pooled AUC", "pooled-auc", pd.Series.mean),
    ("AUC of an item, mean", "auc", pd.Series.mean),
    ("AUC of an item, median", "auc", pd.Series.median),
    ("log loss", "pooled-log-loss", pd.Series.mean),
    ("Brier", "pooled-brier", pd.Series.mean),
    ("ECE", "ece", pd.Series.mean),
    ("accuracy", "pooled-accuracy", pd.Series.mean),
    ("F1", "pooled-f1", pd.Series.mean),
)
PUBLISHED = "published: Kim and Lee 2023"
PUBLISHED_AUC = 0.87
SURVEY = "gss2022-binary"  # the published figure is of this survey's other years; elsewhere it says nothing


def discrimination_sections(board: Board) -> list[Section]:
    """Table of discrimination and calibration, mean ± standard error over masks; nothing below ten such items."""
    scores, facts = board.contest.scores, board.contest.facts
    rows = scores[scores["metric"].isin([metric for _, metric, _ in COLUMNS])]
    count = rows.loc[rows["metric"] == "auc", "column"].nunique()
    if count < FEWEST_ITEMS:
        return []
    better = {metric: arrow(facts["metrics"][metric]["better"]) for metric in set(rows["metric"])}
    heads = [Head("imputer", numeric=False)]
    heads += [Head(f"{title} {better.get(metric, '')}".strip()) for title, metric, _ in COLUMNS]
    comparable = facts["data"]["title"].startswith(SURVEY)
    grid = [_row(name, rows[rows["imputer"] == name]) for name in board.table.index if name in set(rows["imputer"])]
    if comparable:
        grid.append(
            (Cell(PUBLISHED, "~"), Cell(f"{PUBLISHED_AUC:g}", PUBLISHED_AUC), *[Cell(DASH)] * (len(COLUMNS) - 1))
        )
    told = [_told(count), *([_caution()] if comparable else [])]
    return [Section("Items with two answers", (*told, Grid(tuple(heads), tuple(grid))))]


def _told(count: int) -> str:
    return (
        f"Over {count} items with two answers, by the methods' own probabilities; mean over masks ± its standard error "
        "(SD of the masks' values over the root of their number; folds share their training cells, so it is somewhat "
        "too small). Pooled figures are of the hidden cells of all items together.\n\n"
        "The row `mean` is the *question marginal*: every respondent gets the item's shares. It tells no two "
        "respondents apart (AUC of an item 0.5), yet its pooled AUC is high, as items are lopsided to different sides: "
        "read every pooled AUC as a gain over that row. It is calibrated, too, so read the ECE beside the AUC."
    )


def _caution() -> str:
    return (
        f"Published: pooled AUC .{round(100 * PUBLISHED_AUC)} for the imputation of missing cells in ten folds, by a "
        "network on a frozen language model's reading of the questions (Kim and Lee 2023, arXiv 2305.09620). What "
        "differs: theirs are 3,110 opinions of 68,846 respondents of 1972–2021, these are items of all sorts, opinions "
        "and facts, of the one year 2022; which answer counts as the second one is coded otherwise, and pooled AUC "
        "depends on it; their figure comes from the training checkpoint that did best on the very fold it is scored "
        "on, ours from methods that never saw the hidden cells. And the holes of this table speak: whoever was asked "
        "about a spouse's job has a spouse. Methods that see open holes (`gbm` in one sweep) profit from that, and all "
        "do from items that are close to each other."
    )


def _row(name: str, own: pd.DataFrame) -> tuple[Cell, ...]:
    cells = [Cell(name, name)]
    for _, metric, summary in COLUMNS:
        part = own[own["metric"] == metric]
        cells.append(_with_error(part.groupby(MASK)["value"].agg(summary).to_numpy()))
    return tuple(cells)


def _with_error(by_mask: np.ndarray) -> Cell:
    if not len(by_mask):
        return Cell(DASH)
    mean = float(by_mask.mean())
    if len(by_mask) < 2:
        return Cell(f"{mean:.3f}", mean)
    return Cell(f"{mean:.3f} ± {by_mask.std(ddof=1) / np.sqrt(len(by_mask)):.4f}", mean)
