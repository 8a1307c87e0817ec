"""Families: which kind of method wins on which metric, and by how much beyond chance."""

import numpy as np

from reports.leaderboard import Board, headlines, judged
from reports.page import Cell, Head, Section, grid
from reports.ranking import averages, cube, interval, loss
from reports.tables import arrow


def family_sections(board: Board) -> list[Section]:
    """Best family and runner-up of each headline metric; nothing with fewer than three families."""
    contest = board.contest
    family = {name: contest.facts["imputers"][name]["family"] for name in contest.ranked}
    rows = [_row(board, metric, family) for metric in headlines(contest.facts) if metric in board.table]
    found = tuple(row for row in rows if row)
    if len(set(family.values())) < 3 or not found:
        return []
    lead = Head("lead [95 %]", "paired difference of the two, in units of the metric")
    heads = ("metric", "best family", "its best", "next family", "its best", lead)
    told = (
        "A family is what methods say they belong to (their attribute `family`), and stands here by its best ranked "
        "member on each metric. **Bold**: the interval of the paired lead excludes zero. As members are picked by the "
        "same scores, large families have an edge."
    )
    return [Section("By family", (told, grid(heads, found)))]


def _row(board: Board, metric: str, family: dict[str, str]) -> tuple[Cell, ...]:
    """Who leads on a metric, who is next, and the lead; empty if fewer than two families have all its scores."""
    contest = board.contest
    means = board.table.loc[list(contest.ranked), metric].dropna()
    better = contest.facts["metrics"][metric]["better"]
    order = means.index[np.argsort(loss(means.to_numpy(), better), kind="stable")]
    best = {family[name]: name for name in reversed(order)}
    champions = [name for name in order if best[family[name]] == name][:2]
    if len(champions) < 2:
        return ()
    columns = judged(contest.scores, contest.facts, metric)
    values = cube(contest.scores, metric, contest.where, columns, champions)
    losses = loss(averages([(values, columns)], contest.where), better)
    lead = losses[:, 1] - losses[:, 0]
    low, high = interval(lead)
    title = headlines(contest.facts)[metric]["title"]
    cells = [Cell(f"{title} {arrow(better)}", title)]
    for name in champions:
        cells += [Cell(family[name], family[name]), Cell(f"{name} ({means[name]:.3f})", name)]
    certain = not contest.where.replicated(columns)
    text = f"{lead[0]:.3f}" if certain else f"{lead[0]:.3f} [{low:.3f}, {high:.3f}]"
    return (*cells, Cell(text.replace("-", "−"), float(lead[0]), strong=bool(low > 0) and not certain))
