"""DataFrames to codes and back: what a table looks like at the public door."""

import numpy as np
import pandas as pd
from pandas.api import types

from datasets.errors import InputError
from datasets.files.numbers import decimals_of
from datasets.files.scales import known_order
from datasets.schema import Column, Floats, Kind, Schema

FEW_LEVELS = 10


def infer_schema(frame: pd.DataFrame) -> Schema:
    """Guess kind and scale of each column from its type and values.

    Ordered categories are ordinal, as are texts that form a known scale (`scales.known_order`); other
    categories, texts and booleans nominal; whole numbers with two values nominal, with up to ten ordinal, as are scales
    from 0 to 10, with more numeric; other numbers numeric. Whole numbers are known by their values, since pandas stores
    them as floats beside a hole. A numeric column without negative values is taken to have none.

    Raises
    ------
    InputError
        If two columns share a name, or a column holds infinities.
    """
    twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if twice:
        raise InputError(f"column names {twice} stand more than once; rename them so that each is unique")
    return Schema(tuple(infer_column(str(name), frame[name]) for name in frame.columns))


def infer_column(name: str, series: pd.Series) -> Column:
    """Guess one column; see `infer_schema`."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        kind = Kind.ORDINAL if series.dtype.ordered else Kind.NOMINAL
        return Column(name, kind, _numbered([str(level) for level in series.dtype.categories]))
    if types.is_bool_dtype(series.dtype):
        return Column(name, Kind.NOMINAL, {0.0: "False", 1.0: "True"})
    if not types.is_numeric_dtype(series.dtype):
        texts = sorted({str(value) for value in series.dropna()})
        order = known_order(texts)
        return Column(name, Kind.ORDINAL if order else Kind.NOMINAL, _numbered(order or texts))
    values = _numbers(name, series)
    levels = np.unique(values[~np.isnan(values)])
    whole = np.array_equal(levels, np.round(levels))
    if whole and (0 < len(levels) <= FEW_LEVELS or is_short_scale(levels)):
        kind = Kind.NOMINAL if len(levels) == 2 else Kind.ORDINAL
        return Column(name, kind, {float(code): f"{code:.0f}" for code in levels})
    low = 0.0 if len(levels) and levels[0] >= 0 else None
    return Column(name, Kind.NUMERIC, decimals=decimals_of(levels), low=low)


def is_short_scale(levels: Floats) -> bool:
    """Tell whether the different values of a column are those of a scale from 0 to 10."""
    return np.array_equal(levels, np.arange(11))


def to_codes(frame: pd.DataFrame, schema: Schema) -> Floats:
    """Codes (n, p) of a DataFrame; missing values of any sort become NaN.

    Columns of numbers hold codes, other columns hold the texts of the answers.

    Raises
    ------
    InputError
        If columns are absent, or a value is none of the column's answers.
    """
    absent = [name for name in schema.names if name not in frame.columns]
    if absent:
        raise InputError(f"the table lacks columns {absent}; it has {[str(name) for name in frame.columns]}")
    codes = [_column_codes(frame[column.name], column) for column in schema]
    return np.column_stack(codes) if codes else np.empty((len(frame), 0))


def to_frame(X: Floats, schema: Schema, like: pd.DataFrame) -> pd.DataFrame:
    """Put the codes X (n, p) into the holes of a DataFrame; what was observed stays as it is.

    Index, columns and dtypes are those of ``like``.
    """
    frame = like.copy()
    for j, column in enumerate(schema):
        series = like[column.name]
        hole = series.isna().to_numpy()
        if not hole.any():
            continue
        fills = X[hole, j]
        if _holds_codes(series):
            filled = series.to_numpy(dtype=float, na_value=np.nan).copy()
            filled[hole] = fills
            frame[column.name] = pd.Series(filled, index=like.index).astype(series.dtype)
        else:
            frame.loc[hole, column.name] = _answers(series, [column.text(code) for code in fills])
    return frame


def _holds_codes(series: pd.Series) -> bool:
    return types.is_numeric_dtype(series.dtype)


def _column_codes(series: pd.Series, column: Column) -> Floats:
    if _holds_codes(series):
        return _numbers(column.name, series)
    texts = series.dropna().astype(str)
    code_of = {text: column.code(text) for text in texts.unique()}
    codes = np.full(len(series), np.nan)
    codes[series.notna().to_numpy()] = texts.map(code_of).to_numpy(dtype=float)
    return codes


def _answers(series: pd.Series, texts: list[str]) -> list[object]:
    """Answer texts as the objects that the column itself uses for them."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        known = {str(level): level for level in series.dtype.categories}
    else:
        known = {str(value): value for value in series.dropna().unique()}
    return [known.get(text, text) for text in texts]


def _numbers(name: str, series: pd.Series) -> Floats:
    values = series.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(values).any():
        raise InputError(f"column {name!r} holds {int(np.isinf(values).sum())} infinite values; make them missing")
    return values


def _numbered(texts: list[str]) -> dict[float, str]:
    return {float(code): text for code, text in enumerate(texts, start=1)}
