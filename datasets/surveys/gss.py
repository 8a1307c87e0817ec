"""The General Social Survey 2022: NORC's Stata file to a table of codes."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets import DATASETS
from datasets.errors import InputError
from datasets.files.kinds import labelled_column
from datasets.files.labelled import Labelled, column_names, read_stata, require_columns, unique_labels
from datasets.schema import Column, Floats, Kind, Regression, Role, Schema
from datasets.selection.ranking import SELECTABLE
from datasets.surveys.fetch import FETCHERS, Source, locate, sha256, stata_file
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
    table = gss_table(path, list(variables()["variables"]))
    return replace(table, schema=replace(table.schema, regression=regression_of_interest()))


@SELECTABLE.register("gss2022")
def load_everything(path: Path | None = None) -> Dataset:
    """All answers of the General Social Survey 2022's main cross-section, bookkeeping left out.

    Raises
    ------
    DataUnavailableError, InputError
        As `load`.
    """
    return gss_table(path, None)


@FETCHERS.register("gss2022")
def fetch(path: Path | None = None) -> Path:
    """Find the survey's checked file, downloading it if it must be; see `fetch.locate`.

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
    the labels of their codes (`kinds.labelled_column`).

    Raises
    ------
    DataUnavailableError, InputError
        As `load`; also if a variable is not in the file.
    """
    facts = variables()
    with stata_file(locate(SOURCE, path, check_file), SOURCE.file) as file:
        main = main_rows(file)
        table = _table(file, name, answer_names(file) if names is None else names, np.flatnonzero(main))
        design = read_stata(file, [facts["weights"], facts["strata"], facts["psu"]])
    weights, strata, psu = (design.split(facts[part])[0][main] for part in ("weights", "strata", "psu"))
    return replace(table, weights=weights, strata=strata, psu=psu)


def gss_oversample(path: Path | None, names: Sequence[str] | None = None) -> Dataset:
    """Table of any variables for the 605 respondents who are not in the main cross-section, unweighted.

    They were drawn from a web panel to reach more minority respondents: other people, same questions.

    Raises
    ------
    DataUnavailableError, InputError
        As `gss_table`.
    """
    with stata_file(locate(SOURCE, path, check_file), SOURCE.file) as file:
        others = np.flatnonzero(~main_rows(file))
        return _table(file, "gss2022-oversample", answer_names(file) if names is None else names, others)


def check_file(path: Path) -> None:
    """Validate a Stata file by structure: needed columns, year, number of respondents.

    Raises
    ------
    InputError
        If it is not the General Social Survey 2022.
    """
    facts = variables()
    require_columns(path, [facts["strata"], facts["psu"], *facts["variables"]])
    main_rows(path)


def main_rows(path: Path) -> NDArray[np.bool_]:
    """Tell which rows of a Stata file are the main cross-section, shape (rows,).

    Raises
    ------
    InputError
        If the year or the number of respondents is not that of the survey.
    """
    facts = variables()
    survey = read_stata(path, ["year", facts["weights"]])
    years = np.unique(survey.split("year")[0])
    if years.tolist() != [facts["year"]]:
        raise InputError(f"{path}: holds the years {years[:5].tolist()}; wanted the survey of {facts['year']} alone")
    main = ~np.isnan(survey.split(facts["weights"])[0])
    if main.sum() != facts["respondents"]:
        raise InputError(
            f"{path}: {main.sum()} rows have the weight {facts['weights']}; the main cross-section has "
            f"{facts['respondents']}; get the file of {facts['year']} from {SOURCE.page}"
        )
    return main


def answer_names(path: Path) -> list[str]:
    """Names of all variables of a Stata file that are answers: bookkeeping is left out."""
    bookkeeping = set(variables()["bookkeeping"])
    return [name for name in column_names(path) if name not in bookkeeping]


def income_midpoints() -> dict[float, float]:
    """Dollars a year that stand for each code of ``income16``; see ``gss_variables.toml``."""
    return {float(code): float(dollars) for code, dollars in enumerate(variables()["midpoints"]["income16"], start=1)}


def regression_of_interest() -> Regression:
    """Regression that the report looks at: family income on schooling, age, sex and race."""
    stated = variables()["regression"]
    return Regression(stated["outcome"], tuple(stated["covariates"]))


@cache
def variables() -> Mapping[str, Any]:
    """Read ``gss_variables.toml``."""
    return tomllib.loads(Path(__file__).with_name("gss_variables.toml").read_text(encoding="utf-8"))


def _table(file: Path, name: str, names: Sequence[str], rows: NDArray[np.intp]) -> Dataset:
    """Dataset of some variables and rows of the survey's Stata file, without its design."""
    span = range(rows[0], rows[-1] + 1)
    survey = read_stata(file, names, span)
    columns, values, reasons = zip(
        *(core_column(survey, variable, rows - span.start, variable) for variable in names), strict=True
    )
    origin = {"file": file.name, "sha256": sha256(file)}
    return Dataset(name, Schema(columns), np.column_stack(values), np.column_stack(reasons), origin=origin)


def core_column(
    survey: Labelled, name: str, rows: NDArray[np.intp], core: str
) -> tuple[Column, Floats, NDArray[np.int8]]:
    """Meaning, codes and reasons of one variable in some rows; what it means is told under its name in the core table.

    A variable that is not in the core table has the kind that its labels tell.
    """
    codes, reasons = survey.split(name)
    codes, reasons = codes[rows], reasons[rows]
    facts = variables()["variables"].get(core)
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
