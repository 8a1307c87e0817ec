"""DataFrames to codes and back: what a table looks like at the public door."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from datasets.errors import InputError
from datasets.files.numbers import decimals_of
from datasets.files.scales import known_order
from datasets.schema import Column, Floats, Kind, Schema

FEW_LEVELS = 10
MOST_TEXTS = 50  # different ones of a question; more are free text
GREATEST_INTEGER = 2.0**53  # beyond, floating-point numbers leave whole numbers out
DATES = {"date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period", "interval"}
NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}  # as objects


def set_aside(frame: pd.DataFrame) -> dict[str, str]:
    """Columns that no imputer can use, by name, and why: there is one observed value at most, or no question.

    Dates and times, identifiers beyond 2⁵³, lists, and texts with more than 50 different values are no questions.
    """
    found = {str(name): _why_aside(frame.iloc[:, k]) for k, name in enumerate(frame.columns)}
    return {name: why for name, why in found.items() if why}


def _why_aside(series: pd.Series) -> str:
    known = series.dropna()
    if len(known) < 2:
        return "one observed value" if len(known) else "no observed value"
    if isinstance(series.dtype, pd.CategoricalDtype) or types.is_bool_dtype(series.dtype):
        return ""
    if types.infer_dtype(known) in DATES or types.is_datetime64_any_dtype(series.dtype):
        return "dates or times"
    if types.is_numeric_dtype(series.dtype):
        if types.is_complex_dtype(series.dtype):
            return "complex numbers"
        numbers = known.astype(float)
        long = float(numbers.abs().max()) > GREATEST_INTEGER and bool((numbers == numbers.round()).all())
        return "identifiers: whole numbers beyond 2^53" if long and np.isfinite(numbers).all() else ""
    if not all(types.is_hashable(value) for value in known):
        return "lists"
    different = known.nunique()
    return f"free text: {different} different values" if different > MOST_TEXTS and not _is_number(series) else ""


def infer_schema(frame: pd.DataFrame) -> Schema:
    """Guess kind and scale of each column from its type and values.

    Ordered categories are ordinal, as are texts that form a known scale (`scales.known_order`); other
    categories, texts and booleans nominal; whole numbers with two values nominal, with up to ten ordinal, as are scales
    from 0 to 10, with more numeric; other numbers numeric. Whole numbers are known by their values, since pandas stores
    them as floats beside a hole. A numeric column without negative values is taken to have none.
    Columns that `set_aside` names have no place in the schema.

    Raises
    ------
    InputError
        If two columns share a name, or a column holds infinities.
    """
    names = pd.Index([str(name) for name in frame.columns])
    twice = sorted(set(names[names.duplicated()]))
    if twice:
        raise InputError(f"column names {twice} stand more than once; rename them so that each is unique")
    aside = set_aside(frame)
    return Schema(tuple(infer_column(name, frame.iloc[:, k]) for k, name in enumerate(names) if name not in aside))


def infer_column(name: str, series: pd.Series) -> Column:
    """Guess one column; see `infer_schema`."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        kind = Kind.ORDINAL if series.dtype.ordered else Kind.NOMINAL
        return Column(name, kind, _numbered([str(level) for level in series.dtype.categories]))
    if types.is_bool_dtype(series.dtype):
        return Column(name, Kind.NOMINAL, {0.0: "False", 1.0: "True"})
    if not _is_number(series):
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

    Columns of numbers hold codes, other columns hold the texts of the answers. A column is known by its name as text.

    Raises
    ------
    InputError
        If columns are absent, or a value is none of the column's answers.
    """
    codes, unknown = known_codes(frame, schema)
    for name, texts in unknown.items():
        schema[name].code(texts[0])  # raises, and says which answers there are
    return codes


def known_codes(frame: pd.DataFrame, schema: Schema) -> tuple[Floats, dict[str, list[str]]]:
    """Codes (n, p) of a DataFrame as `to_codes` gives them, and by column the texts that are none of its answers.

    Those count as missing.

    Raises
    ------
    InputError
        If columns are absent.
    """
    place = {str(name): k for k, name in enumerate(frame.columns)}
    absent = [name for name in schema.names if name not in place]
    if absent:
        raise InputError(f"the table lacks columns {absent}; it has {list(place)}")
    codes, unknown = np.empty((len(frame), len(schema))), {}
    for j, column in enumerate(schema):
        codes[:, j], texts = _column_codes(frame.iloc[:, place[column.name]], column)
        if texts:
            unknown[column.name] = texts
    return codes, unknown


def to_frame(X: Floats, schema: Schema, like: pd.DataFrame) -> pd.DataFrame:
    """Put the codes X (n, p) into the holes of a DataFrame; what was observed stays as it is.

    Index, columns and dtypes are those of ``like``.
    """
    frame = like.copy()
    place = {str(name): k for k, name in enumerate(like.columns)}
    for j, column in enumerate(schema):
        series = like.iloc[:, place[column.name]]
        hole = series.isna().to_numpy()
        if hole.any():
            frame.isetitem(place[column.name], _filled(series, hole, X[hole, j], column))
    return frame


def _filled(series: pd.Series, hole: NDArray[np.bool_], fills: Floats, column: Column) -> pd.Series:
    """Put codes (holes,) into the holes of one column of a DataFrame."""
    if types.is_numeric_dtype(series.dtype):
        numbers = _numbers(column.name, series)
        numbers[hole] = fills
        return pd.Series(numbers, index=series.index).astype(series.dtype)
    if _is_number(series):
        whole = types.infer_dtype(series, skipna=True) == "integer"
        answers: list[object] = [int(code) if whole and code == round(code) else float(code) for code in fills]
    else:
        answers = _answers(series, [column.text(code) for code in fills])
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.cat.add_categories(
            [text for text in dict.fromkeys(answers) if text not in series.cat.categories]
        )
    filled_so = series.copy()
    filled_so[hole] = answers
    return filled_so


def _is_number(series: pd.Series) -> bool:
    """Tell whether a column holds numbers, be it as objects."""
    if types.is_numeric_dtype(series.dtype):
        return True
    return series.dtype == object and types.infer_dtype(series, skipna=True) in NUMBERS


def _column_codes(series: pd.Series, column: Column) -> tuple[Floats, list[str]]:
    """Codes (n,), and the texts that are none of the column's answers."""
    if _is_number(series):
        return _numbers(column.name, series), []
    alike = isinstance(series.dtype, pd.CategoricalDtype) or types.infer_dtype(series, skipna=True) == "string"
    place, distinct = pd.factorize(series if alike else series.map(str, na_action="ignore"))  # place -1 is a hole
    texts = [str(answer) for answer in distinct]
    codes = np.array([*(_code(column, text) for text in texts), np.nan])
    return codes[place], [text for text, code in zip(texts, codes, strict=False) if np.isnan(code)]


def _code(column: Column, text: str) -> float:
    """Code of an answer text, NaN if it is none."""
    try:
        return column.code(text)
    except InputError:
        return np.nan


def _answers(series: pd.Series, texts: list[str]) -> list[object]:
    """Answer texts as the objects that the column itself uses for them."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        known = {str(level): level for level in series.dtype.categories}
    else:
        known = {str(value): value for value in series.dropna().unique()}
    return [known.get(text, text) for text in texts]


def _numbers(name: str, series: pd.Series) -> Floats:
    numbers = series if types.is_numeric_dtype(series.dtype) else pd.to_numeric(series)
    values = numbers.to_numpy(dtype=float, na_value=np.nan, copy=True)
    if np.isinf(values).any():
        raise InputError(f"column {name!r} holds {int(np.isinf(values).sum())} infinite values; make them missing")
    return values


def _numbered(texts: list[str]) -> dict[float, str]:
    return {float(code): text for code, text in enumerate(texts, start=1)}
