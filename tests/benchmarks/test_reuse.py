"""``impute --save`` and ``--fitted``: new rows are read as the old ones were, and filled with what was learned."""

import io
import sys

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchmarks import heartbeat
from benchmarks.__main__ import main
from imputers.heartbeat import steps


def rows(n, seed):
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "code": [f"{seed}-{row}" for row in range(n)],
            "age": [f"{age}" for age in np.round(45 + 12 * trait).astype(int)],
            "income": [f"{value:.2f}" for value in 30 + 8 * trait + rng.normal(size=n)],
            "party": np.where(trait + rng.normal(size=n) > 0, "red", "blue"),
            "hours": [f"{hours}" for hours in rng.integers(1, 40, n)],
        }
    )
    frame.loc[frame["party"] == "blue", "hours"] = ""
    frame.loc[rng.random(n) < 0.2, ["income", "party"]] = "n/a"
    return frame


@pytest.fixture
def go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["benchmarks", "impute", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        assert stop.value.code == code, said.err
        return " ".join((said.out + said.err).split())

    rows(150, 1).to_csv("old.csv", index=False)
    (tmp_path / "s.toml").write_text('[hours]\nkind = "numeric"\nasked_if = "party == \'red\'"\n')
    run("old.csv", "--imputer", "hot-deck", "--schema", "s.toml", "--out", "filled", "--save", "fitted")
    return run


def test_new_rows_are_filled_as_if_they_had_been_there(go, tmp_path):
    new = rows(30, 2)
    new.loc[0, "age"] = "140"
    new[["party", "hours", "age", "income"]].assign(more="x").to_csv("new.csv", index=False)
    said = go("new.csv", "--fitted", "fitted", "--draws", "2", "--out", "out")
    assert "age: 1 numbers beyond" in said
    drawn = pd.read_csv("out/draw_1.csv", dtype=str, na_filter=False)
    assert list(drawn) == ["party", "hours", "age", "income", "more"]
    assert set(drawn["party"]) == {"red", "blue"}
    assert drawn["age"][0] == "140"
    asked = drawn["party"] == "red"
    assert (drawn["hours"][~asked] == "").all()
    assert (drawn["hours"][asked] != "").all()
    old = pd.read_csv("old.csv", dtype=str)
    assert set(drawn["hours"]) - {""} <= set(old["hours"].dropna()) | set(new["hours"])
    go("new.csv", "--fitted", "fitted", "--draws", "2", "--out", "again")
    assert (tmp_path / "out/draw_2.csv").read_bytes() == (tmp_path / "again/draw_2.csv").read_bytes()


def test_a_column_that_is_empty_in_the_new_rows_is_filled(go):
    rows(30, 2).assign(income="").to_csv("new.csv", index=False)
    go("new.csv", "--fitted", "fitted", "--out", "out")
    assert pd.read_csv("out/draw_1.csv")["income"].notna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda new: new.assign(party="green"), "new.csv does not fit what fitted was learned from: .*'green' is none"),
        (lambda new: new.drop(columns="age"), r"names columns \['age'\] that the data lack"),
        (lambda new: new.assign(age="old"), "'age' is to be numeric, but holds 30 texts such as 'old'"),
    ],
)
def test_new_rows_that_do_not_fit_are_refused_in_a_sentence(go, change, message):
    change(rows(30, 2)).to_csv("new.csv", index=False)
    said = go("new.csv", "--fitted", "fitted", "--out", "out", code=2)
    assert pd.Series([said]).str.contains(message).all(), said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fitted", "fitted", "--imputer", "mean"), "leave out --imputer"),
        ((), "say which --imputer fills"),
        (("--imputer", "missforest", "--save", "other"), "missforest: what it learns is more than arrays"),
    ],
)
def test_requests_that_cannot_be_met_are_refused_at_once(go, arguments, message):
    assert message in go("old.csv", "--out", "out", *arguments, code=2)


def test_a_line_a_minute_says_how_long_it_takes(monkeypatch):
    now = iter(range(0, 10_000, 40))
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: float(next(now)))
    console = Console(record=True, width=200, force_terminal=False, file=io.StringIO())
    with heartbeat.progress(console, "mice draws"):
        for _ in steps(range(10), 10):
            pass
    said = console.export_text().splitlines()
    assert said[0] == "mice draws: 20% done, about 5 minutes left"
    assert len(said) == 5
