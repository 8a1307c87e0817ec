"""Stata and SPSS files: codes, their labels, the reason of every missing cell, and what else the file says."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.files.limited import Part, read_labelled_file
from datasets.files.missing import worded_reason
from datasets.schema import Floats
from datasets.table import Reason

STATA_REASONS = {
    "d": Reason.DONT_KNOW,
    "i": Reason.NOT_ASKED,
    "j": Reason.NOT_ASKED,  # NORC: the question supposes a job, and there is none
    "n": Reason.NO_ANSWER,
    "r": Reason.REFUSED,
    "s": Reason.SKIPPED,
    "x": Reason.NOT_AVAILABLE,
    "y": Reason.NOT_AVAILABLE,
}
DATE_FORMAT = re.compile(
    r"%-?\d*(t[cCdwmqhyb]|d)|(A|E|J|S)?DATE\d|(QYR|MOYR|WKYR|DATETIME|YMDHMS|TIME|DTIME|MTIME)\d", re.IGNORECASE
)


@dataclass(frozen=True, eq=False)
class Labelled:
    """A Stata or SPSS file as read.

    Parameters
    ----------
    frame : the cells as they stand in the file, user-defined missing values included, dates as numbers.
    labels : column name to the label of each code, missing codes left out, ascending.
    questions : column name to its label in the file.
    missing : column name to its user-defined missing values, as pyreadstat states and takes them.
    missing_labels : column name to the labels of those.
    texts : names of the columns that hold text rather than codes.
    levels : column name to "nominal", "ordinal" or "scale", where the file states it.
    formats : column name to its display format, e.g. "%8.0g", "DATE11".
    storage : column name to how it is stored, e.g. "int8", "double".
    widths : column name to the width it is shown with.
    sets : column name to the name of its set of labels, which columns may share.
    title, remarks : label and notes of the file.
    encoding : the encoding that was tried second and worked; "" if the file is in its own.
    """

    frame: pd.DataFrame
    labels: Mapping[str, dict[Any, str]]
    questions: Mapping[str, str]
    missing: Mapping[str, list[Any]] = field(default_factory=dict)
    missing_labels: Mapping[str, dict[Any, str]] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    levels: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    storage: Mapping[str, str] = field(default_factory=dict)
    widths: Mapping[str, int] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    remarks: tuple[str, ...] = ()
    encoding: str = ""

    def split(self, name: str) -> tuple[Floats, NDArray[np.int8]]:
        """Codes of a column (n,), NaN where missing, and the `Reason` of each cell (n,)."""
        cells = self.frame[name]
        if cells.dtype != object and not self.missing.get(name):
            codes = cells.to_numpy(dtype=float, copy=True)
            return codes, np.where(np.isnan(codes), Reason.UNKNOWN, Reason.OBSERVED).astype(np.int8)
        place, distinct = pd.factorize(cells.to_numpy(dtype=object))  # place -1 is a blank
        reason_of = [*(self.reason(name, value) for value in distinct), Reason.UNKNOWN]
        code_of = [
            value if reason is Reason.OBSERVED else np.nan for value, reason in zip(distinct, reason_of, strict=False)
        ]
        return np.array([*code_of, np.nan], dtype=float)[place], np.array(reason_of, dtype=np.int8)[place]

    def numbers(self, name: str) -> Floats:
        """Numbers of a column as they stand (n,), also those that are user-defined as missing; NaN for letters."""
        cells = self.frame[name]
        if cells.dtype != object:
            return cells.to_numpy(dtype=float, copy=True)
        place, distinct = pd.factorize(cells.to_numpy(dtype=object))
        return np.array([*(np.nan if isinstance(value, str) else value for value in distinct), np.nan], float)[place]

    def reason(self, name: str, value: float | str) -> Reason:
        """Tell why a value of a column is missing, if it is.

        A letter of Stata's means what its label says, and without a label what it means to most who use it. A column of
        texts has a missing value where it is blank or holds a text that SPSS was told of.
        """
        label = self.missing_labels.get(name, {}).get(value, "")
        if name in self.texts:
            if not str(value).strip():
                return Reason.UNKNOWN
            return _reason(label) if is_declared(value, self.missing.get(name, [])) else Reason.OBSERVED
        if isinstance(value, str):
            return _reason(label) if label else STATA_REASONS.get(value, Reason.UNKNOWN)
        return _reason(label) if is_declared(value, self.missing.get(name, [])) else Reason.OBSERVED

    def is_date(self, name: str) -> bool:
        """Tell whether the numbers of a column are shown as dates or times."""
        return bool(DATE_FORMAT.match(self.formats.get(name, "")))

    def declares(self, name: str) -> bool:
        """Tell whether the file itself says which codes or texts of a column are missing, as SPSS does."""
        return any(not isinstance(stated, str) for stated in self.missing.get(name, []))


def read_stata(
    path: Path, names: Sequence[str] | None = None, rows: range | None = None, encoding: str = ""
) -> Labelled:
    """Read a Stata file, or some columns and neighbouring rows of it, with its missing values .a to .z.

    Raises
    ------
    InputError
        If the file is not Stata's, or lacks a column.
    """
    frame, meta, found = read_labelled_file(path, ".dta", encoding, Part(names, rows))
    return _labelled(frame, meta, meta.missing_user_values or {}, found)


def require_columns(path: Path, names: Iterable[str]) -> None:
    """Validate that a Stata file has these columns.

    Raises
    ------
    InputError
        If the file is not Stata's, or lacks a column.
    """
    known = set(column_names(path))
    absent = [name for name in names if name not in known]
    if absent:
        raise InputError(f"{path}: the file lacks the columns {absent}; it is not the file this needs")


def column_names(path: Path) -> list[str]:
    """Names of the columns of a Stata file.

    Raises
    ------
    InputError
        If the file is not Stata's.
    """
    return list(read_labelled_file(path, ".dta", "", Part(heading=True))[0])


def read_spss(path: Path, encoding: str = "") -> Labelled:
    """Read an SPSS file, .sav or .zsav, with its user-defined missing values.

    Raises
    ------
    InputError
        If the file is not SPSS's.
    """
    frame, meta, found = read_labelled_file(
        path, ".zsav" if path.suffix.lower() == ".zsav" else ".sav", encoding, Part()
    )
    return _labelled(frame, meta, meta.missing_ranges or {}, found)


def unique_labels(labels: Mapping[float, str]) -> dict[float, str]:
    """Add the code to labels that several codes share, so that text and code stay each other's inverse."""
    texts = list(labels.values())
    return {code: f"{text} ({code:.15g})" if texts.count(text) > 1 else text for code, text in labels.items()}


def is_declared(value: float | str, missing: Iterable[Any]) -> bool:
    """Tell whether a value is user-defined as missing: a letter of Stata's, or a text or in a range of SPSS's."""
    for stated in missing:
        low, high = (stated["lo"], stated["hi"]) if isinstance(stated, Mapping) else (stated, stated)
        if isinstance(value, str) != isinstance(low, str):
            continue
        if isinstance(value, str) and value.rstrip() == str(low).rstrip():
            return True
        if not isinstance(value, str) and low <= value <= high:
            return True
    return False


def _labelled(frame: pd.DataFrame, meta: Any, missing: Mapping[str, list[Any]], encoding: str) -> Labelled:  # noqa: ANN401
    """Sort the labels of a file into those of answers and those of missing values."""
    texts = frozenset(name for name in frame if meta.readstat_variable_types.get(name) == "string")
    labels: dict[str, dict[Any, str]] = {}
    missing_labels: dict[str, dict[Any, str]] = {}
    for name, by_code in meta.variable_value_labels.items():
        if name not in frame:
            continue
        declared = missing.get(name, [])
        letters = set() if name in texts else {code for code in by_code if isinstance(code, str)}
        gone = letters | {code for code in by_code if code not in letters and is_declared(code, declared)}
        missing_labels[name] = {code: text for code, text in by_code.items() if code in gone}
        kept = sorted(by_code.keys() - gone)
        labels[name] = {code if name in texts else float(code): by_code[code] for code in kept}
    return Labelled(
        frame,
        labels,
        {name: text for name, text in meta.column_names_to_labels.items() if name in frame and text},
        missing,
        missing_labels,
        texts,
        {name: level for name, level in meta.variable_measure.items() if level in ("nominal", "ordinal", "scale")},
        {name: text for name, text in meta.original_variable_types.items() if text},
        meta.readstat_variable_types,
        meta.variable_display_width,
        meta.variable_to_label,
        meta.file_label or "",
        tuple(meta.notes or ()),
        encoding,
    )


def _reason(label: str) -> Reason:
    return worded_reason(label) or Reason.UNKNOWN
