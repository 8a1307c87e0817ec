"""Completed tables: fills put into the holes of somebody's file, everything else left as it stood."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from datasets.errors import InputError
from datasets.frame import to_frame
from datasets.readers import MISSING_TEXTS
from datasets.schema import Codes, Column, Kind, Schema
from datasets.survey_file import SurveyFile


def complete_file(survey: SurveyFile, X: Codes) -> pd.DataFrame:
    """Fill the holes of a file with the codes X (n, p), each written as its column writes answers.

    Observed cells and ignored columns are those of the file. X may hold expectations that lie between
    codes: they are written as numbers, also in columns of texts.
    """
    frame = survey.raw.original.copy()
    for j, column in enumerate(survey.dataset.schema):
        place = survey.raw.typed.columns.get_loc(column.name)
        cells = survey.raw.original.iloc[:, place]
        hole = survey.raw.typed[column.name].isna().to_numpy()
        if hole.any():
            fills = _said(survey, column, X[:, j], hole)
            frame.isetitem(place, _filled(cells, hole, fills) if fills is not None else _typed(survey, column, X[:, j]))
    return frame


def write_table(frame: pd.DataFrame, path: Path, survey: SurveyFile) -> None:
    """Write a completed table, whole or not at all, in the format that the path ends in.

    Stata and SPSS files keep their labels and, in ignored columns, their missing values; in another
    format such missing values are blank.

    Raises
    ------
    InputError
        If the format is unknown, or cannot hold the table.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"{path}: unknown format {path.suffix!r}; there are {', '.join(WRITERS)}")
    staged = path.with_name(f".{path.name}.part")
    try:
        writer(frame, staged, survey)
        staged.replace(path)
    except ValueError as error:  # what pyarrow and pyreadstat raise is one
        raise InputError(f"{path}: this format cannot hold the table ({error}); choose another --format") from None
    finally:
        staged.unlink(missing_ok=True)
