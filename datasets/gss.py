"""The General Social Survey 2022: NORC's Stata file to a table of codes."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets import DATASETS
from datasets.errors import InputError
from datasets.fetch import Source, locate, sha256, stata_file
from datasets.labelled import Labelled, labelled_column, read_stata, unique_labels
from datasets.schema import Codes, Column, Kind, Role, Schema
from datasets.table import Dataset, Reason

SOURCE = Source(
    title="the General Social Survey 2022",
    file="GSS2022.dta",
    environment="GSS2022_PATH",
    addresses=(
        "https://gss.norc.org/content/dam/gss/get-the-data/documents/stata/2022_stata.zip",
        "https://gss.norc.org/documents/stata/2022_stata.zip",
        "https://gss.norc.org/Documents/stata/2022_stata.zip",
    ),
    page="https://gss.norc.org/get-the-data/stata",
)


@DATASETS.register("gss2022")
def load(path: Path | None = None) -> Dataset:
    """Real answers of 3,544 Americans to 24 questions: General Social Survey 2022.

    Davern, Bautista, Freese, Herd, Morgan: General Social Survey 2022, NORC at the University of
    Chicago. Rows are the main cross-section; the oversample drawn from a web panel is left out. Codes
    off a scale ("other party") are holes with that reason.

    Parameters
    ----------
    path : NORC's Stata file or its zip; None to look for it and, if need be, download it.

    Raises
    ------
    DataUnavailableError
        If there is no path and no download.
    InputError
        If the file is not the General Social Survey 2022.
    """
    return gss_table(path, list(variables()["variables"]))


def fetch(path: Path | None = None) -> Path:
    """Path of a checked survey file, downloaded if it must be; see `fetch.locate`.

    Raises
    ------
    DataUnavailableError, InputError
        As `load`.
    """
    found = locate(SOURCE, path, check_file)
    with stata_file(found, SOURCE.file) as file:
        check_file(file)
    return found


def gss_table(path: Path | None, names: Sequence[str] | None, name: str = "gss2022") -> Dataset:
    """Table of any variables of the survey, in this order; None gives all but bookkeeping.

    Variables of the core table are as ``gss_variables.toml`` says; the kind of others is inferred from
    the labels of their codes (`labelled.labelled_column`).

    Raises
    ------
    DataUnavailableError, InputError
        As `load`; also if a variable is not in the file.
    """
    facts = variables()
    with stata_file(locate(SOURCE, path, check_file), SOURCE.file) as file:
        chosen = answer_names(file) if names is None else list(names)
        design = [facts["weights"], facts["strata"], facts["psu"]]
        survey = read_stata(file, dict.fromkeys([*chosen, *design, "year"]))
        digest = sha256(file)
    main = main_rows(survey, file.name)
    weights, strata, psu = (survey.split(variable)[0][main] for variable in design)
    columns, values, reasons = zip(*(_column(survey, variable, main) for variable in chosen), strict=True)
    return Dataset(
        name,
        Schema(columns),
        np.column_stack(values),
        np.column_stack(reasons),
        weights,
        strata,
        psu,
        origin={"file": file.name, "sha256": digest},
    )


def check_file(path: Path) -> None:
    """Validate a Stata file by structure: year, needed columns, number of respondents.

    Raises
    ------
    InputError
        If it is not the General Social Survey 2022.
    """
    facts = variables()
    needed = ["year", facts["weights"], facts["strata"], facts["psu"], *facts["variables"]]
    main_rows(read_stata(path, needed), path.name)


def main_rows(survey: Labelled, file: str) -> NDArray[np.intp]:
    """Rows of the main cross-section.

    Raises
    ------
    InputError
        If the year or the number of respondents is not that of the survey.
    """
    facts = variables()
    years = np.unique(survey.split("year")[0])
    if years.tolist() != [facts["year"]]:
        raise InputError(f"{file}: holds the years {years[:5].tolist()}; wanted the survey of {facts['year']} alone")
    main = np.flatnonzero(~np.isnan(survey.split(facts["weights"])[0]))
    if len(main) != facts["respondents"]:
        raise InputError(
            f"{file}: {len(main)} rows have the weight {facts['weights']}; the main cross-section has "
            f"{facts['respondents']}; get the file of {facts['year']} from {SOURCE.page}"
        )
    return main


def answer_names(path: Path) -> list[str]:
    """Names of all variables of a Stata file that are answers: bookkeeping is left out."""
    import pyreadstat

    _, header = pyreadstat.read_dta(path, metadataonly=True)
    return [name for name in header.column_names if name not in set(variables()["bookkeeping"])]


def income_midpoints() -> dict[float, float]:
    """Dollars a year that stand for each code of ``income16``; see ``gss_variables.toml``."""
    return {float(code): float(dollars) for code, dollars in enumerate(variables()["midpoints"]["income16"], start=1)}


@cache
def variables() -> Mapping[str, Any]:
    """Read ``gss_variables.toml``."""
    return tomllib.loads(Path(__file__).with_name("gss_variables.toml").read_text(encoding="utf-8"))


def _column(survey: Labelled, name: str, rows: NDArray[np.intp]) -> tuple[Column, Codes, NDArray[np.int8]]:
    """Meaning, codes and reasons of one variable in some rows."""
    codes, reasons = survey.split(name)
    codes, reasons = codes[rows], reasons[rows]
    facts = variables()["variables"].get(name)
    question = survey.questions.get(name, name)
    if facts is None:
        return labelled_column(name, codes, survey.labels.get(name, {}), question), codes, reasons
    off = np.isin(codes, facts.get("off_scale", []))
    codes[off], reasons[off] = np.nan, Reason.OFF_SCALE
    column = Column(
        name,
        Kind(facts["kind"]),
        _scale(survey.labels.get(name, {}), facts),
        question,
        facts.get("decimals"),
        facts.get("low"),
        facts.get("high"),
        Role(facts.get("role", Role.ITEM)),
    )
    return column, codes, reasons


def _scale(labels: Mapping[float, str], facts: Mapping[str, Any]) -> dict[float, str]:
    """Labels of the codes on the scale; none for numeric variables, whose labels only mark ends."""
    if facts["kind"] == Kind.NUMERIC:
        return {}
    return unique_labels({code: text for code, text in labels.items() if code not in facts.get("off_scale", [])})
