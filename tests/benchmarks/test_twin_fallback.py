"""Without the real survey the suite runs on its twin, says so everywhere, and ``--strict-data`` forbids it."""

import json
import sys

import pandas as pd
import pytest

from benchmarks.__main__ import main
from datasets.errors import DataUnavailableError
from datasets.surveys import fetch

TITLE = "gss2022-twin (synthetic)"


@pytest.fixture
def no_survey(monkeypatch, tmp_path):
    """No path, no cached file, no network."""

    def refuse(source, target, check):
        raise DataUnavailableError(f"{source.title} could not be downloaded.")

    monkeypatch.delenv("GSS2022_PATH", raising=False)
    monkeypatch.setattr(fetch, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(fetch, "download", refuse)


def go(monkeypatch, capsys, *more):
    arguments = ["benchmarks", "run", "--suite", "gss", "--imputers", "mean,pairwise", "--mechanisms", "mcar"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--seeds", "1", *map(str, more)])
    with pytest.raises(SystemExit) as stop:
        main()
    shown = capsys.readouterr()
    return stop.value.code, " ".join((shown.out + shown.err).split())


def test_every_artefact_names_the_twin(monkeypatch, capsys, tmp_path, no_survey):
    code, shown = go(monkeypatch, capsys, "--out", tmp_path / "results")
    assert code == 0
    assert f"gss2022 cannot be had, so this runs on {TITLE}" in shown
    folder = tmp_path / "results" / "gss"
    pages = [folder / "leaderboard.md", folder / "leaderboard.html", *folder.glob("masks/*")]
    assert len(pages) > 3
    assert all(TITLE in page.read_text() for page in pages)
    assert json.loads((folder / "manifest.json").read_text())["tables"]["gss2022"]["data"]["title"] == TITLE
    assert set(pd.read_parquet(folder / "results.parquet")["dataset"]) == {TITLE}
    assert "Llama" not in (folder / "leaderboard.md").read_text()


def test_strict_data_is_an_error(monkeypatch, capsys, tmp_path, no_survey):
    code, shown = go(monkeypatch, capsys, "--strict-data", "--out", tmp_path / "results")
    assert code == 2
    assert "could not be downloaded" in shown
    assert not (tmp_path / "results" / "gss").exists()
