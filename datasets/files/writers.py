"""Writing completed tables: in the format of the file they come from, or in another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from datasets.errors import InputError
from datasets.files.completed import complete_file, complete_typed
from datasets.files.file_table import ARROW, CSV, EXCEL, SPSS, STATA, unique_names
from datasets.files.names import check_writable
from datasets.files.readers import format_of
from datasets.files.stata_file import StataFacts, write_stata
from datasets.files.survey_file import SurveyFile
from datasets.schema import Column, Floats

FAMILIES = (CSV, STATA, SPSS, ARROW, EXCEL)


def write_completed(survey: SurveyFile, X: Floats, path: Path) -> None:
    """Write a file with its holes filled, in the format that the path ends in, whole or not at all.

    Stata and SPSS files keep their labels, levels of measurement, formats, notes, and, in holes that are not filled,
    their reasons of missing values; in another format such cells are blank.

    Parameters
    ----------
    survey : the file.
    X : codes (n, p); NaN leaves a hole as it is.
    path : the table to write.

    Raises
    ------
    InputError
        If the format is unknown, or cannot hold the table.
    """
    check_writable(survey, format_of(path))
    _write(_completed(survey, X, path), path, survey)


def write_stacked(survey: SurveyFile, draws: Sequence[Floats], path: Path) -> None:
    """Write several completed tables as one, below each other, as `write_completed` writes one.

    A first column, ``draw``, counts them from 1; it is called ``draw_2`` where the file has a column ``draw``.

    Raises
    ------
    InputError
        If the format is unknown, or cannot hold the table.
    """
    check_writable(survey, format_of(path), len(draws))
    table = survey.table
    name = unique_names([*(column.lower() for column in table.cells), "draw"])[-1]
    frames = [_completed(survey, X, path) for X in draws]
    for number, frame in enumerate(frames, start=1):
        frame.insert(0, name, str(number) if _is_own(survey, path) and table.format in CSV else number)
    counted = isinstance(table.cells.index, pd.RangeIndex)
    head = tuple(("", *row) for row in table.head)
    stacked = replace(survey, table=replace(table, names=(name, *table.names), head=head))
    _write(pd.concat(frames, ignore_index=counted), path, stacked)


def _is_own(survey: SurveyFile, path: Path) -> bool:
    """Tell whether a path is of the format that the file has."""
    return any(format_of(path) in family and survey.table.format in family for family in FAMILIES)


def _completed(survey: SurveyFile, X: Floats, path: Path) -> pd.DataFrame:
    return complete_file(survey, X) if _is_own(survey, path) else complete_typed(survey, X)


def _write(frame: pd.DataFrame, path: Path, survey: SurveyFile) -> None:
    import pyarrow as pa
    import pyreadstat

    staged = path.with_name(f".part-{path.name}")
    try:
        WRITERS[format_of(path)](frame, staged, survey, _is_own(survey, path))
        staged.replace(path)
    except (pa.ArrowException, pyreadstat.ReadstatError, pyreadstat.PyreadstatError, ValueError) as error:
        raise InputError(f"{path}: this format cannot hold the table ({error}); choose another") from None
    finally:
        staged.unlink(missing_ok=True)


def _write_csv(frame: pd.DataFrame, path: Path, survey: SurveyFile, own: bool) -> None:
    """Write texts as they are, under the head of the file, and whole numbers without a point."""
    table = survey.table
    separator = "\t" if ".tsv" in path.name else table.facts.separator if own else ","
    compression = "gzip" if path.name.endswith(".gz") else None
    if own:
        below = [list(row) for row in table.head]
        frame = pd.concat([pd.DataFrame(below, columns=frame.columns, dtype=object), frame]) if below else frame
        frame.to_csv(path, index=False, sep=separator, header=list(map(str, table.names)), compression=compression)
        return
    frame = frame.copy()
    for name in frame:
        known = frame[name].dropna()
        if types.is_float_dtype(frame[name].dtype) and (known % 1 == 0).all() and (known.abs() < 2.0**53).all():
            frame[name] = frame[name].astype("Int64")
    frame.to_csv(path, index=False, sep=separator, compression=compression)


def _write_arrow(frame: pd.DataFrame, path: Path, survey: SurveyFile, own: bool) -> None:
    named = frame.set_axis(list(survey.table.names), axis=1) if own else frame
    if path.name.endswith(".parquet"):
        named.to_parquet(path)
    else:
        named.to_feather(path)


def _write_excel(frame: pd.DataFrame, path: Path, survey: SurveyFile, own: bool) -> None:
    named = (frame.set_axis(list(survey.table.names), axis=1) if own else frame).copy()
    for name in named:
        if isinstance(named[name].dtype, pd.DatetimeTZDtype):
            named[name] = named[name].dt.tz_localize(None)
    try:
        named.to_excel(path, index=False)
    except ImportError:
        raise InputError("Excel files need openpyxl; pip install openpyxl, or choose csv") from None


def _write_stata(frame: pd.DataFrame, path: Path, survey: SurveyFile, own: bool) -> None:
    facts = StataFacts(_value_labels(survey, own=own), _questions(survey))
    labelled = survey.table.labelled
    if own and labelled is not None:
        facts = replace(
            facts,
            storage=labelled.storage,
            formats=labelled.formats,
            sets=labelled.sets,
            title=labelled.title,
            remarks=labelled.remarks,
        )
    elif labelled is not None:
        facts = replace(facts, title=labelled.title, remarks=labelled.remarks)
    write_stata(_known_types(frame), path, facts)


def _write_spss(frame: pd.DataFrame, path: Path, survey: SurveyFile, own: bool) -> None:
    import pyreadstat

    labelled = survey.table.labelled
    more: dict[str, Any] = {}
    if labelled is not None:
        more = {"file_label": labelled.title, "note": list(labelled.remarks) or None}
    if own and labelled is not None:
        more["missing_ranges"] = dict(labelled.missing) or None
        more["variable_measure"] = dict(labelled.levels)
        more["variable_display_width"] = dict(labelled.widths)
        more["variable_format"] = {name: text for name, text in labelled.formats.items() if name not in labelled.texts}
    else:
        more["variable_measure"] = {column.name: LEVELS[column.kind] for column in survey.dataset.schema}
    questions = _questions(survey)
    more["compress" if path.name.endswith(".zsav") else "row_compress"] = True
    pyreadstat.write_sav(
        _known_types(frame),
        path,
        column_labels=[questions.get(name) for name in frame],
        variable_value_labels=_value_labels(survey, own=own),
        **more,
    )


def _known_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns in types that Stata and SPSS know: categories as texts, truth values as numbers, days as dates."""
    known = {}
    for name in frame:
        series = frame[name].reset_index(drop=True)
        kind = types.infer_dtype(series, skipna=True)
        if isinstance(series.dtype, pd.CategoricalDtype):
            series = series.astype(object)
        elif types.is_numeric_dtype(series.dtype) or kind == "boolean":
            series = pd.Series(series.to_numpy(dtype=float, na_value=np.nan))
        elif kind == "date":
            series = pd.to_datetime(series).astype("datetime64[ms]")
        elif kind in ("time", "timedelta", "timedelta64", "period"):
            series = series.map(str, na_action="ignore")
        elif types.is_datetime64_any_dtype(series.dtype):
            series = series.dt.tz_localize(None)
        known[name] = series
    return pd.DataFrame(known)


def _questions(survey: SurveyFile) -> dict[str, str]:
    known = {column.name: column.question for column in survey.dataset.schema if column.question}
    return known | dict(survey.table.questions)


def _value_labels(survey: SurveyFile, *, own: bool) -> dict[str, dict[Any, str]]:
    labelled = survey.table.labelled
    if labelled is None:
        coded = [column for column in survey.dataset.schema if _is_coded(survey, column)]
        return {column.name: dict(column.labels) for column in coded}
    gone: Mapping[str, Mapping[Any, str]] = labelled.missing_labels if own else {}
    names = labelled.labels.keys() | gone.keys()
    return {name: {**labelled.labels.get(name, {}), **gone.get(name, {})} for name in labelled.frame if name in names}


def _is_coded(survey: SurveyFile, column: Column) -> bool:
    """Tell whether a column's cells are codes that are labelled with more than themselves."""
    numeric = types.is_numeric_dtype(survey.columns[column.name].typed.dtype)
    return numeric and any(text != f"{code:.15g}" for code, text in column.labels.items())


LEVELS = {"nominal": "nominal", "ordinal": "ordinal", "numeric": "scale", "text": "nominal"}
WRITERS: dict[str, Callable[[pd.DataFrame, Path, SurveyFile, bool], None]] = {
    **dict.fromkeys(CSV, _write_csv),
    **dict.fromkeys(ARROW, _write_arrow),
    **dict.fromkeys(EXCEL, _write_excel),
    **dict.fromkeys(STATA, _write_stata),
    **dict.fromkeys(SPSS, _write_spss),
}
