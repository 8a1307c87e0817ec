"""The core questions in another year of the General Social Survey, from that year's Stata file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError
from datasets.files.labelled import column_names, read_stata
from datasets.schema import Schema
from datasets.surveys.fetch import named_file, sha256, stata_file
from datasets.surveys.gss import core_column, variables
from datasets.table import Dataset

ENVIRONMENT = "GSS_YEAR_PATH"
OTHER_NAMES = {  # of questions that NORC renews, newest first
    "income16": ("income16", "income06", "income98"),
    "vote20": ("vote20", "vote16", "vote12", "vote08", "vote04", "vote00"),
    "marhomo": ("marhomo", "marhomo1"),
}
WEIGHTS = ("wtssnrps", "wtssps", "wtssnr", "wtssall")
LEAST = 12  # core questions that a year must have


@DATASETS.register("gss-year")
def load(path: Path | None = None) -> Dataset:
    """The core questions of the GSS in another year, from NORC's Stata file of it.

    Davern, Bautista, Freese, Herd, Morgan: General Social Survey 1972-2022, NORC at the University of Chicago. Columns
    are those of ``gss2022`` that were asked in that year, under their names in it; brackets of income and the election
    differ from year to year. Rows without a weight are left out. No other year was at hand when this was written.

    Parameters
    ----------
    path : a file of one year, or its zip; None takes the one that ``GSS_YEAR_PATH`` names.

    Raises
    ------
    DataUnavailableError
        If there is no path.
    InputError
        If there is no such file, it holds several years, or fewer than twelve of the questions.
    """
    named = named_file(path, ENVIRONMENT, "a year's Stata file of the GSS")
    if named is None:
        raise DataUnavailableError(f"gss-year needs NORC's Stata file of a year; set {ENVIRONMENT} to its path")
    with stata_file(named, named.name) as file:
        return _table(file, named)


def _table(file: Path, named: Path) -> Dataset:
    present = set(column_names(file))
    found = {core: _first((*OTHER_NAMES.get(core, (core,)),), present) for core in variables()["variables"]}
    core = {name: own for name, own in found.items() if own}
    weight = _first(WEIGHTS, present)
    if len(core) < LEAST or not weight or not {"year", "vstrat", "vpsu"} <= present:
        raise InputError(f"{named}: {len(core)} core questions and weight {weight or 'none'}; wanted a year of the GSS")
    read = read_stata(file, [*core.values(), weight, "year", "vstrat", "vpsu"])
    weights = read.split(weight)[0]
    rows = np.flatnonzero(~np.isnan(weights))
    years = np.unique(read.split("year")[0][rows])
    if len(years) != 1:
        raise InputError(f"{named}: holds the years {years[:5].tolist()}; wanted a file of one year")
    columns, values, reasons = zip(*(core_column(read, own, rows, name) for name, own in core.items()), strict=True)
    return Dataset(
        f"gss{years[0]:.0f}",
        Schema(columns),
        np.column_stack(values),
        np.column_stack(reasons),
        weights[rows],
        read.split("vstrat")[0][rows],
        read.split("vpsu")[0][rows],
        origin={"file": named.name, "sha256": sha256(named)},
    )


def _first(names: Sequence[str], present: set[str]) -> str:
    return next((name for name in names if name in present), "")
