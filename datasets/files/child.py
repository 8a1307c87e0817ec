"""A program that reads one file with a library written in C, under limits, and hands over what it found.

It is started by `datasets.files.limited` as a file of its own, so that a damaged file can end this process and no
other. It reads an order from its input, and leaves ``told.json`` and the cells in the folder that the order names. What
a library raises goes to the errors' stream.
"""

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

BASE = 600 * 2**20  # bytes of memory that any file may take, the libraries included
LABELLED_CELL, ARROW_CELL = 150, 64  # bytes a cell beside that
SECONDS, CELL_SECONDS = 60, 4e-5
DENSEST = {".dta": 1, ".sav": 1, ".zsav": 1100, ".parquet": 1000, ".feather": 1000}  # cells a byte can hold
SMALL, MOST_PACKED = 2**26, 200  # bytes unpacked that are fine, and times that a sheet can shrink
SHEET_BYTE, SHEET_SECONDS = 10, 2e-6  # bytes of memory, and seconds, a byte unpacked
ENCODINGS = ("cp1252", "latin1")  # tried in turn where a file is not in the encoding that it should be in
WHOLE_TYPES = ("int8", "int16", "int32")
FACTS = (
    "column_names_to_labels",
    "readstat_variable_types",
    "variable_measure",
    "original_variable_types",
    "variable_display_width",
    "variable_to_label",
    "missing_user_values",
    "missing_ranges",
    "file_label",
    "notes",
)
Order = Mapping[str, Any]


def main() -> None:
    """Do what is ordered."""
    order = json.load(sys.stdin)
    allow(BASE, SECONDS)
    told = READERS[order["ending"]](order)
    (Path(order["folder"]) / "told.json").write_text(json.dumps(told), encoding="utf-8")


def allow(memory: int, seconds: float) -> None:
    """Limit the memory of this process, in bytes, and its processor time from now on; there is no way without."""
    import resource
    import time

    for limit, value in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CPU, int(time.process_time() + seconds))):
        resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))


def allow_cells(order: Order, rows: int, columns: int, each: int) -> None:
    """Limit memory and time to what so many cells take, if the file can hold them at all.

    Raises
    ------
    ValueError
        If it cannot.
    """
    cells = rows * max(columns, 1)
    most = DENSEST[order["ending"]] * Path(order["path"]).stat().st_size
    if cells > most and order["ending"] not in (".parquet", ".feather"):
        raise ValueError(f"it claims {rows:,} rows")
    allow(BASE + each * min(cells, most), SECONDS + CELL_SECONDS * cells)


def read_labelled(order: Order) -> dict[str, Any]:
    """Read a Stata or SPSS file; numbers and texts go to files of their own."""
    import numpy as np
    import pyreadstat

    read = pyreadstat.read_dta if order["ending"] == ".dta" else pyreadstat.read_sav
    read = partial(read, order["path"], disable_datetime_conversion=True, output_format="dict")
    _, meta, found = in_some_encoding(partial(read, metadataonly=True), order["encoding"])
    names = meta.column_names if order["names"] is None else order["names"]
    told = {"known": meta.column_names, "names": names, "cells": {}, "facts": {}, "labels": {}, "encoding": found}
    if not all(meta.column_names):
        raise ValueError("a column has no name")
    if order["heading"] or set(names) - set(meta.column_names):
        return told
    allow_cells(order, order["rows"] or (meta.number_rows or 0), len(names), LABELLED_CELL)
    read = partial(read, row_offset=order["offset"], row_limit=order["rows"])
    cells, meta, found = in_some_encoding(partial(read, usecols=order["names"], user_missing=True), order["encoding"])
    true_blanks(cells, meta.readstat_variable_types, partial(read, encoding=found or None, user_missing=False))
    arrays: dict[str, Any] = {}
    for place, column in enumerate(cells.values()):
        kinds = set(map(type, column))
        if kinds <= {int, float, type(None)} and kinds != {type(None)}:
            arrays[str(place)] = np.array(column, dtype=None if kinds == {int} else float)
        else:
            of: dict[Any, int] = {}
            arrays[str(place)] = np.array([of.setdefault(value, len(of)) for value in column], dtype=np.int32)
            told["cells"][str(place)] = list(of)
    np.savez(Path(order["folder"]) / "cells.npz", **arrays)
    facts = {name: getattr(meta, name) for name in FACTS}
    labels = {name: list(by_code.items()) for name, by_code in meta.variable_value_labels.items()}
    return told | {"names": list(cells), "facts": facts, "labels": labels, "encoding": found}


def true_blanks(cells: dict[str, Any], stored: Mapping[str, str], read: Callable[..., Any]) -> None:
    """Put blanks in place where, beside letters, pyreadstat gives those of whole numbers as any number.

    Parameters
    ----------
    read : gives blanks as None or NaN, and letters too.
    """
    mixed = [name for name in cells if stored[name] in WHOLE_TYPES and str in set(map(type, cells[name]))]
    if mixed:
        plain, _ = read(usecols=mixed)
        for name in mixed:
            cells[name] = [
                cell if isinstance(cell, str) or (blank is not None and blank == blank) else float("nan")
                for cell, blank in zip(cells[name], plain[name], strict=True)
            ]


def in_some_encoding(read: Callable[..., Any], stated: str) -> tuple[Any, Any, str]:
    """Cells and facts of a file, and the encoding if it is not the file's own."""
    import pyreadstat

    for tried in (stated or None, *ENCODINGS):
        try:
            return *read(encoding=tried), tried or ""
        except (UnicodeDecodeError, pyreadstat.ReadstatError) as error:
            wrong_letters = isinstance(error, UnicodeDecodeError) or "encoding" in str(error)
            if not wrong_letters or tried == ENCODINGS[-1]:
                raise
    raise ValueError("no encoding is left")


def read_arrow(order: Order) -> dict[str, Any]:
    """Read a parquet or feather file and write it again, whole and checked, for reading without danger."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    if order["ending"] == ".parquet":
        with parquet.ParquetFile(order["path"]) as file:
            allow_cells(order, file.metadata.num_rows, file.metadata.num_columns, ARROW_CELL)
            table = file.read(use_threads=False)
    else:
        allow_cells(order, 2**40, 1, ARROW_CELL)
        table = feather.read_table(order["path"], memory_map=False, use_threads=False)
    table.validate(full=True)
    table.to_pandas(use_threads=False)
    feather.write_feather(table, str(Path(order["folder"]) / "cells.feather"), compression="uncompressed")
    return {}


def try_excel(order: Order) -> dict[str, Any]:
    """Read an Excel file for nothing, so that whoever reads it again knows that it can be read."""
    import zipfile

    import pandas as pd

    with zipfile.ZipFile(order["path"]) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > SMALL + MOST_PACKED * Path(order["path"]).stat().st_size:
        raise ValueError(f"it unpacks to {unpacked / 2**20:,.0f} MB")
    allow(BASE + SHEET_BYTE * unpacked, SECONDS + unpacked * SHEET_SECONDS)
    pd.read_excel(order["path"], sheet_name=None, dtype=object)
    return {}


READERS: dict[str, Callable[[Order], dict[str, Any]]] = {
    ".dta": read_labelled,
    ".sav": read_labelled,
    ".zsav": read_labelled,
    ".parquet": read_arrow,
    ".feather": read_arrow,
    ".xlsx": try_excel,
}

if __name__ == "__main__":
    main()
