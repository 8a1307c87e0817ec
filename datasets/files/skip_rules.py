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
FIRST_ROWS = 32

Proposed = tuple[int, int, tuple[str, Floats]]  # place of the column among those with blanks, blanks explained, rule


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
    filled = ~blank[:, asked]
    for j in _drivers(dataset):
        codes = dataset.values[:, j]
        rules = _levels(codes, filled) if _few(codes) else _limits(codes, filled)
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


def _levels(codes: Floats, filled: NDArray[np.bool_]) -> Iterator[Proposed]:
    """Rules of the sort "asked if the answer is one of these"."""
    levels = np.unique(codes[~np.isnan(codes)])
    skipped = np.zeros((len(levels), filled.shape[1]), dtype=bool)
    for k, level in enumerate(levels):
        skipped[k, _all_blank(filled, codes == level)] = True
    for place in np.flatnonzero(skipped.any(axis=0) & ~skipped.all(axis=0)):
        out = skipped[:, place]
        asked = np.isin(codes, levels[~out])
        rows = np.count_nonzero(np.isin(codes, levels[out]))
        if _is_rule(1 - filled[asked, place].mean(), rows):
            yield int(place), rows, ("in", levels[~out])


def _limits(codes: Floats, filled: NDArray[np.bool_]) -> Iterator[Proposed]:
    """Rules of the sort "asked from 18 on" or "up to 65"."""
    known = ~np.isnan(codes)
    for sign, end in ((">=", np.nanmin(codes)), ("<=", np.nanmax(codes))):
        for place in _all_blank(filled, codes == end):  # others are asked at the end, and so from there on
            answered = codes[filled[:, place] & known]
            if not len(answered):
                continue
            limit = answered.min() if sign == ">=" else answered.max()
            out = (codes < limit) if sign == ">=" else (codes > limit)
            share = 1 - len(answered) / np.count_nonzero(known & ~out)
            if limit == np.round(limit) and _is_rule(share, out.sum()):  # people ask from 18 on, not from 3364.4 on
                yield int(place), int(out.sum()), (sign, np.array([limit]))


def _all_blank(filled: NDArray[np.bool_], rows: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Places of the columns that are blank in all of these rows (n,); the first few rows rule out most columns."""
    places, left, some = np.arange(filled.shape[1]), np.flatnonzero(rows), FIRST_ROWS
    while len(left) and len(places):
        places = places[~filled[np.ix_(left[:some], places)].any(axis=0)]
        left, some = left[some:], 4 * some
    return places


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
