"""The schema file: what each column of a survey means, in TOML that a person can edit."""

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from datasets.condition import Condition
from datasets.errors import InputError
from datasets.files.columns import missing_key
from datasets.files.file_table import FileFacts
from datasets.files.numbers import decimals_of
from datasets.schema import Column, Kind, Role, Schema

IGNORE = "ignore"
FILE = "file"
NUMBER = (int, float)
KEYS: Mapping[str, type | tuple[type, ...]] = {
    "kind": str,
    "role": str,
    "question": str,
    "levels": list,
    "labels": dict,
    "missing": (list, dict),
    "asked_if": str,
    "check": str,
    "decimals": int,
    "low": NUMBER,
    "high": NUMBER,
}
FILE_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "missing_texts": list,
    "missing_codes": (list, dict),
    "decimal": str,
    "thousands": str,
    "encoding": str,
    "separator": str,
    "head_rows": int,
    "id": (str, list),
    "weight": str,
    "strata": str,
    "psu": str,
    "name": str,
    "others": str,
}
DESIGN = {"id": "id", "weight": "weight", "stratum": "strata", "psu": "psu"}  # role to the key of [file]
HEADER = """\
# What each column means. Columns that are not named here are inferred.
# kind: "nominal", "ordinal", "numeric", "text" (free strings, for methods that read them), or "ignore" (left as it is).
# levels: the answers of a column of texts, lowest first. labels: code = "answer" for a column of codes.
# decimals, low, high: of numeric columns. role: "driver" (never hidden when benchmarking; missingness at
# random depends on it), "target" (reported by name) or "item"; of a column of the survey's design, which is never
# imputed nor imputed from, "id", "weight", "stratum" or "psu".
# missing: codes or texts that mean missing, [-9, "n/a"] or { -9 = "refused", -8 = "don't know", -1 = "not asked" };
# what it does not list is an answer. asked_if: who was asked, e.g. "marital == 1 and age >= 18". check: what holds in
# every row, e.g. "age >= age_first_child"; draws keep it where they can.
# A section [file] may say: missing_texts, missing_codes, decimal, thousands, encoding, separator, head_rows, columns
# id, weight, strata, psu, name, the file that this was written for, and others = "ignore", which sets aside all columns
# that are not named here. A column called file needs a kind.

"""


@dataclass(frozen=True)
class SchemaFile:
    """A schema file as it stands.

    Parameters
    ----------
    path : where it is; None for none.
    tables : column name to what is said of it.
    facts : what is said of the file.
    """

    path: Path | None = None
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    facts: FileFacts = FileFacts()  # noqa: RUF009 - frozen

    def missing(self, name: str) -> dict[str, str] | None:
        """Codes and texts of a column that are said to be missing, and why; None if nothing is said."""
        stated = self.tables.get(name, {}).get("missing")
        return None if stated is None else _reasons(stated)


@dataclass(frozen=True)
class Entry:
    """What a schema file says of one column; no column means that it is ignored."""

    column: Column | None
    has_role: bool
    asked_if: Condition | None = None
    check: Condition | None = None


def read_schema(path: Path) -> SchemaFile:
    """Read a schema file, without looking at any data.

    Raises
    ------
    InputError
        If it is not TOML, or holds a key that there is not or a value of the wrong type.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; `describe` writes a schema file to edit") from None
    except (ValueError, RecursionError, OSError) as error:  # TOMLDecodeError, UnicodeDecodeError, integers too long
        raise InputError(f"{path}: not a TOML file ({error}); mend that place") from None
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise InputError(f'{path}: [{name}] is {table!r}; write [column] on a line and kind = "…" below it')
    is_file = "kind" not in tables.get(FILE, {})  # else it is a column of this name
    facts = _file_facts(f"{path}: [{FILE}]", tables.pop(FILE)) if is_file and FILE in tables else FileFacts()
    for name, table in tables.items():
        _check_keys(f"{path}: [{name}]", table, KEYS)
    return SchemaFile(path, *_with_roles(path, tables, facts))


def _with_roles(
    path: Path, tables: Mapping[str, Mapping[str, Any]], facts: FileFacts
) -> tuple[dict[str, Mapping[str, Any]], FileFacts]:
    """Put the columns that are given a role in the survey's design among the facts of the file."""
    found = {}
    for name, table in tables.items():
        part = DESIGN.get(table.get("role", ""))
        found[name] = table if part is None else {key: value for key, value in table.items() if key != "role"}
        if part == "id":
            facts = replace(facts, id=tuple(dict.fromkeys((*facts.id, name))))
        elif part is not None:
            other = getattr(facts, part)
            if other not in ("", name):
                raise InputError(f"{path}: [{name}] has role = {table['role']!r}, and so has {other!r}; choose one")
            stated: dict[str, Any] = {part: name}
            facts = replace(facts, **stated)
    return found, facts


def read_entries(stated: SchemaFile, cells: pd.DataFrame, guess: Mapping[str, Column | str]) -> dict[str, Entry]:
    """What a schema file says of the columns of a table; what it leaves out of a column is taken from the guess.

    Raises
    ------
    InputError
        If it names a column, kind or role that there is not, or says what cannot be.
    """
    design = (*stated.facts.id, stated.facts.weight, stated.facts.strata, stated.facts.psu)
    absent = [name for name in dict.fromkeys((*stated.tables, *design)) if name and name not in cells]
    if absent:
        raise InputError(f"{stated.path}: names columns {absent} that the data lack; they have {list(cells.columns)}")
    return {
        name: _entry(f"{stated.path}: [{name}]", table, cells[name], guess[name])
        for name, table in stated.tables.items()
    }


def write_schema(
    schema: Schema,
    cells: pd.DataFrame,
    ignored: Mapping[str, str],
    path: Path,
    facts: FileFacts = FileFacts(),  # noqa: B008 - frozen
    proposals: Mapping[str, Iterable[str]] | None = None,
    rules: Mapping[str, Mapping[str, Condition]] | None = None,
) -> None:
    """Write what each column of a file was taken for, whole or not at all, to be edited and read again.

    Parameters
    ----------
    schema : of the columns that are used.
    cells : the table, numbers as numbers.
    ignored : names of the columns left out, and why.
    path : the schema file; one that is there is replaced.
    facts : what was found out or stated about the file.
    proposals : column name to lines that a person might want to state; they are written as comments.
    rules : "asked_if" and "check" to the conditions of columns, by name.
    """
    import tomli_w

    tables = {column.name: _table(column, cells[column.name]) for column in schema}
    tables |= {name: {"kind": IGNORE} for name in ignored}
    for key, conditions in (rules or {}).items():
        for name, condition in conditions.items():
            tables[name][key] = condition.text
    about_file = {} if FILE in tables else _file_table(facts)
    parts = [tomli_w.dumps({FILE: about_file})] if about_file else []
    missing = {column.name: column.missing for column in schema if column.missing}
    for name, table in tables.items():
        head, *rest = tomli_w.dumps({name: table}).splitlines()
        why = [f"# {ignored[name]}"] if ignored.get(name) else []
        stated = [missing_line(missing[name])] if name in missing else []
        proposed = [f"# {line}" for line in (proposals or {}).get(name, ())]
        parts.append("\n".join([head, *why, *stated, *proposed, *rest, ""]))
    staged = path.with_name(path.name + ".part")
    try:
        staged.write_text(HEADER + "\n".join(parts), encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another with --schema") from None


def missing_line(missing: Mapping[Any, str]) -> str:
    """The line of a schema file that says what means missing: ``missing = { "-9" = "refused" }``."""
    keys = {f"{key:.15g}" if not isinstance(key, str) else key: words for key, words in missing.items()}
    return f"missing = {{ {', '.join(f'{quote(key)} = {quote(words)}' for key, words in keys.items())} }}"


def header(name: str) -> str:
    """A column's name as a schema file's section has it."""
    plain = name.replace("_", "").replace("-", "")
    return f"[{name}]" if plain.isalnum() and plain.isascii() else f"[{quote(name)}]"


def quote(text: str) -> str:
    """A text as TOML has it, between quotes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _check_keys(who: str, table: Mapping[str, Any], keys: Mapping[str, type | tuple[type, ...]]) -> None:
    for key, value in table.items():
        if key not in keys:
            raise InputError(f"{who} has the key {key!r}; there are {', '.join(keys)}")
        if not isinstance(value, keys[key]) or isinstance(value, bool):
            raise InputError(f"{who} {key} = {value!r:.60} is of the wrong type; see the head of a written schema file")
        if isinstance(value, NUMBER) and not _is_float(value):
            raise InputError(f"{who} {key} is no number that a computer holds; leave it out")


def _is_float(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _reasons(stated: Any) -> dict[str, str]:  # noqa: ANN401 - a list or a table of TOML
    """Codes and texts that mean missing, as texts, with their reasons in words."""
    if isinstance(stated, dict):
        return {key: str(words) for key, words in stated.items()}
    return {f"{value:.15g}" if isinstance(value, NUMBER) else str(value): "unknown" for value in stated}


def _file_facts(who: str, table: Mapping[str, Any]) -> FileFacts:
    _check_keys(who, table, FILE_KEYS)
    if table.get("decimal", ".") not in (".", ","):
        raise InputError(f'{who} decimal = {table["decimal"]!r}; it is "." or ","')
    if table.get("others", IGNORE) != IGNORE:
        raise InputError(f'{who} others = {table["others"]!r}; it is "ignore", or the line is left out')
    if len(table.get("separator", ",")) != 1:
        raise InputError(f"{who} separator = {table['separator']!r}; it is one sign, e.g. ';' or '\\t'")
    if table.get("head_rows", 1) < 1:
        raise InputError(f"{who} head_rows = {table['head_rows']}; the names are one row at least")
    codes = {missing_key(key): words for key, words in _reasons(table.get("missing_codes", [])).items()}
    texts = [key for key in codes if isinstance(key, str)]
    if texts:
        raise InputError(f"{who} missing_codes holds {texts}; codes are numbers, texts belong to missing_texts")
    names = table.get("id", [])
    return FileFacts(
        missing_texts=None if "missing_texts" not in table else tuple(map(str, table["missing_texts"])),
        missing_codes={code: words for code, words in codes.items() if not isinstance(code, str)},
        id=tuple(map(str, names)) if isinstance(names, list) else (names,),
        **{
            key: table[key] for key in FILE_KEYS if key in table and key not in ("missing_texts", "missing_codes", "id")
        },
    )


def _file_table(facts: FileFacts) -> dict[str, Any]:
    """What is worth saying of a file in TOML: what was stated, and what is not as usual."""
    table: dict[str, Any] = {"name": facts.name} if facts.name else {}
    if facts.missing_texts is not None:
        table["missing_texts"] = list(facts.missing_texts)
    if facts.missing_codes:
        table["missing_codes"] = {f"{code:.15g}": words for code, words in facts.missing_codes.items()}
    if facts.thousands is not None:
        table["thousands"] = facts.thousands
    usual = {"decimal": ("", "."), "encoding": ("", "utf-8", "utf-8-sig", "utf-16"), "separator": ("", ",", ";", "\t")}
    table |= {key: getattr(facts, key) for key, values in usual.items() if getattr(facts, key) not in values}
    if facts.head_rows not in (None, 1):
        table["head_rows"] = facts.head_rows
    if facts.id:
        table["id"] = list(facts.id)
    return table | {key: getattr(facts, key) for key in ("weight", "strata", "psu", "others") if getattr(facts, key)}


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


def _entry(who: str, table: Mapping[str, Any], cells: pd.Series, guess: Column | str) -> Entry:
    known = guess if isinstance(guess, Column) else None
    asked, check = (Condition(table[key]) if key in table else None for key in ("asked_if", "check"))
    kind = table.get("kind", known.kind if known else IGNORE)
    if kind == IGNORE:
        return Entry(None, has_role=False, check=check)
    if kind not in list(Kind):
        raise InputError(f"{who} kind = {kind!r}; there are {', '.join([*Kind, IGNORE])}")
    role = table.get("role", Role.ITEM)
    if role not in list(Role):
        raise InputError(f"{who} role = {role!r}; there are {', '.join([*Role, *DESIGN])}")
    labels = {} if kind == Kind.NUMERIC else _labels(who, table, cells, known)
    question = table.get("question", known.question if known else "")
    missing = known.missing if known else {}
    try:
        column = Column(str(cells.name), Kind(kind), labels, question, role=Role(role), missing=missing)
        if kind == Kind.NUMERIC:
            column = replace(column, **_numbers(table, cells, known))
    except InputError as error:
        raise InputError(f"{who}: {error}") from None
    return Entry(column, "role" in table, asked, check)


def _numbers(table: Mapping[str, Any], cells: pd.Series, guess: Column | None) -> dict[str, Any]:
    """Decimals and limits, as stated, as guessed, or as observed."""
    found: dict[str, Any] = {"decimals": None, "low": None, "high": None}
    if guess is not None and guess.kind is Kind.NUMERIC:
        found = {key: getattr(guess, key) for key in found}
    elif types.is_numeric_dtype(cells.dtype):
        values = cells.to_numpy(dtype=float, na_value=np.nan)
        values = values[np.isfinite(values)]
        if len(values):
            found = {"decimals": decimals_of(values), "low": float(values.min()), "high": float(values.max())}
    return {key: table.get(key, value) for key, value in found.items()}


def _labels(who: str, table: Mapping[str, Any], cells: pd.Series, guess: Column | None) -> Mapping[float, str]:
    """Answers of a categorical column: as listed, as labelled, as guessed, or as found."""
    if "levels" in table:
        if any(not isinstance(text, str) for text in table["levels"]):
            raise InputError(f"{who} levels = {table['levels']!r:.60}: answers are texts; put each in quotes")
        return {float(code): text for code, text in enumerate(table["levels"], start=1)}
    if "labels" in table:
        try:
            labels = {float(code): text for code, text in table["labels"].items()}
        except ValueError:
            raise InputError(f"{who} labels = {list(table['labels'])}: codes must be numbers; use levels") from None
        if len(labels) < len(table["labels"]) or not all(map(math.isfinite, labels)):
            raise InputError(f"{who} labels = {list(table['labels'])}: codes must be numbers, each once")
        if any(not isinstance(text, str | int | float) for text in labels.values()):
            raise InputError(f"{who} labels: answers are texts; put each in quotes")
        return {code: str(labels[code]) for code in sorted(labels)}
    if guess is not None and guess.labels:
        return guess.labels
    if types.is_numeric_dtype(cells.dtype):
        return {float(code): f"{code:.15g}" for code in np.unique(cells.dropna().astype(float))}
    return {float(code): text for code, text in enumerate(sorted({str(cell) for cell in cells.dropna()}), start=1)}
