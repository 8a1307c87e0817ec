"""Skip rules: columns that are empty exactly where another column has certain answers were asked of some only."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pandas.api import types

from datasets.condition import quoted
from datasets.files.survey_file import SurveyFile
from datasets.schema import Floats, Kind
from datasets.table import Dataset, Reason

MOST_LEVELS = 20
CHANCE = 1e-6  # that as many rows would all be blank, if they were blank as often as the others
MOST_HOLES = 0.5
MOST_DRIVERS = 200  # so that a file of thousands of columns takes seconds


def propose_skip_rules(survey: SurveyFile) -> dict[str, str]:
    """Conditions on who was asked, by column, as ``asked_if`` of a schema file takes them.

    A condition is proposed for a column with blanks of unknown reason if all rows in which another column has certain
    answers, or lies below or above a number, are blank, most others are not, and chance would hardly do so. Of
    several conditions the one that explains most blanks is taken, of equal ones that on the first column.
    """
    dataset = survey.dataset
    blank = dataset.reasons == Reason.UNKNOWN
    asked = np.flatnonzero(blank.any(axis=0) & ~blank.all(axis=0))
    best: dict[int, tuple[int, str]] = {}
    empty = blank[:, asked].astype(np.float32)
    filled = np.ascontiguousarray(~blank[:, asked].T)
    for j in _drivers(dataset):
        codes = dataset.values[:, j]
        rules = _levels(codes, empty) if _few(codes) else _limits(codes, filled)
        for place, explained, rule in rules:
            k = int(asked[place])
            if k != j and explained > best.get(k, (0, ""))[0]:
                best[k] = explained, f"{quoted(dataset.schema.columns[j].name)} {_say(rule, survey, j)}"
    return {dataset.schema.names[k]: text for k, (_, text) in sorted(best.items())}


def _drivers(dataset: Dataset) -> NDArray[np.intp]:
    """Positions of the columns that may decide who was asked: the most complete ones, in order."""
    holes = np.isnan(dataset.values).mean(axis=0)
    known = np.flatnonzero((holes <= MOST_HOLES) & [column.kind is not Kind.TEXT for column in dataset.schema])
    return np.sort(known[np.argsort(holes[known], kind="stable")[:MOST_DRIVERS]])


def _few(codes: Floats) -> bool:
    return len(np.unique(codes[~np.isnan(codes)])) <= MOST_LEVELS


def _levels(codes: Floats, blank: NDArray[np.float32]) -> Iterator[tuple[int, int, tuple[str, Floats]]]:
    """Rules of the sort "asked if the answer is one of these": place of the column, blanks explained, the rule.

    Parameters
    ----------
    codes : of the column that may decide, shape (n,).
    blank : 1 where a column is blank, shape (n, columns).
    """
    known = ~np.isnan(codes)
    levels = np.unique(codes[known])
    member = codes[:, None] == levels  # (n, K)
    rows = member.sum(axis=0)
    counts = member.T.astype(np.float32) @ blank  # (K, columns); exact below 2^24 rows
    skipped = counts == rows[:, None]
    for k in np.flatnonzero(skipped.any(axis=0) & ~skipped.all(axis=0)):
        out = skipped[:, k]
        share = counts[~out, k].sum() / rows[~out].sum()
        if _is_rule(share, rows[out].sum()):
            yield int(k), int(rows[out].sum()), ("in", levels[~out])


def _limits(codes: Floats, filled: NDArray[np.bool_]) -> Iterator[tuple[int, int, tuple[str, Floats]]]:
    """Rules of the sort "asked from 18 on" or "up to 65".

    Parameters
    ----------
    codes : of the column that may decide, shape (n,).
    filled : True where a column is not blank, shape (columns, n).
    """
    order = np.argsort(codes, kind="stable")[: np.count_nonzero(~np.isnan(codes))]
    ordered = filled[:, order]  # the first answer in a row is at the lowest code
    some = ordered.any(axis=1)
    lowest = np.where(some, codes[order[ordered.argmax(axis=1)]], np.inf)
    highest = np.where(some, codes[order[::-1][ordered[:, ::-1].argmax(axis=1)]], -np.inf)
    for sign, limits, end in ((">=", lowest, np.nanmin(codes)), ("<=", highest, np.nanmax(codes))):
        whole = np.isfinite(limits) & (limits == np.round(limits))  # people ask from 18 on, not from 3364.4 on
        for k in np.flatnonzero(whole & (limits != end)):
            out = (codes < limits[k]) if sign == ">=" else (codes > limits[k])
            share = 1 - filled[k, ~np.isnan(codes) & ~out].mean()
            if _is_rule(share, out.sum()):
                yield int(k), int(out.sum()), (sign, limits[[k]])


def _is_rule(share: float, skipped: int) -> bool:
    """Tell whether so many blank rows are no chance, blanks being so frequent elsewhere."""
    return share < 0.5 and skipped > 0 and max(share, 0.01) ** skipped < CHANCE


def _say(rule: tuple[str, Floats], survey: SurveyFile, j: int) -> str:
    """A rule as a condition says it, after the name of its column."""
    sign, values = rule
    column = survey.dataset.schema.columns[j]
    if types.is_numeric_dtype(survey.columns[column.name].typed.dtype):
        said = [f"{value:.15g}" for value in values]
    else:
        said = [repr(str(column.labels[float(value)])) for value in values]
    if sign != "in":
        return f"{sign} {said[0]}"
    return f"== {said[0]}" if len(said) == 1 else f"in [{', '.join(said)}]"
