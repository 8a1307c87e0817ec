"""Completed tables: fills put into the holes of somebody's file, everything else left as it stood."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from datasets.errors import InputError
from datasets.files.frame import to_frame
from datasets.files.readers import MISSING_TEXTS
from datasets.files.survey_file import SurveyFile
from datasets.schema import Column, Floats, Kind, Schema


def complete_file(survey: SurveyFile, X: Floats) -> pd.DataFrame:
    """Fill the holes of a file with the codes X (n, p), each written as its column writes answers.

    Observed cells and ignored columns are those of the file. X may hold expectations that lie between
    codes: these are written as numbers, also in columns of texts.
    """
    frame = survey.raw.original.copy()
    for j, column in enumerate(survey.dataset.schema):
        place = survey.raw.typed.columns.get_loc(column.name)
        typed = survey.raw.typed[column.name]
        hole = typed.isna().to_numpy()
        if not hole.any():
            continue
        cells = frame.iloc[:, place]
        if survey.path.suffix.lower() == ".csv":
            cells = _put(cells, hole, _texts(column, typed, cells, X[hole, j]))
        elif survey.raw.labelled is not None and types.is_numeric_dtype(typed.dtype):
            cells = _put(cells, hole, X[hole, j]).infer_objects()
        elif column.valid(X[hole, j]).all():
            cells = to_frame(X[:, [j]], Schema((column,)), typed.to_frame())[column.name]
        else:
            cells = _put(cells, hole, X[hole, j])
        frame.isetitem(place, cells)
    return frame


def write_table(frame: pd.DataFrame, path: Path, survey: SurveyFile) -> None:
    """Write a completed table, whole or not at all, in the format that the path ends in.

    Stata and SPSS files keep their labels and, in ignored columns, their reasons of missing values;
    in another format such cells are blank.

    Raises
    ------
    InputError
        If the format is unknown, or cannot hold the table.
    """
    import pyarrow as pa
    import pyreadstat

    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"{path}: unknown format {path.suffix!r}; there are {', '.join(WRITERS)}")
    if path.suffix.lower() != survey.path.suffix.lower():
        frame = _plain(frame, survey)
    staged = path.with_name(f".part-{path.name}")
    try:
        writer(frame, staged, survey)
        staged.replace(path)
    except (pa.ArrowException, pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
        raise InputError(f"{path}: this format cannot hold the table ({error}); choose another") from None
    finally:
        staged.unlink(missing_ok=True)


def _put(cells: pd.Series, hole: NDArray[np.bool_], fills: Any) -> pd.Series:  # noqa: ANN401
    filled = cells.to_numpy(dtype=object, copy=True)
    filled[hole] = fills
    return pd.Series(filled, cells.index, dtype=object)


def _texts(column: Column, typed: pd.Series, cells: pd.Series, codes: Floats) -> list[str]:
    """Codes as a csv column writes them: as it spells that code elsewhere, or in its number of decimals."""
    if column.kind is Kind.NUMERIC:
        return [column.text(code) for code in codes]
    if types.is_numeric_dtype(typed.dtype):
        spelled = dict(zip(typed[::-1], cells[::-1], strict=True))  # the first spelling wins
    else:
        spelled = dict(column.labels)
    return [spelled.get(code, f"{code:.15g}") for code in codes]


def _plain(frame: pd.DataFrame, survey: SurveyFile) -> pd.DataFrame:
    """Numbers as numbers and missing values blank, for a format other than the file's own."""
    plain = frame.copy()
    for place, name in enumerate(survey.raw.typed):
        cells = frame.iloc[:, place]
        if cells.dtype == object and types.is_numeric_dtype(survey.raw.typed[name].dtype):
            plain.isetitem(place, pd.to_numeric(cells, errors="coerce"))
        elif survey.path.suffix.lower() == ".csv":
            plain.isetitem(place, cells.mask(cells.isin(MISSING_TEXTS), None))
    return plain


def _write_csv(frame: pd.DataFrame, path: Path, survey: SurveyFile) -> None:
    """Write texts as they are, and whole numbers of Stata and SPSS, which know no integers, without a point."""
    if survey.raw.labelled is not None:
        floats = [name for name in frame if types.is_float_dtype(frame[name].dtype)]
        whole = [name for name in floats if (frame[name].dropna() % 1 == 0).all()]
        frame = frame.astype(dict.fromkeys(whole, "Int64"))
    frame.to_csv(path, index=False, sep=survey.raw.separator, encoding="utf-8")


def _write_parquet(frame: pd.DataFrame, path: Path, survey: SurveyFile) -> None:
    frame.to_parquet(path)


def _write_stata(frame: pd.DataFrame, path: Path, survey: SurveyFile) -> None:
    import pyreadstat

    labelled = survey.raw.labelled
    missing = dict(labelled.missing) if labelled is not None and survey.path.suffix.lower() == ".dta" else {}
    pyreadstat.write_dta(
        _numeric(frame),
        path,
        column_labels=_questions(frame, survey),
        variable_value_labels=_value_labels(survey, keep_missing=bool(missing)),
        missing_user_values=missing or None,
    )


def _write_spss(frame: pd.DataFrame, path: Path, survey: SurveyFile) -> None:
    import pyreadstat

    labelled = survey.raw.labelled
    missing = dict(labelled.missing) if labelled is not None and survey.path.suffix.lower() == ".sav" else {}
    pyreadstat.write_sav(
        _numeric(frame),
        path,
        column_labels=_questions(frame, survey),
        variable_value_labels=_value_labels(survey, keep_missing=bool(missing)),
        missing_ranges=missing or None,
    )


def _numeric(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns in types that Stata and SPSS know: categories as texts, other numbers as floats."""
    known = frame.rename(columns=str)
    for name, dtype in known.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype):
            known[name] = known[name].astype(object)
        elif types.is_numeric_dtype(dtype):
            known[name] = known[name].to_numpy(dtype=float, na_value=np.nan)
    return known


def _questions(frame: pd.DataFrame, survey: SurveyFile) -> list[str | None]:
    known = {column.name: column.question for column in survey.dataset.schema if column.question}
    if survey.raw.labelled is not None:
        known |= survey.raw.labelled.questions
    return [known.get(str(name)) for name in frame]


def _value_labels(survey: SurveyFile, *, keep_missing: bool) -> dict[str, dict[Any, str]]:
    labelled = survey.raw.labelled
    if labelled is None:
        coded = [column for column in survey.dataset.schema if _is_coded(survey, column)]
        return {column.name: dict(column.labels) for column in coded}
    gone = labelled.missing_labels if keep_missing else {}
    return {name: {**by_code, **gone.get(name, {})} for name, by_code in labelled.labels.items()}


def _is_coded(survey: SurveyFile, column: Column) -> bool:
    """Tell whether a column's cells are codes that are labelled with more than themselves."""
    numeric = types.is_numeric_dtype(survey.raw.typed[column.name].dtype)
    return numeric and any(text != f"{code:.15g}" for code, text in column.labels.items())


WRITERS: dict[str, Callable[[pd.DataFrame, Path, SurveyFile], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".dta": _write_stata,
    ".sav": _write_spss,
}
