"""A survey in somebody's own file: csv, Excel, Stata, SPSS, parquet or feather to a table of codes."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from datasets.condition import Condition
from datasets.errors import InputError
from datasets.files.columns import ReadColumn, read_column
from datasets.files.file_table import FileFacts, FileTable
from datasets.files.frame import to_codes
from datasets.files.numbers import find_notation
from datasets.files.readers import read_table
from datasets.files.rules import broken_checks, coded_checks, mark_not_asked
from datasets.files.schema_file import IGNORE, Entry, SchemaFile, header, missing_line, read_entries, read_schema
from datasets.files.sentinels import find_sentinels
from datasets.schema import Column, Floats, Kind, Role, Schema
from datasets.table import Dataset

DRIVERS = 4
DRIVER_LEVELS = 20  # of a nominal driver
COMMONEST = 0.95  # share of a driver's rows with one answer, at most
STATED = 'kind = "ignore"'
OTHERS = 'others = "ignore" in [file]'
NAMED = 5


@dataclass(frozen=True, eq=False)
class SurveyFile:
    """A file and the table of codes made from it.

    Parameters
    ----------
    path : the file.
    table : its cells as they stand.
    columns : its columns as numbers and answers, all of them, in order.
    typed : all cells, numbers as numbers, missing values missing.
    dataset : the columns that are used, as codes.
    ignored : names of the columns set aside, and why.
    notes : what was decided for the user, a sentence each, with the line of a schema file that changes it.
    sentinels : codes without a label that look as if they meant missing: column, line of a schema file, sentence.
    unwanted : those of the columns set aside that the schema file says to ignore.
    asked_if : name of a column to who was asked.
    checks : name of a column to what is to hold in every row.
    """

    path: Path
    table: FileTable
    columns: Mapping[str, ReadColumn]
    typed: pd.DataFrame
    dataset: Dataset
    ignored: Mapping[str, str]
    notes: tuple[str, ...]
    sentinels: tuple[tuple[str, str, str], ...]
    unwanted: frozenset[str] = frozenset()
    asked_if: Mapping[str, Condition] = field(default_factory=dict)
    checks: Mapping[str, Condition] = field(default_factory=dict)


def read_survey_file(path: Path, schema_path: Path | None = None, *, fewest: int = 2) -> SurveyFile:
    """Read a file, with what a schema file says of its columns and the rest inferred.

    What is missing is decided by `columns.read_column`, what a column is by `kinds.guess_column`. Set aside are
    columns that are empty or hold one value, dates, free text, identifiers, and columns that are or look like those of
    the survey's design. Unless the schema file gives a role to some column, complete columns become drivers: the first
    in the file, four at most, and no more than half.

    Parameters
    ----------
    path : the file.
    schema_path : the schema file; None infers all.
    fewest : answers that a column must have which the schema file says is used.

    Raises
    ------
    InputError
        If the file or the schema file cannot be used, or a column that is stated to be used has too few answers,
        holds infinities, or holds answers that are not on its scale.
    """
    stated = SchemaFile() if schema_path is None else read_schema(schema_path)
    table = read_table(path, stated.facts)
    with path.open("rb") as file:
        origin = {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    read = {name: read_column(name, table, stated.missing(name)) for name in table.cells}
    typed = pd.DataFrame({name: column.typed for name, column in read.items()}, copy=False)
    entries = read_entries(stated, typed, {name: column.guess for name, column in read.items()})
    design = _design_names(stated.facts)
    aside = design | dict.fromkeys(read.keys() - entries.keys() - design.keys() if stated.facts.others else (), OTHERS)
    used = {name: _chosen(name, column.guess, entries) for name, column in read.items() if name not in aside}
    ignored = _ignored(read, entries, aside)
    columns = [column for column in used.values() if column is not None]
    if not columns:
        said = "; ".join(f"{name}: {why}" for name, why in list(ignored.items())[:NAMED])
        raise InputError(
            f"{path}: all of its {len(read)} columns are ignored ({said}); give some a kind in a schema file"
        )
    for column in columns:
        _check_column(path, column, read[column.name], fewest)
    if not any(entry.has_role for entry in entries.values()):
        columns = _with_drivers(columns, read)
    schema = Schema(tuple(columns))
    checks = {name: entry.check for name, entry in entries.items() if entry.check is not None}
    schema = replace(schema, checks=coded_checks(checks.values(), schema, typed))
    values = to_codes(typed, schema)
    reasons = np.column_stack([read[name].reasons for name in schema.names])
    sentinels = _sentinels(schema, values, table)
    notes = _notes(table, read, stated, ignored, sentinels)
    asked_if = {name: entry.asked_if for name, entry in entries.items() if entry.asked_if is not None and name in used}
    notes += mark_not_asked(reasons, schema, asked_if, typed) + broken_checks(checks, typed)
    dataset = Dataset(path.stem, schema, values, reasons, **_design(path, stated.facts, typed), origin=origin)
    unwanted = frozenset(name for name in ignored if stated.tables.get(name, {}).get("kind") == IGNORE)
    return SurveyFile(
        path, table, read, typed, dataset, ignored, tuple(notes), sentinels, unwanted, asked_if=asked_if, checks=checks
    )


def _chosen(name: str, guess: Column | str, entries: Mapping[str, Entry]) -> Column | None:
    if name in entries:
        return entries[name].column
    return guess if isinstance(guess, Column) else None


def _ignored(read: Mapping[str, ReadColumn], entries: Mapping[str, Entry], aside: Mapping[str, str]) -> dict[str, str]:
    """Columns set aside, and why; for some it is known."""
    found = {}
    for name, column in read.items():
        if name in aside:
            found[name] = aside[name]
        elif _chosen(name, column.guess, entries) is None:
            found[name] = column.guess if isinstance(column.guess, str) else STATED
    return found


def _design_names(facts: FileFacts) -> dict[str, str]:
    """Columns of the survey's design, and what each is."""
    found = dict.fromkeys(facts.id, "id in [file]")
    return found | {
        getattr(facts, part): f"{part} in [file]" for part in ("weight", "strata", "psu") if getattr(facts, part)
    }


def _design(path: Path, facts: FileFacts, typed: pd.DataFrame) -> dict[str, Any]:
    """Weights, strata and primary sampling units, each (n,), as far as they are stated."""
    found: dict[str, Any] = {}
    for part, name in (("weights", facts.weight), ("strata", facts.strata), ("psu", facts.psu)):
        if not name:
            continue
        cells = typed[name]
        holes = int(cells.isna().sum())
        if holes or (part == "weights" and not types.is_numeric_dtype(cells.dtype)):
            found_so = f"{holes} holes" if holes else f"texts such as {cells.iloc[0]!r}"
            raise InputError(f"{path}: {part} are to be in {name!r}, which has {found_so}; drop those rows or the line")
        found[part] = cells.to_numpy(dtype=float) if types.is_numeric_dtype(cells.dtype) else pd.factorize(cells)[0]
    return found


def _check_column(path: Path, column: Column, read: ReadColumn, fewest: int) -> None:
    who, cells = f"{path}: column {column.name!r}", read.typed
    observed = read.observed
    if observed < fewest:
        remedy = f'write kind = "ignore" under {header(column.name)} in the schema file'
        found = "no observed value" if not observed else "one observed value"
        raise InputError(f"{who} has {found} in {len(cells)} rows, so nothing can be learned of it; {remedy}")
    if not types.is_numeric_dtype(cells.dtype):
        if column.kind is Kind.NUMERIC and observed:
            texts = cells.dropna().astype(str)
            wrong = texts[[find_notation([text.strip()]) is None for text in texts]]
            example = str((wrong if len(wrong) else texts).iloc[0])
            raise InputError(
                f"{who} is to be numeric, but holds {len(wrong)} texts such as {example!r}; make it nominal or "
                f"ordinal, or write {missing_line({example: 'unknown'})} under {header(column.name)}"
            )
        return
    infinite = int(np.isinf(cells.to_numpy(dtype=float, na_value=np.nan)).sum())
    if infinite:
        raise InputError(f"{who} holds {infinite} infinite values; make them missing")


def _with_drivers(columns: list[Column], read: Mapping[str, ReadColumn]) -> list[Column]:
    """Make drivers of complete columns, the first in the file; where none is complete, of those with the fewest holes.

    Free text, nominal columns with many levels and columns where nearly all say the same are passed over if there are
    others.
    """
    most = min(DRIVERS, len(columns) // 2)
    holes = {column.name: len(read[column.name].reasons) - read[column.name].observed for column in columns}
    ordered = sorted(columns, key=lambda column: holes[column.name])
    fit = (column.name for column in ordered if _can_drive(column, read[column.name].typed))
    several = (column.name for column in ordered if read[column.name].typed.nunique() > 1)
    drivers = list(islice(fit, most)) or list(islice(several, most))
    if drivers and not holes[drivers[0]]:
        drivers = [name for name in drivers if not holes[name]]
    return [replace(column, role=Role.DRIVER) if column.name in drivers else column for column in columns]


def _can_drive(column: Column, cells: pd.Series) -> bool:
    if column.kind is Kind.TEXT or (column.kind is Kind.NOMINAL and len(column.labels) > DRIVER_LEVELS):
        return False
    shares = cells.value_counts(normalize=True)
    return len(shares) > 1 and shares.iloc[0] <= COMMONEST


def _notes(
    table: FileTable,
    read: Mapping[str, ReadColumn],
    stated: SchemaFile,
    ignored: Mapping[str, str],
    sentinels: Iterable[tuple[str, str, str]],
) -> list[str]:
    """Everything that was decided for the user, once, with the line that changes it."""
    grouped: dict[tuple[str, str], list[str]] = {}
    design = _design_names(stated.facts)
    for name, column in read.items():
        said = stated.tables.get(name, {})
        if ignored.get(name) in (STATED, OTHERS) or name in design:
            continue
        for decision in column.decided:
            if decision.line.split(" =")[0] not in said:
                grouped.setdefault((decision.sentence, decision.line), []).append(name)
        if name in ignored and "kind" not in said:
            grouped.setdefault((f"set aside, {ignored[name]}", _line_to_use(ignored[name])), []).append(name)
    for name, line, sentence in sentinels:
        grouped.setdefault((sentence, line), []).append(name)
    notes = list(table.told)
    for (sentence, line), names in grouped.items():
        change = f"; to change it, write {line} under {header(names[0])}" if line else ""
        notes.append(f"{listed(names)}: {sentence}{change}")
    return notes


def _sentinels(schema: Schema, values: Floats, table: FileTable) -> tuple[tuple[str, str, str], ...]:
    """Codes without a label that look as if they meant missing: column, line of a schema file, sentence."""
    found = []
    labels = {} if table.labelled is None else table.labelled.labels
    for j, column in enumerate(schema):
        if column.kind is Kind.TEXT:
            continue
        sentinels = find_sentinels(values[:, j], labels.get(column.name, {})) if _codes_are_own(column) else {}
        if sentinels:
            line = f"missing = [{', '.join(f'{code:.15g}' for code in sentinels)}]"
            if column.missing:
                line = missing_line({**column.missing, **dict.fromkeys(sentinels, "unknown")})
            said = ", ".join(f"{code:.15g} ({count:,} cell{'s' * (count > 1)})" for code, count in sentinels.items())
            found.append((column.name, line, f"{said} far from all other values, taken as answers"))
    return tuple(found)


def listed(names: Iterable[str]) -> str:
    """Some names, and how many more there are."""
    names = list(names)
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _codes_are_own(column: Column) -> bool:
    """Tell whether the codes of a column are those of the file, not numbers that its texts were given."""
    return column.kind is Kind.NUMERIC or any(text == f"{code:.15g}" for code, text in column.labels.items())


def _line_to_use(why: str) -> str:
    """The line of a schema file that puts a column that was set aside to use; "" if there is none."""
    if why.startswith("looks like the survey's"):
        return f'role = "{why.split()[-1]}"'
    if why.startswith(("a box", "an identifier: another text")) or why.endswith("in all rows"):
        return "" if why.startswith("one observed") else 'kind = "nominal"'
    if why.startswith("an identifier"):
        return 'kind = "numeric"'
    return 'kind = "text"' if why.startswith("free text") else ""
