"""Reading somebody's file: csv, Excel, Stata, SPSS, parquet or feather, as it stands."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from datasets.errors import InputError
from datasets.files.csv_file import read_csv
from datasets.files.file_table import ARROW, CSV, EXCEL, FORMATS, SPSS, STATA, FileFacts, FileTable, unique_names
from datasets.files.labelled import Labelled, read_spss, read_stata
from datasets.files.limited import check_excel_file, read_arrow_file


def read_table(path: Path, facts: FileFacts) -> FileTable:
    """Read a file in one of the `FORMATS`.

    Raises
    ------
    InputError
        If there is no such file, its format is unknown, or it is damaged or empty.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of a csv, dta, sav, xlsx or parquet file")
    ending = format_of(path)
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty; it needs columns of answers and a row per person")
    table = READERS[ending](path, ending, facts)
    n, p = table.cells.shape
    if not n or not p:
        raise InputError(f"{path}: the table has {n} rows and {p} columns; it needs at least one of each")
    return table


def format_of(path: Path) -> str:
    """Ending of a file's name, one of `FORMATS`.

    Raises
    ------
    InputError
        If it is none of these.
    """
    ending = next((known for known in sorted(FORMATS, key=len, reverse=True) if path.name.lower().endswith(known)), "")
    if not ending:
        raise InputError(f"{path}: unknown kind of file {path.suffix!r}; give one of {', '.join(FORMATS)}")
    return ending


def _read_arrow(path: Path, ending: str, facts: FileFacts) -> FileTable:
    """Read parquet or feather; strings that hold numbers are read like those of csv."""
    return _from_frame(read_arrow_file(path, ending), ending, facts)


def _read_excel(path: Path, ending: str, facts: FileFacts) -> FileTable:
    """Read the first sheet of an Excel file.

    Raises
    ------
    InputError
        If it is none, takes too much to read, or openpyxl is not installed.
    """
    if find_spec("openpyxl") is None:
        raise InputError(f"{path}: Excel files need openpyxl; pip install openpyxl, or save it as csv")
    check_excel_file(path)
    sheets = pd.read_excel(path, sheet_name=None, keep_default_na=False, na_values=[""], dtype=object)
    name, frame = next(iter(sheets.items()))
    others = list(sheets)[1:]
    told = (
        (f"of {len(sheets)} sheets the first, {name!r}, is read; save another as a file of its own",) if others else ()
    )
    return _from_frame(frame.infer_objects(), ending, facts, told)


def _from_frame(frame: pd.DataFrame, ending: str, facts: FileFacts, told: tuple[str, ...] = ()) -> FileTable:
    names = tuple(frame.columns)
    texts = [str(name) for name in names]
    unique = unique_names(texts)
    if unique != texts:
        told = (*told, f"column names stand more than once or are blank; they are called {unique}")
    return FileTable(frame.set_axis(unique, axis=1), ending, names, facts=facts, told=told)


def _from_labelled(labelled: Labelled, ending: str, facts: FileFacts) -> FileTable:
    told: tuple[str, ...] = ()
    if labelled.encoding and labelled.encoding != facts.encoding:
        told = (f'its texts are read as {labelled.encoding}; in [file], encoding = "…" names another',)
    names = tuple(labelled.frame.columns)
    return FileTable(labelled.frame, ending, names, (), labelled.questions, labelled, facts, told)


READERS: dict[str, Callable[[Path, str, FileFacts], FileTable]] = {
    **dict.fromkeys(CSV, read_csv),
    **dict.fromkeys(ARROW, _read_arrow),
    **dict.fromkeys(EXCEL, _read_excel),
    **dict.fromkeys(
        STATA, lambda path, ending, facts: _from_labelled(read_stata(path, encoding=facts.encoding), ending, facts)
    ),
    **dict.fromkeys(SPSS, lambda path, ending, facts: _from_labelled(read_spss(path, facts.encoding), ending, facts)),
}
