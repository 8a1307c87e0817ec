"""The schema file: what each column of a survey means, in TOML that a person can edit."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from datasets.errors import InputError
from datasets.schema import Column, Kind, Role, Schema

IGNORE = "ignore"
KEYS = {"kind": str, "role": str, "question": str, "levels": list, "labels": dict, "decimals": int}
LIMITS = ("low", "high")
HEADER = """\
# What each column means. Columns that are not named here are inferred.
# kind: "nominal", "ordinal", "numeric", "text" (free strings, for methods that read them), or "ignore" (left as it is).
# levels: the answers of a column of texts, lowest first. labels: code = "answer" for a column of codes.
# decimals, low, high: of numeric columns. role: "driver" (never hidden when benchmarking; missingness at
# random depends on it), "target" (reported by name) or "item".

"""


@dataclass(frozen=True)
class Entry:
    """What a schema file says of one column; no column means that it is ignored."""

    column: Column | None
    has_role: bool


def write_schema(schema: Schema, cells: pd.DataFrame, ignored: Iterable[str], path: Path) -> None:
    """Write what each column of a file was taken for, whole or not at all, to be edited and read again.

    Parameters
    ----------
    schema : of the columns that are used.
    cells : the table, numbers as numbers.
    ignored : names of the columns left out.
    path : the schema file; one that is there is replaced.
    """
    import tomli_w

    tables = {column.name: _table(column, cells[column.name]) for column in schema}
    tables |= {name: {"kind": IGNORE} for name in ignored}
    staged = path.with_name(path.name + ".part")
    staged.write_text(HEADER + tomli_w.dumps(tables), encoding="utf-8")
    staged.replace(path)


def read_schema(path: Path, cells: pd.DataFrame, guess: Mapping[str, Column | None]) -> dict[str, Entry]:
    """Read a schema file for a table; what it leaves out of a column is taken from the guess.

    Raises
    ------
    InputError
        If it is not TOML, or names a column, kind, role or key that there is not.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; `describe` writes a schema file to edit") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file ({error}); mend that place") from None
    absent = [name for name in tables if name not in cells]
    if absent:
        raise InputError(f"{path}: names columns {absent} that the data lack; they have {list(cells.columns)}")
    return {name: _entry(f"{path}: [{name}]", table, cells[name], guess[name]) for name, table in tables.items()}


def _table(column: Column, cells: pd.Series) -> dict[str, Any]:
    """Say a column in TOML; the answers of a column of texts are listed, codes are labelled."""
    table: dict[str, Any] = {"kind": str(column.kind), "role": str(column.role)}
    if column.question:
        table["question"] = column.question
    if column.labels and not types.is_numeric_dtype(cells.dtype):
        table["levels"] = list(column.labels.values())
    elif column.labels:
        table["labels"] = {f"{code:.15g}": text for code, text in column.labels.items()}
    facts = {"decimals": column.decimals, "low": column.low, "high": column.high}
    return table | {key: value for key, value in facts.items() if value is not None}


def _entry(who: str, table: object, cells: pd.Series, guess: Column | None) -> Entry:
    if not isinstance(table, dict):
        raise InputError(f'{who} is {table!r}; write [column] on a line and kind = "…" below it')
    for key, value in table.items():
        wanted = (int, float) if key in LIMITS else KEYS.get(key)
        if wanted is None:
            raise InputError(f"{who} has the key {key!r}; there are {', '.join((*KEYS, *LIMITS))}")
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise InputError(f"{who} {key} = {value!r} is of the wrong type; see the head of a written schema file")
    kind = table.get("kind", guess.kind if guess else IGNORE)
    if kind == IGNORE:
        return Entry(None, has_role=False)
    if kind not in list(Kind):
        raise InputError(f"{who} kind = {kind!r}; there are {', '.join([*Kind, IGNORE])}")
    role = table.get("role", Role.ITEM)
    if role not in list(Role):
        raise InputError(f"{who} role = {role!r}; there are {', '.join(Role)}")
    labels = {} if kind == Kind.NUMERIC else _labels(who, table, cells, guess)
    numbers = _numbers(table, guess) if kind == Kind.NUMERIC else {}
    question = table.get("question", guess.question if guess else "")
    column = Column(str(cells.name), Kind(kind), labels, question, **numbers, role=Role(role))
    return Entry(column, has_role="role" in table)


def _numbers(table: Mapping[str, Any], guess: Column | None) -> dict[str, Any]:
    """Decimals and limits, as stated or as guessed."""
    return {key: table.get(key, getattr(guess, key, None)) for key in ("decimals", *LIMITS)}


def _labels(who: str, table: Mapping[str, Any], cells: pd.Series, guess: Column | None) -> Mapping[float, str]:
    """Answers of a categorical column: as listed, as labelled, as guessed, or as found."""
    if "levels" in table:
        return {float(code): str(text) for code, text in enumerate(table["levels"], start=1)}
    if "labels" in table:
        try:
            return dict(sorted((float(code), str(text)) for code, text in table["labels"].items()))
        except ValueError:
            raise InputError(f"{who} labels = {list(table['labels'])}: codes must be numbers; use levels") from None
    if guess is not None and guess.labels:
        return guess.labels
    if types.is_numeric_dtype(cells.dtype):
        return {float(code): f"{code:.15g}" for code in np.unique(cells.dropna().astype(float))}
    return {float(code): text for code, text in enumerate(sorted({str(cell) for cell in cells.dropna()}), start=1)}
