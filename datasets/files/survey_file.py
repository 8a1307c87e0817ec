"""A survey in somebody's own file: csv, Stata, SPSS or parquet to a table of codes."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from datasets.errors import InputError
from datasets.files.frame import to_codes
from datasets.files.readers import RawTable, read_table
from datasets.files.schema_file import read_schema
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset

DRIVERS = 4


@dataclass(frozen=True, eq=False)
class SurveyFile:
    """A file and the table of codes made from it.

    Parameters
    ----------
    path : the file.
    raw : its cells as they stand, and typed.
    dataset : the columns that are not ignored, as codes.
    ignored : names of the columns left out.
    """

    path: Path
    raw: RawTable
    dataset: Dataset
    ignored: tuple[str, ...]


def read_survey_file(path: Path, schema_path: Path | None = None) -> SurveyFile:
    """Read a file, with what a schema file says of its columns and the rest inferred.

    Labelled codes are inferred as `labelled.labelled_column` says, everything else as
    `frame.infer_schema` says. Ignored are dates, texts with more than 50 different answers, and
    identifiers: texts or whole numbers that differ in all of 50 rows or more. Unless the schema file
    gives a role to some column, the columns with the fewest holes become drivers: four at most, and no
    more than half.

    Raises
    ------
    InputError
        If the file or the schema file cannot be used, or a column that is not ignored is missing in all
        rows but one, holds infinities, or holds answers that are not on its scale.
    """
    raw = read_table(path)
    with path.open("rb") as file:
        origin = {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    stated = {} if schema_path is None else read_schema(schema_path, raw.typed, raw.guess)
    chosen = raw.guess | {name: entry.column for name, entry in stated.items()}
    columns = [column for column in chosen.values() if column is not None]
    if not columns:
        raise InputError(f"{path}: all of its {len(chosen)} columns are ignored; give some a kind in a schema file")
    for column in columns:
        _check_column(path, column, raw.typed[column.name])
    if not any(entry.has_role for entry in stated.values()):
        columns = _with_drivers(columns, raw.typed)
    schema = Schema(tuple(columns))
    kept = [raw.typed.columns.get_loc(name) for name in schema.names]
    dataset = Dataset(
        path.stem,
        schema,
        to_codes(raw.typed, schema),
        raw.reasons[:, kept],
        origin=origin,
    )
    return SurveyFile(path, raw, dataset, tuple(name for name, column in chosen.items() if column is None))


def _check_column(path: Path, column: Column, cells: pd.Series) -> None:
    who = f"{path}: column {column.name!r}"
    remedy = f'drop it, or write [{column.name}] kind = "ignore" in a schema file'
    observed = int(cells.notna().sum())
    if observed < 2:
        found = "no observed value" if not observed else "one observed value"
        raise InputError(f"{who} has {found} in {len(cells)} rows, so nothing can be learned of it; {remedy}")
    if not pd.api.types.is_numeric_dtype(cells.dtype):
        if column.kind is Kind.NUMERIC:
            found = str(cells.dropna().iloc[0])
            raise InputError(f"{who} is to be numeric, but holds texts such as {found!r}; make it nominal or ordinal")
        return
    infinite = int(np.isinf(cells.to_numpy(dtype=float, na_value=np.nan)).sum())
    if infinite:
        raise InputError(f"{who} holds {infinite} infinite values; make them missing")


def _with_drivers(columns: list[Column], typed: pd.DataFrame) -> list[Column]:
    """Make drivers of the varying columns with the fewest holes, the first in the file where they are level."""
    varying = [column.name for column in columns if typed[column.name].nunique() > 1]
    holes = {name: int(typed[name].isna().sum()) for name in varying}
    drivers = sorted(holes, key=holes.__getitem__)[: min(DRIVERS, len(columns) // 2)]
    return [replace(column, role=Role.DRIVER) if column.name in drivers else column for column in columns]
