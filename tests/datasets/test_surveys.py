"""Surveys beyond the first: the tables of statsmodels, NHANES by its path, another year of the GSS by its file."""

import sys

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError
from datasets.mechanisms import MECHANISMS
from datasets.schema import Kind, Role


@pytest.mark.parametrize(
    ("name", "shape", "column", "mean"),
    [
        ("anes96", (944, 10), "selfLR", 4.325212),
        ("anes96", (944, 10), "vote", 0.416314),
        ("fair", (6366, 9), "affairs", 0.705374),
    ],
)
def test_tables_of_statsmodels_are_those_that_it_describes(name, shape, column, mean):
    pytest.importorskip("statsmodels")
    dataset = DATASETS[name](None)
    assert dataset.values.shape == shape and not np.isnan(dataset.values).any() and not dataset.synthetic
    assert dataset.values[:, dataset.schema.index(column)].mean() == pytest.approx(mean, abs=1e-6)
    assert dataset.schema.having(Role.DRIVER).size == 2
    with pytest.raises(InputError, match="comes with statsmodels"):
        DATASETS[name]("anes96.csv")


def test_brackets_of_income_have_the_words_of_the_codebook():
    pytest.importorskip("statsmodels")
    labels = DATASETS["anes96"](None).schema["income"].labels
    assert (labels[1], labels[5], labels[24]) == ("$0 to $2,999", "$9,000 to $9,999", "$105,000 and over")


def test_without_statsmodels_its_tables_are_unavailable_and_say_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", None)
    with pytest.raises(DataUnavailableError, match="pip install statsmodels"):
        DATASETS["anes96"](None)


@pytest.mark.parametrize("name", ["anes96", "fair"])
def test_their_drivers_matter_to_their_items(name):
    """Complete cases are off by the dial for the items of which the drivers tell most."""
    pytest.importorskip("statsmodels")
    dataset = DATASETS[name](None)
    hidden = MECHANISMS.resolve("mar(bias=0.1)")(dataset, 0.3, np.random.default_rng(1))
    column = {"anes96": "income", "fair": "yrs_married"}[name]
    x, gone = dataset.values[:, dataset.schema.index(column)], hidden[:, dataset.schema.index(column)]
    assert (x[~gone].mean() - x.mean()) / x.std() == pytest.approx(-0.1, abs=0.08)


@pytest.fixture(scope="module")
def nhanes(shared):
    return DATASETS["nhanes"](shared / "data" / "surveys" / "nhanes_2009_2012.sav")


def test_nhanes_has_adults_their_design_and_brackets_in_order(nhanes):
    assert nhanes.values.shape == (11778, 25)
    assert np.nanmin(nhanes.values[:, 0]) == 20
    assert (len(np.unique(nhanes.strata)), nhanes.psu.max(), nhanes.weights.min() > 0) == (29, 3, True)
    income = nhanes.schema["HHIncome"]
    assert income.kind is Kind.ORDINAL and list(income.labels.values())[:3] == ["0-4999", "5000-9999", "10000-14999"]
    j, education = nhanes.schema.index("HHIncome"), nhanes.schema.index("Education")
    both = ~np.isnan(nhanes.values[:, [j, education]]).any(axis=1)
    assert np.corrcoef(nhanes.values[both][:, [j, education]].T)[0, 1] > 0.4


def test_a_path_is_asked_for(monkeypatch, tmp_path):
    for name, variable in (("nhanes", "NHANES_PATH"), ("gss-year", "GSS_YEAR_PATH")):
        monkeypatch.delenv(variable, raising=False)
        with pytest.raises(DataUnavailableError, match=f"set {variable} to"):
            DATASETS[name](None)
        with pytest.raises(InputError, match="no such file"):
            DATASETS[name](tmp_path / "nothing.sav")


def another_year(folder, years=(2018.0,)):
    """A Stata file with the core questions under the names of 2018, of 60 rows with made-up answers."""
    import pandas as pd
    import pyreadstat

    rng = np.random.default_rng(3)
    n = 60
    names = ["age", "sex", "race", "region", "income16", "educ", "letin1a", "finrela", "marhomo", "degree", "marital"]
    names += ["childs", "wrkstat", "class", "vote16"]
    frame = pd.DataFrame({name: rng.integers(1, 4, n).astype(float) for name in names})
    frame["age"] += 30
    frame = frame.assign(year=rng.choice(years, n), wtssall=1.0, vstrat=1.0, vpsu=2.0)
    labels = {name: {1.0: "one", 2.0: "two", 3.0: "three"} for name in names if name not in ("age", "educ", "childs")}
    pyreadstat.write_dta(frame, str(folder / "GSS2018.dta"), variable_value_labels=labels)
    return folder / "GSS2018.dta"


def test_another_year_is_read_by_the_meaning_of_the_core_table(tmp_path):
    dataset = DATASETS["gss-year"](another_year(tmp_path))
    assert dataset.name == "gss2018" and len(dataset.values) == 60
    assert dataset.schema["vote16"].kind is Kind.NOMINAL and dataset.schema["income16"].role is Role.TARGET
    assert dataset.schema["educ"].kind is Kind.NUMERIC and dataset.strata.tolist() == [1.0] * 60
    with pytest.raises(InputError, match="one year"):
        DATASETS["gss-year"](another_year(tmp_path, (2016.0, 2018.0)))


def test_the_year_2022_is_the_core_table(gss, shared):
    dataset = DATASETS["gss-year"](shared / "data" / "2022_stata.zip")
    assert dataset.schema.columns == gss.schema.columns
    assert np.array_equal(dataset.values, gss.values, equal_nan=True)
