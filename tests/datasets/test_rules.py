"""Rules between columns: who was asked, through filters that were not asked themselves, and what holds in every row."""

import numpy as np
import pandas as pd
import pytest

from datasets.condition import Condition
from datasets.errors import InputError
from datasets.files.rules import not_asked
from datasets.files.survey_file import read_survey_file
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Reason

CELLS = pd.DataFrame({"married": [1, 2, 2, np.nan, 1], "works": [1, np.nan, 1, np.nan, np.nan], "hours": [np.nan] * 5})


def rows(found, name):
    return np.flatnonzero(found[name]).tolist()


def test_a_filter_that_was_not_asked_passes_it_on():
    conditions = {"hours": Condition("works == 1"), "works": Condition("married == 1")}
    found = not_asked(conditions, CELLS, {})
    assert rows(found, "works") == [1, 2]
    assert rows(found, "hours") == [1]  # row 2 has an answer to the filter, rows 3 and 4 a hole of no known reason


def test_what_is_known_of_a_filter_counts():
    found = not_asked({"hours": Condition("works == 1")}, CELLS, {"works": np.array([0, 0, 0, 1, 0], dtype=bool)})
    assert rows(found, "hours") == [3]


def test_one_filter_that_may_still_hold_leaves_it_open():
    known = {"works": np.array([0, 1, 0, 1, 0], dtype=bool)}
    found = not_asked({"hours": Condition("works == 1 or married == 1")}, CELLS, known)
    assert rows(found, "hours") == [1]  # row 3: nobody knows of the marriage


def test_a_file_marks_chains_of_filters_and_tells_of_broken_checks(tmp_path):
    (tmp_path / "a.csv").write_text(
        "married,works,hours,age,first\n1,1,40,30,20\n2,,,40,50\n1,2,,20,\n1,,,50,20\n2,,,60,61\n1,1,35,70,30\n"
    )
    (tmp_path / "s.toml").write_text(
        '[works]\nasked_if = "married == 1"\n[hours]\nasked_if = "works == 1"\n[first]\ncheck = "age >= first"\n'
    )
    found = read_survey_file(tmp_path / "a.csv", tmp_path / "s.toml")
    hours = found.dataset.schema.index("hours")
    assert np.flatnonzero(found.dataset.reasons[:, hours] == Reason.NOT_ASKED).tolist() == [1, 2, 4]
    assert "first: 2 rows break check = 'age >= first'" in found.notes


@pytest.mark.parametrize(
    ("line", "message"), [("check = 3", "wrong type"), ('check = "age > x"', "'x'"), ('check = "age"', "no condition")]
)
def test_useless_checks_are_refused(tmp_path, line, message):
    (tmp_path / "a.csv").write_text("age,sex\n30,m\n40,f\n50,f\n60,m\n")
    (tmp_path / "s.toml").write_text(f"[age]\n{line}\n")
    with pytest.raises(InputError, match=message):
        read_survey_file(tmp_path / "a.csv", tmp_path / "s.toml")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("age >= first", "age >= first"),
        ("sex == 'male' or age < 5", "sex == 2.0 or age < 5"),
        ("sex in ['male', 'female'] and not `a b` == 'x'", "sex in [2.0, 1.0] and (not _quoted_612062 == 1.0)"),
        ("sex == 'other'", None),
        ("sex < 'male'", None),
        ("sex == age", None),
    ],
)
def test_conditions_on_texts_are_said_of_codes(text, wanted):
    found = Condition(text).of_codes({"sex": {1.0: "female", 2.0: "male"}, "a b": {1.0: "x"}})
    assert (found and found.text) == wanted
    if found:
        assert found.names == Condition(text).names


def test_a_schema_keeps_the_checks_of_its_columns():
    columns = tuple(Column(name, Kind.NUMERIC) for name in ("age", "first", "other"))
    schema = Schema(columns, checks=(Condition("age >= first"),))
    assert schema.take([0, 1]).checks == schema.checks
    assert schema.take([0, 2]).checks == ()
    with pytest.raises(InputError, match="there is no column 'last'"):
        Schema(columns, checks=(Condition("age >= last"),))
    values = np.array([[3.0, 2.0, 1.0]])
    plain = Dataset("d", Schema(columns), values)
    assert plain.fingerprint != Dataset("d", schema, values).fingerprint
