"""Reading files that can crash their library, or take all memory, in another process with limits."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from datasets.errors import InputError
from datasets.files import child

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = {
    str(kind).lower(): kind
    for kind in (
        *(pd.Int8Dtype(), pd.Int16Dtype(), pd.Int32Dtype(), pd.Int64Dtype()),
        *(pd.UInt8Dtype(), pd.UInt16Dtype(), pd.UInt32Dtype(), pd.UInt64Dtype()),
    )
}
LONGEST = 200  # characters of a library's message
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the usual one reserves a gigabyte, which is beyond the limits
    "PYTHONUTF8": "1",
}


@dataclass(frozen=True)
class Part:
    """What is wanted of a Stata or SPSS file.

    Parameters
    ----------
    names : columns; None for all.
    rows : neighbouring rows; None for all.
    heading : nothing but what the file says of its columns.
    """

    names: Sequence[str] | None = None
    rows: range | None = None
    heading: bool = False


def read_labelled_file(path: Path, ending: str, encoding: str, part: Part) -> tuple[pd.DataFrame, Any, str]:
    """Cells of a Stata or SPSS file, what it says as pyreadstat calls it, and the encoding if it is not its own.

    Raises
    ------
    InputError
        If the file is damaged, claims more cells than it can hold, takes more memory or time than its cells do, or
        lacks a column.
    """
    span = range(0) if part.rows is None else part.rows  # a length of 0 means all
    order = {
        "encoding": encoding,
        "names": None if part.names is None else list(part.names),
        "offset": span.start,
        "rows": len(span),
        "heading": part.heading,
    }
    with _handed_over(path, ending, "a Stata file" if ending == ".dta" else "an SPSS file", order) as (folder, told):
        absent = [name for name in told["names"] if name not in set(told["known"])]
        if absent:
            raise InputError(f"{path}: the file lacks the columns {absent}; it is not the file this needs")
        cells = {} if part.heading else _cells(folder, told["cells"])
        frame = pd.DataFrame({name: cells.get(str(place), []) for place, name in enumerate(told["names"])}, copy=False)
        labels = {name: dict(map(tuple, pairs)) for name, pairs in told["labels"].items()}
        return frame, SimpleNamespace(**told["facts"], variable_value_labels=labels), told["encoding"]


def _cells(folder: Path, distinct: Mapping[str, Sequence[object]]) -> dict[str, pd.Series]:
    """Columns by place: arrays of numbers, or of places among the distinct cells of a column that holds texts."""
    with np.load(folder / "cells.npz", allow_pickle=False) as arrays:
        cells = dict(arrays)
    for place, values in distinct.items():
        cells[place] = np.array([*values, None], dtype=object)[:-1][cells[place]]
    return {place: pd.Series(column, dtype=column.dtype, copy=False) for place, column in cells.items()}


def read_arrow_file(path: Path, ending: str) -> pd.DataFrame:
    """Cells of a parquet or feather file.

    Raises
    ------
    InputError
        If the file is damaged, or takes more memory or time than its cells do.
    """
    from pyarrow import feather

    with _handed_over(path, ending, f"a {ending[1:]} file", {}) as (folder, _):
        return _with_whole_numbers(feather.read_table(folder / "cells.feather", memory_map=False))


def _with_whole_numbers(table: "pa.Table") -> pd.DataFrame:
    """A table as a DataFrame in which whole numbers beside blanks stay whole, however long."""
    frame = table.to_pandas()
    if not frame.columns.is_unique:
        return frame
    for place, field in enumerate(table.schema):
        whole = WHOLE.get(str(field.type))
        if whole is not None and table.column(place).null_count and field.name in frame:
            frame[field.name] = table.column(place).to_pandas(types_mapper={field.type: whole}.get).to_numpy(object)
            frame[field.name] = frame[field.name].astype(whole)
    return frame


def check_excel_file(path: Path) -> None:
    """See that an Excel file can be read.

    Raises
    ------
    InputError
        If it is damaged, or takes too much memory or time.
    """
    with _handed_over(path, ".xlsx", "an Excel file", {}):
        pass


@contextmanager
def _handed_over(path: Path, ending: str, kind: str, order: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What the other process left: a folder that goes with the context, and what it told."""
    with tempfile.TemporaryDirectory() as folder:
        order |= {"path": str(path.absolute()), "ending": ending, "folder": folder}
        code, errors = start(json.dumps(order))
        told = Path(folder) / "told.json"
        if code or not told.exists():
            found = _reason(code, errors)
            raise InputError(f"{path}: cannot be read as {kind} ({found}); give a whole file of that kind")
        yield Path(folder), json.loads(told.read_text(encoding="utf-8"))


def start(order: str) -> tuple[int, str]:
    """Let another process do what is ordered; give its exit code and what it wrote of errors."""
    ended = subprocess.run(
        [sys.executable, "-P", child.__file__],
        input=order.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(os.environ) | ENVIRONMENT,
    )
    return ended.returncode, ended.stderr.decode("utf-8", "replace")


def _reason(code: int, errors: str) -> str:
    """What went wrong, in a line."""
    if code == -signal.SIGXCPU:
        return "it takes longer to read than its size explains"
    last = next((line for line in reversed(errors.splitlines()) if line.strip()), "")
    if "MemoryError" in last or "Unable to allocate" in last or "malloc" in last or code == -signal.SIGKILL:
        return "it takes more memory than its size explains"
    if code < 0:
        return f"its reader ended with {signal.Signals(-code).name}"
    return "".join(letter if letter.isprintable() else " " for letter in last.partition(": ")[2] or last)[:LONGEST]
