"""One's own file from ``describe`` over an edited schema to a leaderboard."""

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks.__main__ import main
from benchmarks.own_suite import read_suite
from datasets.errors import InputError


@pytest.fixture
def survey(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    trait = rng.normal(size=150)
    frame = pd.DataFrame(
        {
            "age": np.round(45 + 12 * trait).astype(int),
            "trust": np.clip(np.round(3 + trait), 1, 5),
            "party": np.where(trait + rng.normal(size=150) > 0, "red", "blue"),
            "remark": [f"remark {row}" for row in range(150)],
        }
    )
    frame.loc[rng.random(150) < 0.1, "trust"] = np.nan
    frame.to_csv(tmp_path / "survey.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def go(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_describe_writes_a_schema_that_run_takes(monkeypatch, capsys, survey):
    shown = go(monkeypatch, capsys, "describe", "survey.csv")
    assert "150 rows" in shown
    assert "remark: set aside, an identifier" in shown
    assert (
        'age: taken for drivers, by which mar hides other answers; to change it, write role = "item" under [age]'
        in shown
    )
    schema = survey / "survey.schema.toml"
    text = schema.read_text()
    assert '[trust]\nkind = "ordinal"' in text
    schema.write_text(text.replace('[trust]\nkind = "ordinal"', '[trust]\nkind = "nominal"'))
    assert "left as it is" in go(monkeypatch, capsys, "describe", "survey.csv")
    run = ("run", "--data", "survey.csv", "--schema", "survey.schema.toml", "--imputers", "mean,hot-deck")
    shown = go(monkeypatch, capsys, *run, "--seeds", "1", "--mechanisms", "mcar,mar")
    assert "4 of 4 cells done, 0 failed" in shown
    assert "mar hides by age, always left observed" in shown
    board = (survey / "results" / "survey" / "leaderboard.md").read_text()
    assert "150 rows × 3 columns" in board
    assert "hot-deck" in board


def test_two_files_that_differ_in_their_ending_have_schema_files_of_their_own(monkeypatch, capsys, survey):
    pd.read_csv("survey.csv")[["age"]].assign(other=np.arange(150) % 11).to_parquet("survey.parquet")
    assert "wrote survey.schema.toml" in go(monkeypatch, capsys, "describe", "survey.csv")
    assert "wrote survey.parquet.schema.toml" in go(monkeypatch, capsys, "describe", "survey.parquet")
    assert "read with survey.schema.toml" in go(monkeypatch, capsys, "describe", "survey.csv")
    assert "read with survey.parquet.schema.toml" in go(monkeypatch, capsys, "describe", "survey.parquet")


def test_a_suite_is_a_file_beside_the_data(monkeypatch, capsys, survey):
    (survey / "mine").mkdir()
    (survey / "survey.csv").rename(survey / "mine" / "survey.csv")
    (survey / "mine" / "panel.toml").write_text(
        'dataset = "survey.csv"\nseeds = [1]\ndraws = 2\n\n'
        '[[block]]\nmechanisms = ["mar(auc=0.8)"]\nimputers = ["mean", "knn(n_neighbors=5)"]\n\n'
        '[[block]]\nmechanisms = ["mcar"]\nrates = [0.2]\nimputers = ["mean"]\n'
    )
    assert "3 of 3 cells done, 0 failed" in go(monkeypatch, capsys, "run", "--suite", "mine/panel.toml")
    board = (survey / "results" / "panel" / "leaderboard.md").read_text()
    assert "mar(auc=0.8)" in board and "knn(n" in board and "2 draws each" in board
    assert "panel/leaderboard.md" in go(monkeypatch, capsys, "report", "--suite", "mine/panel.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset = = 3", "is not TOML"),
        ("seeds = [1]", "names no dataset"),
        ('dataset = "toy"\nseed = [1]', "a field 'seed'; the fields are: dataset"),
        ('dataset = "toy"\nseeds = 1', "seeds is 1; it must be a list"),
        ('dataset = "toy"\n[block]\nseeds = [1]', "double brackets"),
    ],
)
def test_useless_suites_are_refused(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_suite(path)


def test_a_dataset_needs_no_suite(monkeypatch, capsys, survey):
    run = ("run", "--dataset", "toy", "--imputers", "mean,hot-deck", "--seeds", "1", "--rates", "0.2")
    assert "4 of 4 cells" in go(monkeypatch, capsys, *run, "--mechanisms", "mar(auc=0.8),fold(3)")
    assert (survey / "results" / "toy" / "leaderboard.md").exists()
