"""The account of an imputed file: which holes were filled, which were left, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.consistency import Check, count_broken
from datasets.files.schema_file import header
from datasets.files.survey_file import SurveyFile
from datasets.schema import Floats
from datasets.table import Reason

SHOWN = 20
GUESSED = ("free text", "an identifier")  # set aside by their looks, though a method could fill them


@dataclass(frozen=True)
class SetAside:
    """A column that was not imputed: the holes that it keeps, those among them known as not asked, and why."""

    holes: int
    not_asked: int
    why: str


@dataclass(frozen=True)
class Account:
    """What became of every hole of a file, by column; columns without holes are left out.

    Parameters
    ----------
    filled, not_asked : name to holes filled, and to holes left because the question was not asked.
    set_aside : name to what is left of a column that was not imputed, also where it has no holes.
    in_doubt : columns that keep holes only because they look like free text or identifiers, which nobody stated.
    by_filter : name to holes that a draw leaves empty, as the filled answer to its filter says it was not asked; mean
        over draws. Those among `filled` that are filled in other draws.
    checks : name of a column to what became of the check that stands with it.
    """

    filled: Mapping[str, int]
    not_asked: Mapping[str, int]
    set_aside: Mapping[str, SetAside]
    in_doubt: tuple[str, ...]
    by_filter: Mapping[str, float]
    checks: Mapping[str, Check]

    def sentences(self) -> list[str]:
        """Say it in words, a sentence for filled, left and set aside each, and one on what is in doubt."""
        said = [f"filled: {_counted(self.filled)}"]
        if self.not_asked:
            said.append(f"left, not asked: {_counted(self.not_asked)}; --fill-not-asked fills them")
        if self.by_filter:
            columns = [f"{name}: {holes:,.1f}" for name, holes in self.by_filter.items()]
            said.append(
                f"left in a draw, as a filled answer to asked_if says not asked: {_first(columns)} holes a draw; "
                "--fill-not-asked fills them"
            )
        said += [_check(check) for check in self.checks.values()]
        if self.set_aside:
            total = sum(aside.holes for aside in self.set_aside.values())
            most = sorted(self.set_aside.items(), key=lambda found: -found[1].holes)
            asides = [f"{name}: {aside.holes:,}, {aside.why}" for name, aside in most]
            said.append(f"left, set aside: {_total(total)} ({_first(asides, '; ')})")
        if self.in_doubt:
            said.append(
                f"not all was done: {_first(self.in_doubt)} could be filled; write a kind under "
                f'{header(self.in_doubt[0])} in a schema file, or kind = "ignore" if it is to stay as it is'
            )
        return said

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "filled": {"holes": sum(self.filled.values()), "columns": dict(self.filled)},
            "left_not_asked": {"holes": sum(self.not_asked.values()), "columns": dict(self.not_asked)},
            "set_aside": {name: asdict(aside) for name, aside in self.set_aside.items()},
            "in_doubt": list(self.in_doubt),
            "left_by_filter_a_draw": dict(self.by_filter),
            "checks": {name: asdict(check) for name, check in self.checks.items()},
        }


def account_for(survey: SurveyFile, filled: NDArray[np.bool_], draws: Sequence[Floats]) -> Account:
    """Count what became of the holes of a file.

    Parameters
    ----------
    survey : the file.
    filled : shape (n, p), True where a hole of the used columns was filled in some draw.
    draws : the completed tables, each (n, p).
    """
    empty = np.mean([(np.isnan(X) & filled).sum(axis=0) for X in draws], axis=0)
    names = survey.dataset.schema.names
    left = np.isnan(survey.dataset.values) & ~filled
    aside = {}
    for name, why in survey.ignored.items():
        reasons = survey.columns[name].reasons
        aside[name] = SetAside(int((reasons != Reason.OBSERVED).sum()), int((reasons == Reason.NOT_ASKED).sum()), why)
    doubted = [name for name, found in aside.items() if found.holes > found.not_asked and found.why.startswith(GUESSED)]
    in_doubt = tuple(name for name in doubted if name not in survey.unwanted)
    by_filter = {name: float(holes) for name, holes in zip(names, empty, strict=True) if holes}
    counted = _by_column(names, filled), _by_column(names, left)
    return Account(*counted, aside, in_doubt, by_filter, count_broken(survey, draws))


def _check(check: Check) -> str:
    share = f" ({check.broken / check.decided:.1%})" if check.decided else ""
    return (
        f"check {check.text}: {check.answered:,} rows break it as answered; of {check.decided:,.1f} rows a draw that "
        f"fills decide, {check.broken:,.1f}{share} do" + ("; look at these rows" if check.broken else "")
    )


def _by_column(names: list[str], cells: NDArray[np.bool_]) -> dict[str, int]:
    return {name: int(count) for name, count in zip(names, cells.sum(axis=0), strict=True) if count}


def _counted(holes: Mapping[str, int]) -> str:
    columns = [f"{name}: {count:,}" for name, count in holes.items()]
    return _total(sum(holes.values())) + (f" ({_first(columns)})" if columns else "")


def _total(holes: int) -> str:
    return f"{holes:,} hole{'' if holes == 1 else 's'}"


def _first(texts: Iterable[str], between: str = ", ") -> str:
    texts = list(texts)
    more = len(texts) - SHOWN
    return between.join(texts[:SHOWN]) + (f"{between}and {more:,} more, see report.json" if more > 0 else "")
