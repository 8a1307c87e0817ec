"""Two methods side by side: every score of the boards, paired on the same masks and respondents."""

from dataclasses import dataclass, replace
from math import isnan, nan

from datasets.errors import InputError
from reports.boards import ORDERED_BY_SCORE, Contest, Shown, mean, scores_for, shown
from reports.ranking import Comparison, compare
from reports.results import TABLE


@dataclass(frozen=True)
class Compared:
    """One score of two methods.

    Parameters
    ----------
    board, title : where it stands, and the head of its column.
    first, second : their means over masks.
    found : how far the first is ahead.
    """

    board: str
    title: str
    first: float
    second: float
    found: Comparison


def comparisons(contest: Contest, first: str, second: str) -> list[Compared]:
    """Compare two imputers on every score of the boards that both have, and on each mechanism's primary score.

    Raises
    ------
    InputError
        If an imputer was not planned or has unfinished cells, or they have no score in common.
    """
    for name in (first, second):
        if name not in contest.imputers.index:
            raise InputError(f"there are no results of {name!r}; there are: {', '.join(contest.imputers.index)}")
        if name not in contest.whole:
            raise InputError(
                f"{name} was {contest.imputers['reason'][name]}; compare methods with all their cells done"
            )
    found = []
    for board in ORDERED_BY_SCORE:
        for one in shown(contest.facts, board):
            found += _compared(contest, board, one, first, second)
            if one.primary and len(contest.settings) > 1:
                for setting in contest.settings:
                    named = replace(one, title=f"{one.title}, {setting}")
                    found += _compared(contest.of_setting(setting), board, named, first, second)
    if not found:
        raise InputError(
            f"{first} and {second} have no score of the boards in common; fills and moments cannot be compared"
        )
    return found


def _compared(contest: Contest, board: str, score: Shown, first: str, second: str) -> list[Compared]:
    metric, columns = score.metric, score.columns(contest) or [TABLE]
    means = mean(contest, metric, columns) if (contest.scores["metric"] == metric).any() else {}
    one, other = (float(means.get(name, nan)) for name in (first, second))
    if isnan(one) or isnan(other):
        return []
    return [Compared(board, score.title, one, other, compare(scores_for(contest, metric, columns), first, second))]
