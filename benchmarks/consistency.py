"""Rules between the columns of an imputed file: what filled filters leave empty, and how often fills break a check."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.files.completed import typed_columns
from datasets.files.rules import not_asked
from datasets.files.survey_file import SurveyFile
from datasets.schema import Floats
from datasets.table import Reason


@dataclass(frozen=True)
class Check:
    """How often completed tables break what is to hold in every row.

    Parameters
    ----------
    text : the condition.
    answered : rows that break it as they were answered.
    decided : rows of a draw in which it is the fills that keep or break it, mean over draws.
    broken : those of them that break it.
    """

    text: str
    answered: int
    decided: float
    broken: float


def leave_unasked(survey: SurveyFile, X: Floats) -> Floats:
    """Take fills away from cells of one completed table (n, p) that were not asked by the filled answers to filters.

    Observed cells stay. A filter that is emptied itself empties what depends on it.
    """
    if not survey.asked_if:
        return X
    left, dataset = X.copy(), survey.dataset
    asked = {name for condition in survey.asked_if.values() for name in condition.names}
    known = {name: dataset.reasons[:, j] == Reason.NOT_ASKED for j, name in enumerate(dataset.schema.names)}
    while True:
        unasked = not_asked(survey.asked_if, typed_columns(survey, left, asked), known)
        before = np.isnan(left).sum()
        for name in survey.asked_if:
            j = dataset.schema.index(name)
            left[unasked[name] & np.isnan(dataset.values[:, j]), j] = np.nan
        if np.isnan(left).sum() == before:
            return left


def count_broken(survey: SurveyFile, draws: Sequence[Floats]) -> dict[str, Check]:
    """Count the rows that break each check of a file, by the column that it stands with."""
    found = {}
    for name, condition in survey.checks.items():
        holds, fails = condition.decide(survey.typed)
        open_rows = ~(holds | fails)
        counts = [_decided(survey, X, name, open_rows) for X in draws]
        decided, broken = np.mean(counts, axis=0)
        found[name] = Check(condition.text, int(fails.sum()), float(decided), float(broken))
    return found


def _decided(survey: SurveyFile, X: Floats, name: str, open_rows: NDArray[np.bool_]) -> tuple[int, int]:
    """Rows of a draw in which fills decide a check, and rows in which they break it."""
    condition = survey.checks[name]
    holds, fails = condition.decide(typed_columns(survey, X, condition.names))
    return int((open_rows & (holds | fails)).sum()), int((open_rows & fails).sum())
