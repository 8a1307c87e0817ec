"""Columns of a file: their cells as numbers or answers, which are missing and why, and what was decided about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from datasets.files.file_table import FileFacts, FileTable
from datasets.files.kinds import guess_column
from datasets.files.labelled import Labelled
from datasets.files.missing import (
    missing_among_numbers,
    missing_labels,
    missing_texts,
    reason_named,
    title,
    without_code,
)
from datasets.files.numbers import Notation, find_notation, open_ends
from datasets.schema import Column, Floats
from datasets.table import Reason

MOSTLY = 0.5


@dataclass(frozen=True)
class Decision:
    """Something decided about a column, and the line of a schema file that changes it."""

    sentence: str
    line: str


@dataclass(frozen=True, eq=False)
class ReadColumn:
    """One column of a file.

    Parameters
    ----------
    typed : shape (n,), numbers as numbers, other answers as they stand, missing values missing.
    reasons : `Reason` of each cell, shape (n,).
    guess : what it seems to be; a string says why it is set aside.
    notation : how its numbers are written, if they are texts.
    spelled : codes that are written in words, e.g. {89.0: "89 or older"}.
    decided : what was decided for the user.
    """

    typed: pd.Series
    reasons: NDArray[np.int8]
    guess: Column | str
    notation: Notation | None = None
    spelled: Mapping[float, str] = field(default_factory=dict)
    decided: tuple[Decision, ...] = ()

    @property
    def observed(self) -> int:
        """Number of cells that are not missing."""
        return int(np.count_nonzero(self.reasons == Reason.OBSERVED))


def read_column(name: str, table: FileTable, stated: Mapping[str, str] | None) -> ReadColumn:
    """Read one column.

    Parameters
    ----------
    name : of the column.
    table : the file.
    stated : codes and texts that the schema file says are missing, with their reasons, in place of all that labels and
        words would tell; None if it says nothing. Blanks and Stata's letters are missing in any case.
    """
    cells, labelled = table.cells[name], table.labelled
    if labelled is not None and name not in labelled.texts:
        return _coded(name, labelled, table.facts, stated)
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return _categories(name, cells, stated)
    if cells.dtype == object or types.is_string_dtype(cells.dtype):
        kind = types.infer_dtype(cells, skipna=True)
        if kind in ("string", "mixed-integer", "mixed-integer-float", "empty") or (kind == "mixed" and _scalars(cells)):
            return _texts(name, cells, table, stated)
    return _plain(name, cells, table.facts, stated)


def missing_key(text: str) -> float | str:
    """A code or text of a schema file's ``missing``: -9 for "-9"."""
    try:
        return float(text)
    except ValueError:
        return text


def _coded(name: str, labelled: Labelled, facts: FileFacts, stated: Mapping[str, str] | None) -> ReadColumn:
    """Codes of Stata or SPSS: missing are those declared so, else those whose labels read like a reason."""
    codes, reasons = labelled.split(name)
    labels, declared = dict(labelled.labels.get(name, {})), labelled.missing_labels.get(name, {})
    question = labelled.questions.get(name, "")
    raw = labelled.numbers(name)
    if labelled.is_date(name):
        return ReadColumn(pd.Series(codes), reasons, "dates")
    missing: dict[float | str, str] = {}
    decided = []
    for code in np.unique(raw[np.isnan(codes) & ~np.isnan(raw)]):
        words = without_code(declared.get(code, ""), float(code))
        missing[float(code)] = words or title(labelled.reason(name, float(code)))
    if stated is not None:
        reopened = ~np.isnan(raw)
        codes, reasons = np.where(reopened, raw, np.nan), np.where(reopened, Reason.OBSERVED, reasons).astype(np.int8)
        labels |= {float(code): text for code, text in declared.items() if not isinstance(code, str)}
        missing = {missing_key(text): words for text, words in stated.items()}
        _drop(codes, reasons, missing)
    elif not labelled.declares(name):
        found = missing_labels(labels)
        missing = {code: without_code(labels[code], code) for code in found}
        _drop(codes, reasons, missing)
        if found:
            said = ", ".join(f"{code:.15g} {missing[code]!r}" for code in found)
            decided.append(Decision(f"{said} mean{'s' * (len(found) == 1)} missing, as labelled", "missing = []"))
    else:
        decided += _undeclared(missing_labels(labels), labels, missing)
    if stated is None:
        _drop(codes, reasons, facts.missing_codes)
        missing |= {code: words for code, words in facts.missing_codes.items() if (raw == code).any()}
    labels = {code: labels[code] for code in sorted(labels.keys() - missing.keys())}
    typed = pd.Series(codes)
    guess = guess_column(name, typed, labels, question, labelled.levels.get(name, ""))
    return ReadColumn(typed, reasons, _with_missing(guess, missing), decided=tuple(decided))


def _undeclared(
    found: Mapping[float, Reason], labels: Mapping[float, str], missing: Mapping[float | str, str]
) -> list[Decision]:
    """Say which labels read like a reason, though the file declares others to be missing and not these."""
    if not found:
        return []
    said = ", ".join(f"{code:.15g} {labels[code]!r}" for code in found)
    codes = sorted([*found, *(code for code in missing if not isinstance(code, str))])
    are = "is an answer" if len(found) == 1 else "are answers"
    line = f"missing = [{', '.join(f'{code:.15g}' for code in codes)}]"
    return [Decision(f"{said} {are}, as the file declares other codes missing", line)]


def _drop(codes: Floats, reasons: NDArray[np.int8], missing: Mapping[float, str] | Mapping[float | str, str]) -> None:
    """Make codes missing where they stand."""
    for code, words in missing.items():
        if not isinstance(code, str):
            gone = codes == code
            codes[gone], reasons[gone] = np.nan, reason_named(words)


def _plain(name: str, cells: pd.Series, facts: FileFacts, stated: Mapping[str, str] | None) -> ReadColumn:
    """A column of numbers, truth values, dates or objects of parquet or Excel."""
    reasons = _blank(cells)
    if types.infer_dtype(cells, skipna=True) == "decimal":
        cells = cells.astype(float)
    if not types.is_numeric_dtype(cells.dtype) or types.is_bool_dtype(cells.dtype):
        return ReadColumn(cells, reasons, guess_column(name, cells, {}))
    missing = facts.missing_codes if stated is None else {missing_key(text): words for text, words in stated.items()}
    typed, found = cells.copy(), {}
    for code, words in missing.items():
        gone = (cells == code).fillna(False).to_numpy(dtype=bool) if not isinstance(code, str) else np.zeros(0, bool)
        if gone.any():
            reasons[gone], found[code] = reason_named(words), words
            typed = typed.mask(gone)
    return ReadColumn(typed, reasons, _with_missing(guess_column(name, typed, {}), found))


def _categories(name: str, cells: pd.Series, stated: Mapping[str, str] | None) -> ReadColumn:
    """Categories of parquet: those that read like a reason are missing."""
    texts = [str(level) for level in cells.dtype.categories]
    if stated is None:
        gone = missing_texts([text.strip() for text in texts])
    else:
        gone = {text: reason_named(words) for text, words in stated.items()}
    reasons = _blank(cells)
    names = cells.astype(object).map(str).str.strip().to_numpy()
    for text, reason in gone.items():
        reasons[(names == text) & cells.notna().to_numpy()] = reason
    dropped = [level for level, text in zip(cells.dtype.categories, texts, strict=True) if text.strip() in gone]
    typed = cells.cat.remove_categories(dropped)
    decided = () if stated is not None else _told_texts(gone)
    missing: dict[float | str, str] = {text: title(reason) for text, reason in gone.items()}
    return ReadColumn(typed, reasons, _with_missing(guess_column(name, typed, {}), missing), decided=decided)


def _texts(name: str, cells: pd.Series, table: FileTable, stated: Mapping[str, str] | None) -> ReadColumn:
    """Texts: a column whose answers are all numbers is one of numbers."""
    place, distinct = pd.factorize(cells)  # place -1 is a blank
    raw = [text if isinstance(text, str) else f"{text:.15g}" for text in distinct]
    texts = list(map(str.strip, raw))
    answers = list(filter(None, dict.fromkeys(texts)))
    decimal, thousands = table.facts.decimal or ".", table.facts.thousands
    gone = _gone(answers, table.facts, stated, decimal)
    if table.labelled is not None and stated is None:
        declared = {text.strip(): table.labelled.reason(name, text) for text in raw}
        gone |= {text: reason for text, reason in declared.items() if text and reason is not Reason.OBSERVED}
        if not table.labelled.declares(name):
            worded = missing_labels(table.labelled.labels.get(name, {}))
            gone |= {str(text).strip(): reason for text, reason in worded.items()}
    rest = [text for text in answers if text not in gone] if gone else answers
    notation = find_notation(rest, decimal, thousands)
    ends = open_ends(rest, decimal) if notation is None else None
    reason_of = np.full(len(texts) + 1, Reason.OBSERVED, dtype=np.int8)
    reason_of[-1] = Reason.UNKNOWN
    absent = gone | {"": Reason.UNKNOWN}
    for k in [k for k, text in enumerate(texts) if text in absent]:
        reason_of[k] = absent[texts[k]]
    reasons = reason_of[place]
    missing: dict[float | str, str] = {text: title(reason) for text, reason in gone.items()}
    decided = [] if stated is not None else list(_told_texts(gone))
    question = table.questions.get(name, "")
    if notation is None and ends is None:
        known = np.array([*raw, None], dtype=object)
        known[reason_of != Reason.OBSERVED] = None
        typed = pd.Series(known[place], cells.index, dtype=object, name=name)
        decided += _mostly_numbers(rest, reasons, np.array(texts, dtype=object), place, decimal)
        guess = guess_column(name, typed, {}, question)
        return ReadColumn(typed, reasons, _with_missing(guess, missing), decided=tuple(decided))
    spelled = {} if ends is None else {value: text for text, value in ends.items()}
    written = notation or Notation(decimal)
    numbers = [text for text in rest if text not in ends] if ends else rest
    value_of = dict(zip(numbers, written.values(numbers), strict=True)) | (ends or {})
    codes = np.array([*(value_of.get(text, np.nan) for text in texts), np.nan])[place]
    if stated is None:
        _drop(codes, reasons, table.facts.missing_codes)
        missing |= {code: words for code, words in table.facts.missing_codes.items() if code in value_of.values()}
    typed = pd.Series(codes, cells.index, name=name)
    guess = guess_column(name, typed, spelled, question, decimals=written.most_decimals(numbers))
    decided += _told_numbers(written, decimal, rest, ends or {})
    return ReadColumn(typed, reasons, _with_missing(guess, missing), written, spelled, tuple(decided))


def _gone(answers: list[str], facts: FileFacts, stated: Mapping[str, str] | None, decimal: str) -> dict[str, Reason]:
    """Texts that mean missing: those stated, else those recognised."""
    if stated is not None:
        wanted = {missing_key(text): reason_named(words) for text, words in stated.items()}
        plain = Notation(decimal)
        key_of = {text: plain.value(text) if plain.matches(text) else text for text in answers}
        return {text: wanted[key] for text, key in key_of.items() if key in wanted} | {
            text: reason_named(stated[text]) for text in answers if text in stated
        }
    if facts.missing_texts is not None:
        return {text: Reason.UNKNOWN for text in answers if text in facts.missing_texts}
    if find_notation(answers, decimal, facts.thousands):
        return {}
    among = missing_among_numbers(answers)
    rest = [text for text in answers if text not in among]
    if rest and (find_notation(rest, decimal, facts.thousands) or open_ends(rest, decimal)):
        return among
    return missing_texts(answers)


def _told_texts(gone: Mapping[str, Reason]) -> tuple[Decision, ...]:
    if not gone:
        return ()
    said = ", ".join(repr(text) for text in gone)
    return (Decision(f"{said} mean{'s' if len(gone) == 1 else ''} missing", "missing = []"),)


def _told_numbers(notation: Notation, decimal: str, rest: list[str], ends: Mapping[str, float]) -> list[Decision]:
    told = [Decision(f"{text!r} is read as {value:.15g}", 'kind = "nominal"') for text, value in ends.items()]
    if replace(notation, decimal=".").plain and notation.decimal == decimal:
        return told
    example = max(rest, key=len)
    return [
        *told,
        Decision(f"texts are read as numbers: {example!r} is {notation.value(example):.15g}", 'kind = "ignore"'),
    ]


def _mostly_numbers(
    rest: list[str], reasons: NDArray[np.int8], texts: NDArray, place: NDArray[np.intp], decimal: str
) -> list[Decision]:
    """Say so if most cells are numbers, and a few texts keep the column from being one of numbers."""
    plain = Notation(decimal)
    others = [text for text in rest if not plain.matches(text)]
    if not others or len(others) > 5 or len(rest) - len(others) < 2:
        return []
    observed = texts[place[(place >= 0) & (reasons == Reason.OBSERVED)]]
    count = int(np.isin(observed, others).sum())
    if count > MOSTLY * len(observed):
        return []
    said = ", ".join(repr(text) for text in others)
    listed = ", ".join(f'"{text}"' for text in others)
    return [
        Decision(
            f"{len(observed) - count} cells are numbers, {count} hold {said}: not numeric", f"missing = [{listed}]"
        )
    ]


def _with_missing(guess: Column | str, missing: Mapping[float | str, str]) -> Column | str:
    return guess if isinstance(guess, str) else replace(guess, missing=dict(missing))


def _scalars(cells: Iterable[object]) -> bool:
    return all(isinstance(value, str | int | float) or value is None for value in cells)


def _blank(cells: pd.Series) -> NDArray[np.int8]:
    return np.where(cells.isna(), Reason.UNKNOWN, Reason.OBSERVED).astype(np.int8)
