"""Joining: results of one suite in several files become one page, e.g. a published board and a method of yours."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isclose, isnan
from typing import Any

from datasets.errors import InputError
from reports.facts import Manifest
from reports.results import COSTS, MASK, Record, collect

TELLING = ("column", "observed", "hidden", "bias")  # what a mask's card says of a column, and no other mask's does
DIGITS = 1e-6  # of what describes a mask: machines add numbers in another order


@dataclass(frozen=True, eq=False)
class Part:
    """What one file holds.

    Parameters
    ----------
    name : of the file.
    records : of its cells.
    manifest : what else its page is made of.
    """

    name: str
    records: Sequence[Record]
    manifest: Manifest


def join(parts: Sequence[Part]) -> tuple[list[Record], Manifest, list[str]]:
    """Put results of the same masks together; give records, manifest, and what was decided, in sentences.

    The first part sets what the page is about: its tables and masks. A method that has run on some of them alone gets
    no place, as if its other cells had been lost. Where two parts have done a cell, the first counts. Metrics that
    the first does not know are left out.

    Raises
    ------
    InputError
        If a part is of another suite, other data, other masks or other cells hidden, or scored by other metrics.
    """
    first, *others = parts
    manifest: Manifest = {**first.manifest}
    cells = {_key(cell): cell for cell in first.manifest["cells"]}
    records = {_place(record): record for record in first.records}
    said = []
    for part in others:
        _check(first, part)
        later = sorted(part.manifest["metrics"].keys() - first.manifest["metrics"].keys())
        if later:
            said.append(f"{', '.join(later)}: scored in {part.name} alone, and left out")
        own = {_place(record): _without(record, later) for record in part.records}
        done = {place for place, record in records.items() if record.status == "done"}
        said += _twice(part.name, own, {place: records[place] for place in done})
        records |= {place: record for place, record in own.items() if place not in done}
        cells |= {_key(cell): cell for cell in part.manifest["cells"] if _key(cell) not in done}
        manifest["imputers"] = {**part.manifest["imputers"], **manifest["imputers"]}
    manifest["cells"] = [*cells.values()]
    manifest["command"] = "; ".join(dict.fromkeys(part.manifest["command"] for part in parts))
    manifest["provenance"] = asdict(collect([*records.values()]))
    return [*records.values()], manifest, said


def _without(record: Record, metrics: Collection[str]) -> Record:
    return replace(
        record,
        scores=tuple(score for score in record.scores if score[0] not in metrics),
        influences=tuple(moves for moves in record.influences if moves[0] not in metrics),
    )


def _twice(name: str, own: Mapping[tuple, Record], before: Mapping[tuple, Record]) -> list[str]:
    """Say of which methods a part has cells that there were before, and whether their scores are the same."""
    both: dict[str, bool] = {}
    for place in own.keys() & before.keys():
        same = _alike(_scores(own[place]), _scores(before[place]))
        both[own[place].imputer] = both.get(own[place].imputer, True) and same
    return [
        f"{imputer}: also in {name}, with " + ("the same scores" if same else "other scores, which are left out")
        for imputer, same in sorted(both.items())
    ]


def _scores(record: Record) -> dict[str, float]:
    return {f"{metric} {column}": value for metric, column, value in record.scores if metric not in COSTS}


def _check(first: Part, part: Part) -> None:
    """Validate that two parts may stand on one page."""
    ours, theirs = first.manifest, part.manifest
    for name in ("suite", "page", "draws", "about"):
        if ours[name] != theirs[name]:
            raise InputError(
                f"{part.name} has another {name} than {first.name}: {_short(theirs[name])} and {_short(ours[name])}; "
                "give results of one suite, run with the same options but for --imputers"
            )
    for name, table in theirs["tables"].items():
        if table != ours["tables"].get(name):
            raise InputError(
                f"{part.name} has other data than {first.name} as {name}; run it on the same file and rows"
            )
    known = {_mask(card): card for card in ours["cards"]}
    for card in theirs["cards"]:
        if _mask(card) not in known:
            raise InputError(f"{part.name} has a mask that {first.name} has not, {_told(card)}; run without it")
        if not _alike(_hidden(card), _hidden(known[_mask(card)])):
            raise InputError(
                f"{part.name} and {first.name} hide other cells under {_told(card)}; give runs of one mask"
            )
    other = sorted(name for name, facts in theirs["metrics"].items() if ours["metrics"].get(name, facts) != facts)
    if other:
        raise InputError(
            f"{part.name} was scored by another version of {', '.join(other[:5])} than {first.name}; run it again with "
            "the version that made the other"
        )


def _alike(ours: Any, theirs: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    """Whether two parts of JSON are the same but for the last digits of numbers."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return isclose(ours, theirs, rel_tol=DIGITS, abs_tol=DIGITS) or (isnan(ours) and isnan(theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(_alike(ours[name], theirs[name]) for name in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_alike, ours, theirs))
    return bool(ours == theirs)


def _hidden(card: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a card is JSON
    return [{name: column[name] for name in TELLING} for column in card["columns"]]


def _mask(facts: Any) -> tuple:  # noqa: ANN401 - cards and cells
    return (facts["dataset"], *(facts[name] for name in MASK))


def _key(cell: Any) -> tuple:  # noqa: ANN401 - facts of a cell
    return (*_mask(cell), cell["imputer"])


def _place(record: Record) -> tuple:
    return (record.dataset, record.mechanism, record.rate, record.seed, record.imputer)


def _told(card: Any) -> str:  # noqa: ANN401 - a card is JSON
    return f"{card['mechanism']} {card['rate']:g}, seed {card['seed']}, of {card['dataset']}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
