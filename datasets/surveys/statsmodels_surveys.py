"""Two real surveys that come with statsmodels: an election study, and a magazine's readers on their marriages."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError
from datasets.schema import Column, Kind, Regression, Role, Schema
from datasets.table import Dataset

if TYPE_CHECKING:
    import pandas as pd

LEFT_RIGHT = ("extremely liberal", "liberal", "slightly liberal", "moderate", "slightly conservative", "conservative",
              "extremely conservative")  # fmt: skip
PARTIES = ("strong Democrat", "weak Democrat", "independent-Democrat", "independent-independent",
           "independent-Republican", "weak Republican", "strong Republican")  # fmt: skip
SCHOOLS = ("grades 1 to 8", "some high school", "high school graduate", "some college", "college degree",
           "master's degree", "PhD")  # fmt: skip
DOLLARS = (0, 3000, 5000, 7000, 9000, 10000, 11000, 12000, 13000, 14000, 15000, 17000, 20000, 22000, 25000, 30000,
35000,
           40000, 45000, 50000, 60000, 75000, 90000, 105000)  # lower ends of the brackets of income  # fmt: skip
WORK = ("student", "farming, agriculture, semi-skilled or unskilled worker", "white-collar",
        "teacher, nurse, artist, technician, skilled worker", "managerial, administrative, business",
        "professional with advanced degree")  # fmt: skip


@DATASETS.register("anes96")
def load_anes96(path: Path | None = None) -> Dataset:
    """Real answers of 944 American voters to ten questions: National Election Study 1996.

    American National Election Studies 1996; the extract of Faraway, Extending the Linear Model with R (2006), as
    statsmodels ships it. Complete: those with a hole, and those who would vote for neither Clinton nor Dole, were left
    out by its authors. The logarithm of the population is left out, as it is told by the population.

    Raises
    ------
    InputError
        If a path is given: this table comes with statsmodels.
    DataUnavailableError
        If statsmodels is not installed.
    """
    columns = (
        Column("age", Kind.NUMERIC, {}, "age of respondent", decimals=0, low=19, high=91, role=Role.DRIVER),
        Column("educ", Kind.ORDINAL, _levels(SCHOOLS), "highest level of education", role=Role.DRIVER),
        Column("income", Kind.ORDINAL, _brackets(), "income of household", role=Role.TARGET),
        Column("PID", Kind.ORDINAL, _levels(PARTIES, 0), "party identification", role=Role.TARGET),
        Column("vote", Kind.NOMINAL, {0.0: "Clinton", 1.0: "Dole"}, "expected vote", role=Role.TARGET),
        Column("selfLR", Kind.ORDINAL, _levels(LEFT_RIGHT), "where respondents place themselves", role=Role.TARGET),
        Column("ClinLR", Kind.ORDINAL, _levels(LEFT_RIGHT), "where respondents place Clinton", role=Role.TARGET),
        Column("DoleLR", Kind.ORDINAL, _levels(LEFT_RIGHT), "where respondents place Dole"),
        Column("TVnews", Kind.NUMERIC, {}, "days a week with TV news", decimals=0, low=0, high=7),
        Column("popul", Kind.NUMERIC, {}, "population of the place in thousands", decimals=0, low=0),
    )
    return _shipped("anes96", path, Schema(columns, Regression("ClinLR", ("selfLR", "PID", "educ", "age"))))


@DATASETS.register("fair")
def load_fair(path: Path | None = None) -> Dataset:
    """Real answers of 6,366 married American women to nine questions: Redbook 1974.

    Fair (1978), A theory of extramarital affairs, Journal of Political Economy 86, as statsmodels ships it. Readers of
    a magazine who wrote in, complete cases alone; age, years of marriage and children are the middles of brackets.

    Raises
    ------
    InputError
        If a path is given: this table comes with statsmodels.
    DataUnavailableError
        If statsmodels is not installed.
    """
    schools = {9.0: "grade school", 12.0: "high school", 14.0: "some college", 16.0: "college graduate"}
    schools |= {17.0: "some graduate school", 20.0: "advanced degree"}
    columns = (
        Column("age", Kind.NUMERIC, {}, "age", decimals=1, low=17.5, high=42, role=Role.DRIVER),
        Column("educ", Kind.ORDINAL, schools, "level of education", role=Role.DRIVER),
        Column(
            "rate_marriage",
            Kind.ORDINAL,
            _levels(("very poor", "poor", "fair", "good", "very good")),
            "how the marriage is rated",
            role=Role.TARGET,
        ),
        Column("affairs", Kind.NUMERIC, {}, "time spent in affairs a year", low=0, role=Role.TARGET),
        Column("religious", Kind.ORDINAL, _levels(("not", "mildly", "fairly", "strongly")), "how religious"),
        Column("yrs_married", Kind.NUMERIC, {}, "years married", decimals=1, low=0.5, high=23, role=Role.TARGET),
        Column("children", Kind.NUMERIC, {}, "number of children", decimals=1, low=0, high=5.5),
        Column("occupation", Kind.NOMINAL, _levels(WORK), "occupation", role=Role.TARGET),
        Column("occupation_husb", Kind.NOMINAL, _levels(WORK), "occupation of the husband", role=Role.TARGET),
    )
    covariates = ("rate_marriage", "age", "yrs_married", "religious")
    return _shipped("fair", path, Schema(columns, Regression("affairs", covariates)))


def _levels(texts: tuple[str, ...], first: int = 1) -> Mapping[float, str]:
    return {float(code): text for code, text in enumerate(texts, start=first)}


def _brackets() -> Mapping[float, str]:
    ends = [f"${low:,} to ${high - 1:,}" for low, high in pairwise(DOLLARS)]
    return _levels((*ends, f"${DOLLARS[-1]:,} and over"))


def _shipped(name: str, path: Path | None, schema: Schema) -> Dataset:
    """A table of statsmodels, read from the installed package."""
    if path is not None:
        raise InputError(f"dataset {name!r} comes with statsmodels, but was given {path}; leave the path out")
    frame = _frame(name)
    origin = {"file": f"statsmodels.datasets.{name}"}
    return Dataset(name, schema, np.asarray(frame[schema.names], dtype=float), origin=origin)


def _frame(name: str) -> "pd.DataFrame":
    try:
        from statsmodels.datasets import anes96, fair
    except ModuleNotFoundError:
        raise DataUnavailableError(
            f"dataset {name!r} comes with statsmodels, which is not installed; pip install statsmodels"
        ) from None
    return {"anes96": anes96, "fair": fair}[name].load_pandas().data
