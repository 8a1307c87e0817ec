"""Stata and SPSS files: codes, their labels, and the reason of every missing cell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.files.scales import reads_like_scale
from datasets.schema import Column, Floats, Kind
from datasets.table import Reason

FEW_LEVELS = 10
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
WORDED_REASONS = {
    Reason.NOT_ASKED: ("not asked", "inapplicable", "not applicable", "iap"),
    Reason.DONT_KNOW: ("don't know", "dont know", "can't choose", "cannot choose"),
    Reason.REFUSED: ("refused", "refusal"),
    Reason.SKIPPED: ("skip",),
    Reason.NOT_AVAILABLE: ("not available",),
    Reason.NO_ANSWER: ("no answer", "no response"),
}


@dataclass(frozen=True, eq=False)
class Labelled:
    """A Stata or SPSS file as read.

    Parameters
    ----------
    frame : the cells as they stand in the file, user-defined missing values included.
    labels : column name to the label of each code, missing codes left out, ascending.
    questions : column name to its label in the file.
    missing : column name to its user-defined missing values, as pyreadstat states and takes them.
    missing_labels : column name to the labels of those.
    texts : names of the columns that hold text rather than codes.
    """

    frame: pd.DataFrame
    labels: Mapping[str, dict[float, str]]
    questions: Mapping[str, str]
    missing: Mapping[str, list[Any]] = field(default_factory=dict)
    missing_labels: Mapping[str, dict[Any, str]] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()

    def split(self, name: str) -> tuple[Floats, NDArray[np.int8]]:
        """Codes of a column (n,), NaN where missing, and the `Reason` of each cell (n,)."""
        place, distinct = pd.factorize(self.frame[name].to_numpy(dtype=object))  # place -1 is a blank
        reason_of = [*(self._reason(name, value) for value in distinct), Reason.UNKNOWN]
        code_of = [
            value if reason is Reason.OBSERVED else np.nan for value, reason in zip(distinct, reason_of, strict=False)
        ]
        return np.array([*code_of, np.nan], dtype=float)[place], np.array(reason_of, dtype=np.int8)[place]

    def _reason(self, name: str, value: float | str) -> Reason:
        """Tell why a value of a column is missing, if it is."""
        if isinstance(value, str):
            return STATA_REASONS.get(value, Reason.UNKNOWN)
        if _is_missing(value, self.missing.get(name, [])):
            return _worded_reason(self.missing_labels.get(name, {}).get(value, ""))
        return Reason.OBSERVED


def read_stata(path: Path, names: Sequence[str] | None = None, rows: range | None = None) -> Labelled:
    """Read a Stata file, or some columns and neighbouring rows of it, with its missing values .a to .z.

    Raises
    ------
    InputError
        If the file is not Stata's, or lacks a column.
    """
    import pyreadstat

    if names is not None:
        require_columns(path, names)
    columns = None if names is None else list(names)
    span = range(0) if rows is None else rows  # a length of 0 means all
    with _readable(path, "Stata"):
        frame, meta = pyreadstat.read_dta(
            path, usecols=columns, user_missing=True, row_offset=span.start, row_limit=len(span)
        )
    return _labelled(frame, meta, meta.missing_user_values or {})


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
    import pyreadstat

    with _readable(path, "Stata"):
        return list(pyreadstat.read_dta(path, metadataonly=True)[1].column_names)


def read_spss(path: Path) -> Labelled:
    """Read an SPSS file with its user-defined missing values.

    Raises
    ------
    InputError
        If the file is not SPSS's.
    """
    import pyreadstat

    with _readable(path, "SPSS"):
        frame, meta = pyreadstat.read_sav(path, user_missing=True)
    return _labelled(frame, meta, meta.missing_ranges or {})


def labelled_column(name: str, codes: Floats, labels: Mapping[float, str], question: str = "") -> Column:
    """Infer a column from codes (n,) and their labels in the file.

    With at least half of the codes that occur labelled, the column is categorical: ordinal if it has
    three levels or more and they read like a scale (`scales.reads_like_scale`), else nominal. With
    fewer labels, they only mark ends ("8 or more"): the column is numeric, or ordinal if it holds at
    most ten different whole numbers.
    """
    seen = np.unique(codes[~np.isnan(codes)])
    whole = bool((seen == np.round(seen)).all())
    labelled = np.isin(seen, list(labels)).mean() if len(seen) else float(bool(labels))
    if labelled < 0.5 and not (whole and 0 < len(seen) <= FEW_LEVELS):
        return Column(name, Kind.NUMERIC, question=question, decimals=0 if whole else None)
    levels = unique_labels(
        {float(code): labels.get(code, f"{code:.15g}") for code in sorted({*labels, *seen.tolist()})}
    )
    scale = labelled < 0.5 or reads_like_scale(list(levels.values()))
    return Column(name, Kind.ORDINAL if scale and len(levels) > 2 else Kind.NOMINAL, levels, question)


def unique_labels(labels: Mapping[float, str]) -> dict[float, str]:
    """Add the code to labels that several codes share, so that text and code stay each other's inverse."""
    texts = list(labels.values())
    return {code: f"{text} ({code:.15g})" if texts.count(text) > 1 else text for code, text in labels.items()}


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    """Say in a sentence that a file is not of its kind."""
    import pyreadstat

    try:
        yield
    except (pyreadstat.ReadstatError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a {kind} file ({error}); give a whole file of that kind") from None


def _labelled(frame: pd.DataFrame, meta: Any, missing: Mapping[str, list[Any]]) -> Labelled:  # noqa: ANN401
    """Sort the labels of a file into those of answers and those of missing values."""
    labels: dict[str, dict[float, str]] = {}
    missing_labels: dict[str, dict[Any, str]] = {}
    for name, by_code in meta.variable_value_labels.items():
        if name not in frame:
            continue
        gone = {code: text for code, text in by_code.items() if _is_missing(code, missing.get(name, []))}
        missing_labels[name] = gone
        labels[name] = {float(code): by_code[code] for code in sorted(by_code.keys() - gone.keys())}
    texts = frozenset(name for name in frame if meta.readstat_variable_types.get(name) == "string")
    questions = {name: text for name, text in meta.column_names_to_labels.items() if name in frame and text}
    return Labelled(frame, labels, questions, missing, missing_labels, texts)


def _is_missing(code: float | str, missing: Iterable[Any]) -> bool:
    """Tell whether a code is user-defined as missing: a letter of Stata's, or in a range of SPSS's."""
    if isinstance(code, str):
        return True
    numbers = [value for value in missing if not isinstance(value, str)]
    ends = [(value["lo"], value["hi"]) if isinstance(value, Mapping) else (value, value) for value in numbers]
    return any(low <= code <= high for low, high in ends)


def _worded_reason(label: str) -> Reason:
    text = label.lower()
    found = [reason for reason, words in WORDED_REASONS.items() if any(word in text for word in words)]
    return found[0] if found else Reason.UNKNOWN
