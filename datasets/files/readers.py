"""Reading somebody's table: its cells as they stand, typed, and a first guess of what each column means."""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from datasets.errors import InputError
from datasets.files.frame import infer_column
from datasets.files.labelled import Labelled, labelled_column, read_spss, read_stata
from datasets.schema import Column, Kind
from datasets.table import Reason

MISSING_TEXTS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", ".")
MANY_TEXTS = 50
NUMBER = re.compile(  # "007" is no number but a name made of digits
    r"\s*[+-]?((0|[1-9]\d*)(\.(?P<decimals>\d*))?|\.(?P<bare>\d+)|inf(inity)?)(e[+-]?\d+)?\s*", re.IGNORECASE
)
DATES = {"date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period"}


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as it was found.

    Parameters
    ----------
    original : its cells as they stand: texts for csv, codes and missing letters for Stata.
    typed : the same with numbers as numbers and missing values missing.
    reasons : `Reason` per cell, shape of the table.
    guess : column name to what it seems to be; None if it is no question (a date, an identifier, free text).
    labelled : labels and missing values of a Stata or SPSS file, else None.
    separator : what parts the cells of a csv file.
    """

    original: pd.DataFrame
    typed: pd.DataFrame
    reasons: NDArray[np.int8]
    guess: dict[str, Column | None]
    labelled: Labelled | None = None
    separator: str = ","


def read_table(path: Path) -> RawTable:
    """Read a csv, dta, sav or parquet file.

    Raises
    ------
    InputError
        If there is no such file, its format is unknown, or it is damaged, empty, or names a column twice.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of a csv, dta, sav or parquet file")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: unknown kind of file {path.suffix!r}; give one of {', '.join(READERS)}")
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty; it needs columns of answers and a row per person")
    table = reader(path)
    if table.original.empty:
        n, p = table.original.shape
        raise InputError(f"{path}: the table has {n} rows and {p} columns; it needs at least one of each")
    return table


def _read_csv(path: Path) -> RawTable:
    """Read texts; a column whose texts are all numbers is a column of numbers."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            separator = max((",", ";", "\t"), key=header.count)
            file.seek(0)
            rows = list(csv.reader(file, delimiter=separator, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as csv in UTF-8 ({error}); save it again") from None
    names = _unique(path, rows[0])
    rows = [row or [""] for row in rows if row or len(names) == 1]  # a blank line is a row only of a single column
    wrong = [(i, len(row)) for i, row in enumerate(rows, start=1) if len(row) != len(names)]
    if wrong:
        raise InputError(f"{path}: row {wrong[0][0]} has {wrong[0][1]} cells, the head has {len(names)}; mend it")
    original = pd.DataFrame(rows[1:], columns=names, dtype=object)
    texts = original.mask(original.isin(MISSING_TEXTS), None)
    typed = pd.DataFrame({name: _numbers(texts[name]) for name in names}, original.index)
    guess = {name: _guess(typed[name], texts[name]) for name in names}
    return RawTable(original, typed, _blank(typed), guess, separator=separator)


def _read_parquet(path: Path) -> RawTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _unique(path, pq.read_schema(path).names)
        original = pd.read_parquet(path)
    except pa.ArrowException as error:
        raise InputError(f"{path}: cannot be read as parquet ({error}); write it again") from None
    typed = original.rename(columns=str)
    return RawTable(original, typed, _blank(typed), {name: _guess(typed[name]) for name in typed})


def _read_labelled(labelled: Labelled) -> RawTable:
    typed, guess = {}, {}
    reasons = np.empty(labelled.frame.shape, dtype=np.int8)
    for j, name in enumerate(labelled.frame):
        series = labelled.frame[name]
        if name in labelled.texts or _is_date(series):
            typed[name] = series.mask(series.isin([""]), None)
            guess[name] = _guess(typed[name])
            reasons[:, j] = _blank(typed[name])
            continue
        codes, reasons[:, j] = labelled.split(name)
        typed[name] = pd.Series(codes, series.index)
        labels = labelled.labels.get(name, {})
        identifies = not labels and _identifies(typed[name])
        guess[name] = None if identifies else labelled_column(name, codes, labels, labelled.questions.get(name, ""))
    return RawTable(labelled.frame, pd.DataFrame(typed), reasons, guess, labelled)


READERS: dict[str, Callable[[Path], RawTable]] = {
    ".csv": _read_csv,
    ".dta": lambda path: _read_labelled(read_stata(path)),
    ".sav": lambda path: _read_labelled(read_spss(path)),
    ".parquet": _read_parquet,
}


def _guess(series: pd.Series, texts: pd.Series | None = None) -> Column | None:
    """Guess what a column is; the texts of numbers tell how many decimals they are written with."""
    if series.isna().all():
        return Column(str(series.name), Kind.NUMERIC)  # refused later, unless a schema file has it ignored
    if _is_date(series) or _identifies(series):
        return None
    text = not types.is_numeric_dtype(series.dtype) and not isinstance(series.dtype, pd.CategoricalDtype)
    if text and series.nunique() > MANY_TEXTS:
        return None
    column = infer_column(str(series.name), series)
    if texts is None or column.kind is not Kind.NUMERIC or column.decimals is None:
        return column
    written = [NUMBER.fullmatch(cell) for cell in texts.dropna().unique()]
    return replace(column, decimals=max(len(match["decimals"] or match["bare"] or "") for match in written if match))


def _numbers(texts: pd.Series) -> pd.Series:
    known = texts.dropna()
    if len(known) and all(NUMBER.fullmatch(text) for text in known.unique()):
        return texts.astype(float)
    return texts


def _identifies(series: pd.Series) -> bool:
    """Tell whether all of many rows have different texts or whole numbers."""
    if len(series) < MANY_TEXTS or series.isna().any() or not series.is_unique:
        return False
    return not types.is_numeric_dtype(series.dtype) or bool((series == series.round()).all())


def _is_date(series: pd.Series) -> bool:
    return types.infer_dtype(series, skipna=True) in DATES


def _blank(cells: pd.DataFrame | pd.Series) -> NDArray[np.int8]:
    return np.where(cells.isna(), Reason.UNKNOWN, Reason.OBSERVED).astype(np.int8)


def _unique(path: Path, names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: column names {twice} stand more than once; rename them so that each is unique")
    return names
