"""One's own file from ``describe`` over an edited schema to a leaderboard."""

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks.__main__ import main


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
    assert "ignored: remark" in shown
    schema = survey / "schema.toml"
    text = schema.read_text()
    assert '[trust]\nkind = "ordinal"' in text
    schema.write_text(text.replace('[trust]\nkind = "ordinal"', '[trust]\nkind = "nominal"'))
    assert "left as it is" in go(monkeypatch, capsys, "describe", "survey.csv")
    run = ("run", "--data", "survey.csv", "--schema", "schema.toml", "--imputers", "mean,hot-deck", "--seeds", "1")
    shown = go(monkeypatch, capsys, *run, "--mechanisms", "mcar,mar")
    assert "4 of 4 cells done, 0 failed" in shown
    board = (survey / "results" / "survey" / "leaderboard.md").read_text()
    assert "150 rows × 3 columns" in board
    assert "hot-deck" in board
