"""Results: one record per cell on disk, one tidy table in memory."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from datasets.errors import InputError
from reports.folder import write_whole

MASK = ["mechanism", "rate", "seed"]
CELL = ["dataset", *MASK, "imputer"]
COLUMNS = ["dataset", "mechanism", "setting", "rate", "seed", "imputer"]
TABLE = "(table)"
LOST = ("failed", "unavailable")
COSTS = ("fit-seconds", "draw-seconds", "peak-memory-mb")
LONGEST = 2000  # characters of a message
UNFIT = ("Cc", "Cf", "Co", "Cs")  # categories of characters that no text needs


@dataclass(frozen=True)
class Provenance:
    """What computed a record: commit of the code, versions of the libraries and programs it used, and the machine."""

    commit: str = "unknown"
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: str = "unknown"


@dataclass(frozen=True)
class Record:
    """What became of one cell of the experiment.

    Parameters
    ----------
    dataset : title of the data, e.g. ``"toy (synthetic)"``.
    mechanism, rate, seed : the mask.
    imputer : name of the method.
    status : ``"done"``, ``"failed"``, or ``"unavailable"`` where the method lacks a program or weights here.
    message : of a failure: its kind in the first line, the full text below; of an unavailable method: what
        to do; empty if done.
    scores : (metric, column, value); column is ``"(table)"`` for a metric of the whole table. Cost comes
        as the metrics ``fit-seconds``, ``draw-seconds`` and ``peak-memory-mb``. Empty unless done.
    influences : (metric, column, numbers): how a score would move as each cluster of respondents gained weight, for the
        scores that know (see `metrics.metric.Measured`).
    setting : mechanism of which this one is a replicate, e.g. ``"fold"``; by default the mechanism itself.
    seconds : wall-clock time that the cell took, scoring included.
    provenance : what computed it.

    Raises
    ------
    InputError
        If status, message and scores do not fit, or a score stands twice.
    """

    dataset: str
    mechanism: str
    rate: float
    seed: int
    imputer: str
    status: str = "done"
    message: str = ""
    scores: tuple[tuple[str, str, float], ...] = ()
    setting: str = ""
    seconds: float = 0.0
    provenance: Provenance = field(default_factory=Provenance)
    influences: tuple[tuple[str, str, tuple[float, ...]], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "setting", self.setting or self.mechanism)
        who = f"record of {self.imputer} on {self.dataset}, {self.mechanism} {self.rate:g}, seed {self.seed}"
        if self.status not in ("done", *LOST):
            raise InputError(f"{who}: status is {self.status!r}; it must be done, failed or unavailable")
        if self.status in LOST and (self.scores or not self.message):
            raise InputError(
                f"{who} is {self.status}, so it must hold a message and no scores; it holds {len(self.scores)} scores"
            )
        if len({score[:2] for score in self.scores}) < len(self.scores):
            raise InputError(f"{who} gives a metric of a column twice; give each once")


def plain_message(text: str, end: str = "") -> str:
    """Text of others as every page and console can show it: at most 2,000 characters, no control characters.

    What has no place in a text (control, formatting and unpaired surrogate characters) becomes the replacement
    character.

    Parameters
    ----------
    end : what follows the text, and is never cut.
    """
    room = LONGEST - len(end)
    text = (text if len(text) <= room else text[: room - 2] + " …") + end
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in UNFIT else "\ufffd" for c in text)


def write_record(record: Record, path: Path) -> None:
    """Write a record as JSON with a checksum, whole or not at all.

    Floats are written with all their digits; inf and nan, which JSON has no number for, as text.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    fields = asdict(record)
    fields["scores"] = [
        [metric, column, value if abs(value) < float("inf") else str(value)] for metric, column, value in record.scores
    ]
    fields["sha256"] = _checksum(fields)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(fields, indent=1, allow_nan=False) + "\n").encode())


def _checksum(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def read_record(path: Path) -> Record:
    """Read a record back, equal to the one written.

    Raises
    ------
    InputError
        If the file cannot be read, is not a record, or has been changed since it was written.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields.pop("sha256", None) != _checksum(fields):
            raise ValueError("its checksum is wrong: it was changed since it was written")
        scores = tuple((metric, column, float(value)) for metric, column, value in fields.pop("scores"))
        provenance = Provenance(**fields.pop("provenance"))
        influences = tuple((metric, column, tuple(moves)) for metric, column, moves in fields.pop("influences"))
        return Record(**fields, scores=scores, provenance=provenance, influences=influences)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is not the record of a cell ({error}); delete it and run again") from error


def collect(records: Sequence[Record]) -> Provenance:
    """Provenance of several records as one; what differs among them stands side by side, e.g. ``"2.0.2, 2.1.0"``."""
    found = [record.provenance for record in records]
    names = sorted({name for own in found for name in own.versions})
    return Provenance(
        _together(own.commit for own in found),
        {name: _together(own.versions[name] for own in found if name in own.versions) for name in names},
        _together(own.machine for own in found),
    )


def tidy(records: Sequence[Record]) -> pd.DataFrame:
    """One row per cell × metric × column, of the cells that are done, in an order of its own.

    Columns: dataset, mechanism, setting, rate, seed, imputer, metric, column, value, and influence, an array or None.

    Raises
    ------
    InputError
        If a cell stands twice.
    """
    return as_scored(records).sort_values([*CELL, "metric", "column"], ignore_index=True)


def as_scored(records: Sequence[Record]) -> pd.DataFrame:
    """The rows of `tidy`, cells in order and the scores of each as they were given.

    Raises
    ------
    InputError
        If a cell stands twice.
    """
    _once(records)
    rows = [
        (*_cell(r), metric, column, float(value), moves.get((metric, column)))
        for r in sorted(records, key=_cell)
        for moves in ({(metric, column): np.array(numbers) for metric, column, numbers in r.influences},)
        for metric, column, value in r.scores
    ]
    types = {"rate": "float64", "seed": "int64", "value": "float64", "influence": "object"}
    return pd.DataFrame(rows, columns=[*COLUMNS, "metric", "column", "value", "influence"]).astype(types)


def lost(records: Sequence[Record]) -> pd.DataFrame:
    """One row per failed or unavailable cell: those of a cell as in `tidy`, status, message."""
    rows = [(*_cell(r), r.status, r.message) for r in records if r.status in LOST]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "status", "message"]).astype({"rate": "float64", "seed": "int64"})
    return table.sort_values(["imputer", *MASK], ignore_index=True)


def _cell(record: Record) -> tuple[str, str, str, float, int, str]:
    r = record
    return r.dataset, r.mechanism, r.setting, float(r.rate), int(r.seed), r.imputer


def _once(records: Sequence[Record]) -> None:
    seen = set()
    for cell in map(_cell, records):
        if cell in seen:
            raise InputError(f"cell {cell} has two records; keep one")
        seen.add(cell)


def _together(texts: Iterable[str]) -> str:
    return ", ".join(sorted(set(texts)))
