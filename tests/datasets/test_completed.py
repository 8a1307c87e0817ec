"""Completed tables: observed cells as they stood, fills in the manner of their column, in every format."""

import datetime

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from datasets.errors import InputError
from datasets.files.completed import complete_file
from datasets.files.names import check_writable
from datasets.files.survey_file import SurveyFile, read_survey_file
from datasets.files.writers import write_completed
from datasets.schema import Floats

CSV = """\
mood,town,age,height,children,code,note
never,Bath,34,1.50,0.0,007,"a ""b"", c"
often,York,NA,1.75,2.0,010,
sometimes,,51,,1.0,007,z
,Bath,78,1.8,,,
often,"Ely, old",29,1.62,2.0,010,7
"""
SCHEMA = """
[age]
kind = "numeric"
decimals = 0
[note]
kind = "ignore"
"""


@pytest.fixture
def survey(tmp_path) -> SurveyFile:
    (tmp_path / "a.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    return read_survey_file(tmp_path / "a.csv", tmp_path / "schema.toml")


def fill(survey: SurveyFile, **codes: float) -> Floats:
    X = survey.dataset.values.copy()
    for j, name in enumerate(survey.dataset.schema.names):
        X[np.isnan(X[:, j]), j] = codes.get(name, X[~np.isnan(X[:, j]), j][0])
    return X


def test_a_csv_file_comes_back_character_by_character(survey: SurveyFile, tmp_path):
    X = fill(survey, mood=2, town=3, age=40, height=1.7, children=2, code=2)
    write_completed(survey, X, tmp_path / "b.csv")
    wanted = CSV.replace("NA", "40").replace("sometimes,,51,,1.0", "sometimes,York,51,1.70,1.0")
    wanted = wanted.replace(",Bath,78,1.8,,,", "sometimes,Bath,78,1.8,2.0,010,")
    assert (tmp_path / "b.csv").read_text(encoding="utf-8") == wanted


def test_expectations_are_written_as_numbers(survey: SurveyFile):
    found = complete_file(survey, fill(survey, mood=2.25, children=1.5))
    assert found.loc[3, ["mood", "children"]].tolist() == ["2.25", "1.5"]


def test_the_original_is_left_alone(survey: SurveyFile):
    before = survey.table.cells.copy()
    complete_file(survey, fill(survey))
    pd.testing.assert_frame_equal(survey.table.cells, before)


@pytest.mark.parametrize("ending", ["parquet", "dta", "sav"])
def test_a_csv_file_in_other_formats(survey: SurveyFile, tmp_path, ending: str):
    path = tmp_path / f"b.{ending}"
    write_completed(survey, fill(survey, age=40), path)
    readers = {
        "parquet": pd.read_parquet,
        "dta": lambda p: pyreadstat.read_dta(p)[0],
        "sav": lambda p: pyreadstat.read_sav(p)[0],
    }
    found = readers[ending](path)
    assert found["age"].tolist() == [34, 40, 51, 78, 29]
    assert found["height"].tolist() == [1.5, 1.75, 1.5, 1.8, 1.62]
    assert found["code"].tolist() == ["007", "010", "007", "007", "010"]
    assert found["town"].tolist() == ["Bath", "York", "Bath", "Bath", "Ely, old"]


def test_a_stata_file_keeps_labels_dates_and_reasons(tmp_path):
    cells = pd.DataFrame(
        {
            "happy": [1.0, 2.0, "d", 3.0],
            "left": [1.0, "i", "i", 2.0],
            "wage": [1.25, np.nan, 3, 4],
            "day": [datetime.date(2022, 5, k) for k in (1, 2, 3, 4)],
            "town": ["Bath", "York", "", "York"],
        }
    )
    labels = {"happy": {1: "very happy", 2: "pretty happy", 3: "not happy", "d": "don't know"}}
    missing = {"happy": ["d"], "left": ["i"]}
    pyreadstat.write_dta(
        cells,
        tmp_path / "a.dta",
        column_labels={"happy": "happiness"},
        variable_value_labels=labels,
        missing_user_values=missing,
    )
    (tmp_path / "schema.toml").write_text('[left]\nkind = "ignore"', encoding="utf-8")
    survey = read_survey_file(tmp_path / "a.dta", tmp_path / "schema.toml")
    assert survey.ignored == {"left": 'kind = "ignore"', "day": "dates"}
    X = fill(survey, happy=2, wage=2.5, town=1)
    write_completed(survey, X, tmp_path / "b.dta")
    found, meta = pyreadstat.read_dta(tmp_path / "b.dta", user_missing=True)
    assert found["happy"].tolist() == [1, 2, 2, 3]
    assert found["left"].tolist() == [1, "i", "i", 2]
    assert found["wage"].tolist() == [1.25, 2.5, 3, 4]
    assert found["town"].tolist() == ["Bath", "York", "Bath", "York"]
    assert found["day"].tolist() == cells["day"].tolist()
    assert meta.variable_value_labels["happy"] == labels["happy"]
    assert meta.column_names_to_labels["happy"] == "happiness"
    write_completed(survey, X, tmp_path / "b.csv")
    lines = (tmp_path / "b.csv").read_text(encoding="utf-8").splitlines()
    assert lines[2] == "2,,2.5,2022-05-02,York"
    for ending in ("sav", "parquet"):
        write_completed(survey, X, tmp_path / f"b.{ending}")
        assert read_survey_file(tmp_path / f"b.{ending}").dataset.values.shape[0] == 4


def test_an_spss_file_keeps_labels_and_missing_codes(tmp_path):
    cells = pd.DataFrame({"q": [1.0, 2, 9, 2], "left": [1.0, 9, 2, 3]})
    labels = {"q": {1: "low", 2: "high", 9: "refused"}}
    pyreadstat.write_sav(
        cells, tmp_path / "a.sav", variable_value_labels=labels, missing_ranges={"q": [9], "left": [9]}
    )
    (tmp_path / "schema.toml").write_text('[left]\nkind = "ignore"', encoding="utf-8")
    survey = read_survey_file(tmp_path / "a.sav", tmp_path / "schema.toml")
    write_completed(survey, fill(survey, q=2), tmp_path / "b.sav")
    found, meta = pyreadstat.read_sav(tmp_path / "b.sav", user_missing=True)
    assert found.to_dict("list") == {"q": [1, 2, 2, 2], "left": [1, 9, 2, 3]}
    assert meta.variable_value_labels["q"] == labels["q"]
    assert meta.missing_ranges["left"] == [{"lo": 9, "hi": 9}]


def test_a_parquet_file_keeps_its_types_and_index(tmp_path):
    cells = pd.DataFrame(
        {
            "age": pd.array([30, None, 50, 60], dtype="Int64"),
            "class": pd.Categorical(["low", None, "high", "low"], categories=["low", "middle", "high"], ordered=True),
            "wage": [1.5, 2.5, np.nan, 4.5],
            "votes": pd.array([True, None, False, True], dtype="boolean"),
        },
        index=pd.Index([5, 6, 7, 9], name="person"),
    )
    cells.to_parquet(tmp_path / "a.parquet")
    survey = read_survey_file(tmp_path / "a.parquet")
    write_completed(survey, fill(survey, age=60), tmp_path / "b.parquet")
    found = pd.read_parquet(tmp_path / "b.parquet")
    wanted = cells.copy()
    wanted.loc[6, ["age", "class", "votes"]] = [60, "low", True]
    wanted.loc[7, "wage"] = 1.5
    pd.testing.assert_frame_equal(found, wanted)


def test_an_unknown_format_and_one_that_cannot_hold_the_table(survey: SurveyFile, tmp_path):
    with pytest.raises(InputError, match=r"unknown format 'ods'; there are csv, tsv"):
        check_writable(survey, "ods")
    (tmp_path / "a.csv").write_text("Solar.R,n\n1.5,1\n2.5,2\n,3\n", encoding="utf-8")
    odd = read_survey_file(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"Stata cannot hold the column names 'Solar\.R'"):
        check_writable(odd, "dta")
    with pytest.raises(InputError, match=r"Stata cannot hold the column names 'Solar\.R'"):
        write_completed(odd, fill(odd), tmp_path / "b.dta")
    check_writable(odd, "sav")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "schema.toml"]


def test_every_cell_of_the_real_file_comes_back(shared, tmp_path):
    from datasets.surveys.fetch import stata_file

    with stata_file(shared / "data" / "2022_stata.zip", "GSS2022.dta") as file:
        cells, meta = pyreadstat.read_dta(
            file, user_missing=True, usecols=["age", "sex", "income16", "partyid", "happy"]
        )
    pyreadstat.write_dta(
        cells,
        tmp_path / "a.dta",
        variable_value_labels=meta.variable_value_labels,
        missing_user_values=meta.missing_user_values,
    )
    survey = read_survey_file(tmp_path / "a.dta")
    observed = survey.typed.notna().to_numpy()
    for ending in ("dta", "csv", "sav", "parquet"):
        write_completed(survey, fill(survey), tmp_path / f"b.{ending}")
        found = read_survey_file(tmp_path / f"b.{ending}").typed
        assert (found.to_numpy(dtype=float)[observed] == survey.typed.to_numpy()[observed]).all()
        assert not found.isna().to_numpy().any()
