"""Stata and SPSS files whole: what they say of kinds and missing values, and all that they say comes back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from datasets.files.labelled import read_spss, read_stata
from datasets.files.names import check_writable
from datasets.files.stata_file import StataFacts, write_stata
from datasets.files.survey_file import SurveyFile, read_survey_file
from datasets.files.writers import write_completed
from datasets.schema import Kind

N = 60
FACTS = ("column_names_to_labels", "variable_value_labels", "file_label", "notes", "original_variable_types")


def kept(found: SurveyFile, path: Path) -> None:
    """Write a file as it is."""
    write_completed(found, found.dataset.values, path)


def filled(found: SurveyFile, path: Path) -> None:
    X = found.dataset.values.copy()
    for j in range(X.shape[1]):
        X[np.isnan(X[:, j]), j] = X[~np.isnan(X[:, j]), j][0]
    write_completed(found, X, path)


def spss(tmp_path: Path, name: str = "a.sav") -> Path:
    rng = np.random.default_rng(0)
    cells = pd.DataFrame(
        {
            "dept": np.where(np.arange(N) % 5 == 0, np.nan, rng.integers(1, 8, N)),
            "occ": np.arange(N) * 7.0 + 1000,
            "imp": rng.integers(1, 5, N).astype(float),
            "age": np.where(np.arange(N) % 6 == 0, 99, rng.integers(20, 60, N)).astype(float),
            "party": np.resize(["L", "R", "REF"], N),
            "day": 13e9 + 86400.0 * np.arange(N),
        }
    )
    cells.loc[3, "occ"] = np.nan
    labels = {
        "imp": {1: "ja", 2: "eher ja", 3: "eher nein", 4: "nein"},
        "age": {99: "No answer"},
        "party": {"L": "Left", "R": "Right", "REF": "Refused"},
    }
    pyreadstat.write_sav(
        cells,
        tmp_path / name,
        file_label="a survey",
        column_labels={"imp": "How important?", "day": "day of interview"},
        note=["first note", "second note"],
        variable_value_labels=labels,
        missing_ranges={"age": [{"lo": 90, "hi": 99}], "party": ["REF"]},
        variable_display_width={"dept": 12},
        variable_measure={"dept": "nominal", "occ": "nominal", "imp": "ordinal", "age": "scale", "party": "nominal"},
        variable_format={"dept": "F4.0", "occ": "F6.0", "age": "F3.0", "day": "DATE11"},
        compress=name.endswith("zsav"),
    )
    return tmp_path / name


def test_the_level_of_measurement_decides_where_it_is_stated(tmp_path):
    found = read_survey_file(spss(tmp_path))
    kinds = {column.name: str(column.kind) for column in found.dataset.schema}
    assert kinds == {"dept": "nominal", "occ": "nominal", "imp": "ordinal", "age": "numeric", "party": "nominal"}
    assert found.ignored == {"day": "dates"}
    assert found.dataset.schema["age"].high < 60


def test_codes_without_an_order_are_no_scale_whatever_is_stated(tmp_path):
    cells = pd.DataFrame({"region": np.resize([1.0, 2, 3], N), "n": np.resize([1.0, 2, 3, 4, 5], N)})
    labels = {"region": {1: "North", 2: "South", 3: "West"}}
    measure = {"region": "scale", "n": "scale"}
    pyreadstat.write_sav(cells, tmp_path / "a.sav", variable_value_labels=labels, variable_measure=measure)
    schema = read_survey_file(tmp_path / "a.sav").dataset.schema
    assert (schema["region"].kind, schema["n"].kind) == (Kind.NOMINAL, Kind.NUMERIC)
    assert schema["n"].decimals == 0


@pytest.mark.parametrize("name", ["a.sav", "a.zsav"])
def test_all_that_an_spss_file_says_comes_back(tmp_path, name):
    found = read_survey_file(spss(tmp_path, name))
    filled(found, tmp_path / f"b{name}")
    facts = (*FACTS, "missing_ranges", "variable_measure", "variable_display_width")
    before, stated = pyreadstat.read_sav(tmp_path / name, user_missing=True, disable_datetime_conversion=True)
    after, again = pyreadstat.read_sav(tmp_path / f"b{name}", user_missing=True, disable_datetime_conversion=True)
    assert {fact: getattr(again, fact) for fact in facts} == {fact: getattr(stated, fact) for fact in facts}
    assert not after["dept"].isna().any() and not (after["age"] == 99).any() and not (after["party"] == "REF").any()
    assert after["day"].equals(before["day"])
    kept(found, tmp_path / f"c{name}")
    pd.testing.assert_frame_equal(
        pyreadstat.read_sav(tmp_path / f"c{name}", user_missing=True)[0],
        pyreadstat.read_sav(tmp_path / name, user_missing=True)[0],
    )
    assert (tmp_path / f"c{name}").stat().st_size < 1.5 * (tmp_path / name).stat().st_size


def test_dates_out_of_range_are_dates(tmp_path):
    cells = pd.DataFrame(
        {"d": [-1.8e14, 1e10, np.nan] * 20, "y": np.resize([1.5, 2.5, np.nan, 4], N), "w": np.arange(N) % 7.0}
    )
    pyreadstat.write_sav(cells, tmp_path / "a.sav", variable_format={"d": "DATE11"})
    found = read_survey_file(tmp_path / "a.sav")
    assert found.ignored == {"d": "dates"}
    for ending in ("sav", "csv", "parquet"):
        filled(found, tmp_path / f"b.{ending}")
    assert read_spss(tmp_path / "b.sav").frame["d"].equals(cells["d"])
    assert pd.read_csv(tmp_path / "b.csv")["d"][1] == "1899-09-02 17:46:40"


LETTERS = {"i": "inapplicable", "d": "don't know", "r": "refused"}


def stata(tmp_path: Path) -> Path:
    """A Stata file with byte, int, long, float and double, and a set of labels shared by two columns."""
    byte = np.resize(np.array([1.0, 2, 3, "i", "d", np.nan], dtype=object), N)
    cells = pd.DataFrame(
        {
            "class": byte,
            "other": np.resize(np.array([3.0, 2, 1, "i"], dtype=object), N),
            "short": np.resize([1000.0, 2000, np.nan, 31000], N),
            "number": np.resize([100000.0, 2000000, 5], N),
            "single": np.resize([1.5, 2.25, np.nan, -3], N),
            "exact": np.resize(np.array([0.1, "r", 1e300], dtype=object), N),
            "text": np.resize(["ä", "", "long " * 600], N),
            "day": np.arange(N) + 20000.0,
        }
    )
    answers = {1: "low", 2: "middle", 3: "high"} | {"i": "inapplicable", "e": "unused letter"}
    facts = StataFacts(
        labels={"class": answers, "other": answers, "exact": {"r": "refused"}},
        questions={"class": "Which class?", "day": "day of interview"},
        storage={
            "class": "int8",
            "other": "int8",
            "short": "int16",
            "number": "int32",
            "single": "float",
            "exact": "double",
        },
        formats={"class": "%9.0f", "short": "%8.0g", "day": "%td"},
        sets={"class": "answers", "other": "answers"},
        title="a survey",
        remarks=("first note", "second note"),
    )
    write_stata(cells, tmp_path / "a.dta", facts)
    return tmp_path / "a.dta"


def test_a_stata_file_is_written_with_all_that_it_says(tmp_path):
    found = read_stata(stata(tmp_path)).frame
    _, meta = pyreadstat.read_dta(tmp_path / "a.dta", user_missing=True)
    assert found["class"].tolist()[:5] == [1, 2, 3, "i", "d"] and np.isnan(found["class"][5])
    assert found["exact"].tolist()[:3] == [0.1, "r", 1e300]
    assert found["text"].tolist()[:3] == ["ä", "", "long " * 600]
    stored = ["int8", "int8", "int16", "int32", "float", "double", "string", "int16"]
    assert list(meta.readstat_variable_types.values()) == stored
    assert meta.variable_value_labels["class"] == meta.variable_value_labels["other"]
    assert meta.variable_value_labels["class"]["e"] == "unused letter"
    assert meta.variable_to_label == {"class": "answers", "other": "answers", "exact": "exact"}
    assert list(meta.value_labels) == ["answers", "exact"]
    assert (meta.file_label, meta.notes) == ("a survey", ["first note", "second note"])
    assert meta.original_variable_types["day"] == "%td" and meta.original_variable_types["class"] == "%9.0f"


def test_all_that_a_stata_file_says_comes_back(tmp_path):
    path = stata(tmp_path)
    found = read_survey_file(path)
    kept(found, tmp_path / "b.dta")
    _, stated = pyreadstat.read_dta(path, user_missing=True)
    _, again = pyreadstat.read_dta(tmp_path / "b.dta", user_missing=True)
    pd.testing.assert_frame_equal(read_stata(tmp_path / "b.dta").frame, read_stata(path).frame)
    facts = (*FACTS, "readstat_variable_types", "missing_user_values", "variable_to_label", "value_labels")
    assert {fact: getattr(again, fact) for fact in facts} == {fact: getattr(stated, fact) for fact in facts}
    assert (tmp_path / "b.dta").stat().st_size == path.stat().st_size


def test_holes_that_are_not_filled_keep_their_letters(tmp_path):
    found = read_survey_file(stata(tmp_path))
    X = found.dataset.values.copy()
    j = found.dataset.schema.index("class")
    X[4, j] = 2
    write_completed(found, X, tmp_path / "b.dta")
    assert read_stata(tmp_path / "b.dta").frame["class"].tolist()[3:5] == ["i", 2]
    assert np.isnan(read_stata(tmp_path / "b.dta").frame["class"][5])


def test_expectations_need_a_wider_type(tmp_path):
    found = read_survey_file(stata(tmp_path))
    X = found.dataset.values.copy()
    X[4, found.dataset.schema.index("class")] = 1.75
    write_completed(found, X, tmp_path / "b.dta")
    written = read_stata(tmp_path / "b.dta")
    assert written.frame["class"][4] == 1.75
    assert written.storage["class"] == "double"


def test_stata_file_in_windows_letters(tmp_path):
    """Files of Stata 14 and later are in UTF-8, but some that make them write Windows' letters."""
    path = tmp_path / "a.dta"
    cells = pd.DataFrame({"q": np.resize([1.0, 2, 3, 4, 5], N), "y": np.arange(N) * 0.5})
    pyreadstat.write_dta(cells, path, column_labels={"q": "I~m content"}, version=15)
    path.write_bytes(path.read_bytes().replace(b"I~m", b"I\x92m"))
    found = read_survey_file(path)
    assert found.dataset.schema["q"].question == "I’m content"
    assert found.notes == ('its texts are read as cp1252; in [file], encoding = "…" names another',)
    kept(found, tmp_path / "b.dta")
    assert read_survey_file(tmp_path / "b.dta").notes == ()


@pytest.mark.parametrize("ending", ["dta", "sav"])
def test_a_damaged_file_that_claims_too_many_rows_is_refused_at_once(tmp_path, ending):
    cells = pd.DataFrame({"q": np.resize([1.0, 2, 3, 4, 5], N), "y": np.arange(N) * 0.5})
    (pyreadstat.write_dta if ending == "dta" else pyreadstat.write_sav)(cells, tmp_path / f"a.{ending}")
    raw = bytearray((tmp_path / f"a.{ending}").read_bytes())
    place = raw.index(b"<N>") + 3 if ending == "dta" else 80
    raw[place : place + 4] = (900_000_000).to_bytes(4, "little")
    (tmp_path / f"a.{ending}").write_bytes(raw)
    with pytest.raises(ValueError, match="it claims 900,000,000 rows"):
        read_survey_file(tmp_path / f"a.{ending}")


@pytest.mark.parametrize(
    ("ending", "name"),
    [
        ("dta", "Solar.R"),
        ("dta", "a" * 33),
        ("dta", "if"),
        ("dta", "1a"),
        ("sav", "a b"),
        ("sav", "1a"),
        ("sav", "AND"),
        ("sav", "a."),
    ],
)
def test_names_that_a_format_cannot_hold_are_told(tmp_path, ending, name):
    (tmp_path / "a.csv").write_text(f"{name},z\n" + "".join(f"{i % 5},{i % 7}.5\n" for i in range(N)))
    found = read_survey_file(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=f"cannot hold the column names '{name}'"):
        check_writable(found, ending)
    check_writable(found, "csv")


def test_labels_and_letters_of_the_real_survey_come_back(shared, tmp_path):
    from datasets.surveys.fetch import stata_file

    names = ["year", "id", "wrkstat", "hrs1", "age", "sex", "income16", "partyid", "happy", "class", "wtssps"]
    with stata_file(shared / "data" / "2022_stata.zip", "GSS2022.dta") as file:
        part = read_stata(file, names)
    labels = {name: part.labels.get(name, {}) | part.missing_labels.get(name, {}) for name in part.labels}
    facts = StataFacts(labels, part.questions, part.storage, part.formats, part.sets, part.title, part.remarks)
    write_stata(part.frame, tmp_path / "a.dta", facts)
    found = read_survey_file(tmp_path / "a.dta")
    kept(found, tmp_path / "b.dta")
    again = read_stata(tmp_path / "b.dta")
    pd.testing.assert_frame_equal(again.frame, part.frame)
    assert (again.labels, again.missing_labels, again.questions) == (part.labels, part.missing_labels, part.questions)
    assert (again.formats, again.sets, again.title) == (part.formats, part.sets, "General Social Survey 2022")


def test_nhanes_is_read_described_and_written_back(shared, tmp_path):
    from datasets.files.describe import describe, proposals

    path = shared / "data" / "surveys" / "nhanes_2009_2012.sav"
    found = read_survey_file(path)
    table = describe(found.dataset).set_index("variable")
    assert found.dataset.values.shape == (20293, 74)
    design = {"WTINT2YR": "weight", "WTMEC2YR": "weight", "SDMVPSU": "psu", "SDMVSTRA": "stratum"}
    looks = {name: f"looks like the survey's {role}" for name, role in design.items()}
    assert found.ignored == {"ID": "an identifier: another number in every row"} | looks
    assert table.loc["Race1", "kind"] == "nominal" and table.loc["BMI", "kind"] == "numeric"
    assert (found.dataset.schema["Age"].low, found.dataset.schema["Age"].high) == (0, 80)
    rules = proposals(found).skips
    assert rules["MaritalStatus"] == 'asked_if = "Age >= 20"'
    assert rules["SmokeNow"] == 'asked_if = "Smoke100 == 2"'
    assert any(note.startswith("PhysActiveDays: 99 (2 cells) far from all other values") for note in found.notes)
    kept(found, tmp_path / "b.sav")
    assert (tmp_path / "b.sav").stat().st_size < 1.1 * path.stat().st_size
    before, stated = pyreadstat.read_sav(path)
    after, again = pyreadstat.read_sav(tmp_path / "b.sav")
    pd.testing.assert_frame_equal(after, before)
    facts = (*FACTS, "variable_measure", "variable_display_width")
    assert {fact: getattr(again, fact) for fact in facts} == {fact: getattr(stated, fact) for fact in facts}
