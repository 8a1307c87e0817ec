"""Items with two answers: how well methods tell respondents apart, beside the published figures."""

from collections.abc import Callable, Sequence

import pandas as pd

from reports.boards import Contest
from reports.page import Cell, Head, Section, grid, plain
from reports.results import MASK
from reports.tables import arrow, published_row, with_error

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


def discrimination_sections(contest: Contest, order: Sequence[str]) -> list[Section]:
    """Table of discrimination and calibration, mean ± standard error over masks; nothing below ten such items."""
    scores, facts = contest.scores, contest.facts
    rows = scores[scores["metric"].isin([metric for _, metric, _ in COLUMNS])]
    count = rows.loc[rows["metric"] == "auc", "column"].nunique()
    if count < FEWEST_ITEMS:
        return []
    better = {metric: arrow(facts["metrics"][metric]["better"]) for metric in set(rows["metric"])}
    heads = [Head(f"{title} {better.get(metric, '')}".strip()) for title, metric, _ in COLUMNS]
    published = facts.get("published_metrics")
    cells = [_row(name, rows[rows["imputer"] == name]) for name in order if name in set(rows["imputer"])]
    told = [_told(count)]
    if published is not None:
        keys = [metric for _, metric, _ in COLUMNS]
        cells.append(published_row(published, keys, f"published: {published['label']}"))
        told.append(f"Published: {plain(published['note'])}")
    return [Section("Items with two answers", (*told, grid(["imputer", *heads], cells)))]


def _told(count: int) -> str:
    return (
        f"Over {count} items with two answers, by the methods' own probabilities; mean over masks ± its standard error "
        "(SD of the masks' values over the root of their number; folds share their training cells, so it is somewhat "
        "too small). Pooled figures are of the hidden cells of all items together.\n\n"
        "The row `mean` is the *question marginal*: every respondent gets the item's shares. It tells no two "
        "respondents apart (AUC of an item 0.5), yet its pooled AUC is high, as items are lopsided to different sides: "
        "read every pooled AUC as a gain over that row. It is calibrated, too, so read the ECE beside the AUC."
    )


def _row(name: str, own: pd.DataFrame) -> tuple[Cell, ...]:
    cells = [Cell(name, name)]
    for _, metric, summary in COLUMNS:
        part = own[own["metric"] == metric]
        cells.append(with_error(part.groupby(MASK)["value"].agg(summary).to_numpy(), digits=4))
    return tuple(cells)
