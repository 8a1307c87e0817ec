"""Who was asked: conditions of a schema file, and the skip rules that data suggest."""

import numpy as np
import pandas as pd
import pytest

from datasets.condition import Condition
from datasets.errors import InputError
from datasets.files.describe import proposals
from datasets.files.skip_rules import propose_skip_rules
from datasets.files.survey_file import SurveyFile, read_survey_file
from datasets.table import Reason

TABLE = pd.DataFrame(
    {
        "marital": [1.0, 2, np.nan, 1],
        "age": [17.0, 30, 40, np.nan],
        "party": ["red", "blue", None, "red"],
        "Solar.R": [1.0] * 4,
    }
)


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("marital == 1", [1, 0, 0, 1], [0, 1, 0, 0]),
        ("marital != 1", [0, 1, 0, 0], [1, 0, 0, 1]),
        ("age >= 18", [0, 1, 1, 0], [1, 0, 0, 0]),
        ("marital in [1, 3]", [1, 0, 0, 1], [0, 1, 0, 0]),
        ("marital not in [2]", [1, 0, 0, 1], [0, 1, 0, 0]),
        ("marital == 1 and age >= 18", [0, 0, 0, 0], [1, 1, 0, 0]),
        ("marital == 1 or age >= 18", [1, 1, 1, 1], [0, 0, 0, 0]),
        ("not (party == 'red')", [0, 1, 0, 0], [1, 0, 0, 1]),
        ("`Solar.R` < age", [1, 1, 1, 0], [0, 0, 0, 0]),
    ],
)
def test_conditions_are_decided_where_the_answers_are_known(text, holds, fails):
    found = Condition(text).decide(TABLE)
    assert [side.astype(int).tolist() for side in found] == [holds, fails]


def test_names_of_a_condition():
    assert Condition("`Solar.R` > 1 and age < 3").names == ("Solar.R", "age")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "marital",
        "marital = 1",
        "marital + 1 == 2",
        "f(1) == 2",
        "marital == [1]",
        "1 == marital",
        "a < b < c",
        "a.b == 1",
        "(" * 500,
    ],
)
def test_other_expressions_are_refused(text):
    with pytest.raises(InputError, match="is no condition"):
        Condition(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("absent == 1", "'absent', which is not there"),
        ("party == 1", "holds answers such as 'red'"),
        ("age == 'old'", "holds answers such as"),
    ],
)
def test_conditions_that_do_not_fit_the_data(text, message):
    with pytest.raises(InputError, match=message):
        Condition(text).decide(TABLE)


def survey(tmp_path, schema: str = "") -> SurveyFile:
    """Hours of the spouse are asked of the married, a vote from 18 on; both have some blanks beside."""
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {"married": rng.integers(1, 3, n), "age": rng.integers(10, 60, n), "z": rng.normal(size=n).round(2)}
    )
    frame["hours"] = np.where(
        (frame["married"] == 1) & (rng.random(n) > 0.1), rng.integers(20, 60, n).astype(float), np.nan
    )
    frame["vote"] = np.where((frame["age"] >= 18) & (rng.random(n) > 0.1), rng.choice(["red", "blue"], n), "")
    frame["blank"] = np.where(rng.random(n) > 0.3, rng.integers(1, 5, n).astype(float), np.nan)
    frame.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "s.toml").write_text(schema)
    return read_survey_file(tmp_path / "a.csv", tmp_path / "s.toml" if schema else None)


def test_skip_rules_are_proposed(tmp_path):
    found = survey(tmp_path)
    assert propose_skip_rules(found) == {"hours": "married == 1", "vote": "age >= 18"}
    assert proposals(found).lines["hours"] == ('asked_if = "married == 1"',)


def test_the_proposed_line_works_when_pasted(tmp_path):
    found = survey(tmp_path)
    line = proposals(found).skips["hours"]
    again = survey(tmp_path, f"[hours]\n{line}\n")
    single = again.typed["married"] == 2
    j = again.dataset.schema.index("hours")
    assert ((again.dataset.reasons[:, j] == Reason.NOT_ASKED) == single).all()
    assert "hours" not in propose_skip_rules(again)


def test_answers_of_those_who_were_not_asked_are_told(tmp_path):
    found = survey(tmp_path, '[hours]\nasked_if = "married == 2"\n')
    assert any("rows hold an answer although asked_if = 'married == 2' does not hold" in note for note in found.notes)
