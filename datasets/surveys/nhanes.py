"""The US National Health and Nutrition Examination Surveys 2009 to 2012: adults, from an SPSS file."""

import re
from pathlib import Path

import numpy as np

from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError
from datasets.files.labelled import Labelled, read_spss
from datasets.schema import Column, Kind, Regression, Role, Schema
from datasets.surveys.fetch import named_file, sha256
from datasets.table import Dataset

FILE, ENVIRONMENT = "nhanes_2009_2012.sav", "NHANES_PATH"
ADULT = 20  # years: below, most questions of the table were not asked
AGE, WEIGHTS, STRATA, PSU = "Age", "WTINT2YR", "SDMVSTRA", "SDMVPSU"
DRIVERS = (AGE, "Sex", "Race1")
TARGETS = ("HHIncome", "Education", "BMI", "BPSysAve", "HealthGen")
ITEMS = (
    "MaritalStatus", "HomeOwn", "HomeRooms", "Work", "BPDiaAve", "Pulse", "DirectChol", "TotChol", "Diabetes",
    "DaysPhysHlthBad", "DaysMentHlthBad", "Depressed", "SleepHrsNight", "SleepTrouble", "PhysActive", "Smoke100",
    "Alcohol12PlusYr",
)  # fmt: skip
ORDINAL = ("HHIncome", "Education", "HealthGen", "Depressed")
WHOLE = ("Age", "HomeRooms", "BPSysAve", "BPDiaAve", "Pulse", "DaysPhysHlthBad", "DaysMentHlthBad", "SleepHrsNight")


@DATASETS.register("nhanes")
def load(path: Path | None = None) -> Dataset:
    """Real answers and measures of 11,778 American adults: NHANES 2009 to 2012.

    National Center for Health Statistics, National Health and Nutrition Examination Surveys 2009-2010 and 2011-2012, as
    the R package NHANES (Pruim 2015) prepares them. Twenty-five of its columns; recodings of others, and questions to a
    few, are left out. Strata, primary sampling units and interview weights are the survey's own. Why a cell is missing
    is not in the file.

    Parameters
    ----------
    path : the SPSS file; None takes the one that ``NHANES_PATH`` names.

    Raises
    ------
    DataUnavailableError
        If there is no path.
    InputError
        If there is no such file, or it lacks a column.
    """
    named = named_file(path, ENVIRONMENT, FILE)
    if named is None:
        raise DataUnavailableError(f"nhanes is not part of this package; set {ENVIRONMENT} to the path of {FILE}")
    file, names = read_spss(named), [*DRIVERS, *TARGETS, *ITEMS]
    lacking = sorted({*names, WEIGHTS, STRATA, PSU} - set(file.frame))
    if lacking:
        raise InputError(f"{named}: lacks the columns {', '.join(lacking)}; get {FILE}, the file of both surveys")
    adult = file.numbers(AGE) >= ADULT
    columns, values = zip(*(_column(file, name, adult) for name in names), strict=True)
    weights, strata, psu = (file.numbers(name)[adult] for name in (WEIGHTS, STRATA, PSU))
    schema = Schema(columns, Regression("BMI", ("Age", "Sex", "Race1", "Education")))
    origin = {"file": named.name, "sha256": sha256(named)}
    X = np.column_stack(values)
    return Dataset("nhanes", schema, X, weights=weights, strata=strata, psu=psu, origin=origin)


def _column(file: Labelled, name: str, rows: np.ndarray) -> tuple[Column, np.ndarray]:
    """Meaning and codes of one column; brackets of income stand in the order of their amount, not of their text."""
    codes = file.split(name)[0][rows]
    role = Role.DRIVER if name in DRIVERS else Role.TARGET if name in TARGETS else Role.ITEM
    labels = file.labels.get(name, {})
    if not labels:
        return Column(name, Kind.NUMERIC, {}, name, 0 if name in WHOLE else None, 0, None, role), codes
    ordered = sorted(labels, key=lambda code: _amount(labels[code])) if name == "HHIncome" else list(labels)
    new = {code: float(place) for place, code in enumerate(ordered, start=1)}
    moved = np.array([new.get(code, np.nan) for code in codes])
    kind = Kind.ORDINAL if name in ORDINAL else Kind.NOMINAL
    return Column(name, kind, {new[code]: labels[code] for code in ordered}, name, role=role), moved


def _amount(text: str) -> float:
    """Number that the text of a bracket begins with, or that follows ``more``."""
    return float(re.findall(r"\d+", text)[0])
