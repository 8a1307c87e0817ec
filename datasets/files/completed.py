"""Completed tables: fills put into the holes of somebody's file, everything else left as it stood."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from datasets.files.columns import ReadColumn
from datasets.files.dates import calendar
from datasets.files.frame import to_frame
from datasets.files.numbers import Notation
from datasets.files.survey_file import SurveyFile
from datasets.schema import Column, Floats, Kind, Schema


def complete_file(survey: SurveyFile, X: Floats) -> pd.DataFrame:
    """Fill the holes of a file with the codes X (n, p), each written as its column writes answers.

    Observed cells, ignored columns, and holes where X is NaN are those of the file. X may hold expectations that lie
    between codes: these are written as numbers, also in columns of texts.
    """
    frame = survey.table.cells.copy()
    for j, column in enumerate(survey.dataset.schema):
        read = survey.columns[column.name]
        hole = _holes(read, X[:, j])
        if hole.any():
            frame[column.name] = _filled(frame[column.name], column, read, hole, X[:, j])
    return frame


def complete_typed(survey: SurveyFile, X: Floats) -> pd.DataFrame:
    """The same for another format: numbers as numbers, dates as dates, missing values blank."""
    labelled = survey.table.labelled
    frame = survey.typed.copy()
    for name in frame:
        if labelled is not None and labelled.is_date(name):
            frame[name] = calendar(frame[name], labelled.formats[name])
        elif frame[name].dtype == object and survey.ignored.get(name) == "lists":
            frame[name] = frame[name].map(_as_json, na_action="ignore")
    for j, column in enumerate(survey.dataset.schema):
        frame[column.name] = _typed(frame[column.name], column, survey.columns[column.name], X[:, j])
    return frame


def typed_columns(survey: SurveyFile, X: Floats, names: Iterable[str]) -> pd.DataFrame:
    """Some columns with their holes filled, numbers as numbers, as conditions on answers take them."""
    schema = survey.dataset.schema
    place = {name: j for j, name in enumerate(schema.names)}
    found = {}
    for name in names:
        read = survey.columns[name]
        filled = name in place
        found[name] = _typed(read.typed, schema[name], read, X[:, place[name]]) if filled else read.typed
    return pd.DataFrame(found)


def _typed(cells: pd.Series, column: Column, read: ReadColumn, codes: Floats) -> pd.Series:
    hole = _holes(read, codes)
    if not hole.any():
        return cells
    if types.is_float_dtype(read.typed.dtype):
        return read.typed.mask(hole, pd.Series(codes, read.typed.index))
    return _filled(cells, column, read, hole, codes)


def _holes(read: ReadColumn, codes: Floats) -> NDArray[np.bool_]:
    return read.typed.isna().to_numpy() & ~np.isnan(codes)


def _filled(cells: pd.Series, column: Column, read: ReadColumn, hole: NDArray[np.bool_], codes: Floats) -> pd.Series:
    """Cells of a column with codes in its holes."""
    fills = codes[hole]
    if isinstance(cells.dtype, pd.CategoricalDtype) or types.is_bool_dtype(cells.dtype):
        if column.valid(fills).all():
            blank = cells.mask(hole)  # what was missing by its label is to be filled too
            return to_frame(codes[:, None], Schema((column,)), blank.to_frame())[column.name]
        return _put(cells, hole, [column.labels.get(code, f"{code:.15g}") for code in fills]).astype("string")
    if types.is_numeric_dtype(cells.dtype):
        whole = (fills == np.round(fills)).all()
        wide = cells.astype("Float64") if types.is_extension_array_dtype(cells.dtype) and not whole else cells
        return wide.mask(hole, pd.Series(codes, cells.index)).astype(wide.dtype)
    if types.infer_dtype(cells, skipna=True) == "decimal":
        return _put(cells, hole, [Decimal(f"{code:.15g}") for code in fills])
    if read.notation is None and types.is_numeric_dtype(read.typed.dtype):
        return _put(cells, hole, fills).infer_objects()  # codes beside missing letters
    return _put(cells, hole, _texts(column, read, cells, fills))


def _put(cells: pd.Series, hole: NDArray[np.bool_], fills: Any) -> pd.Series:  # noqa: ANN401
    filled = cells.to_numpy(dtype=object, copy=True)
    filled[hole] = fills
    return pd.Series(filled, cells.index, dtype=object, name=cells.name)


def _texts(column: Column, read: ReadColumn, cells: pd.Series, codes: Floats) -> list[str]:
    """Codes as a column of texts writes them: as it spells that code elsewhere, or in its number of decimals."""
    if not types.is_numeric_dtype(read.typed.dtype):
        return [column.labels.get(code, f"{code:.15g}") for code in codes]
    written = read.notation or Notation()
    if column.kind is Kind.NUMERIC:
        return [read.spelled.get(code, written.write(column.text(code))) for code in codes]
    spelled = dict(zip(read.typed[::-1], cells[::-1], strict=True)) | dict(read.spelled)  # the first spelling wins
    return [spelled.get(code, written.write(f"{code:.15g}")) for code in codes]


def _as_json(value: object) -> str:
    plain = (
        value.tolist() if isinstance(value, np.ndarray) else list(value) if isinstance(value, set | tuple) else value
    )
    return json.dumps(plain, ensure_ascii=False, default=str)
