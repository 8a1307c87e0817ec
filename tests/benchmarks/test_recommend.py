"""A recommendation: masks like the file's own holes, what the time allows, one page, and a script that works."""

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchmarks.__main__ import main
from benchmarks.recommend import Wish, affordable, judged, own_rate, possible, prepared, regression_of
from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Reason
from reports.inference import Inference
from reports.markdown import to_markdown
from reports.recommendation import _shown_worse, recommendation_page
from reports.results import Record, read_record

SCHEMA = Schema(
    (
        Column("income", Kind.NUMERIC),
        Column("party", Kind.NOMINAL, {1.0: "red", 2.0: "blue"}),
        Column("remark", Kind.TEXT, {1.0: "a", 2.0: "b"}),
    )
)


MINE = """
from imputers import IMPUTERS


@IMPUTERS.register("mine")
class Mine(IMPUTERS["hot-deck"]):
    'A hot deck of the user.'
"""


@pytest.fixture
def survey(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    educ, age = rng.integers(8, 20, 150), rng.integers(18, 90, 150)
    income = np.round(500 + 150 * educ + 5 * age + rng.normal(0, 400, 150))
    frame = pd.DataFrame({"age": age, "educ": educ.astype(float), "income": income})
    for name in ("educ", "income"):
        frame.loc[rng.random(150) < 0.2, name] = np.nan
    frame.to_csv(tmp_path / "survey.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def go(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "recommend", "--data", "survey.csv", "--out", "advice", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


def test_from_a_file_to_a_page_and_a_script_that_pools(survey, monkeypatch, capsys):
    chosen = ("--imputers", "mean,hot-deck,mice-pmm,hivae", "--jobs", "1")
    monkeypatch.setattr("benchmarks.recommend.MOST", 5)
    assert go(monkeypatch, "--analysis", "income ~ age + educ", "--budget", "4m", *chosen) == 0
    told = capsys.readouterr().out
    assert "left out: hivae, needs 1,000 rows" in told
    assert "5 masks of each kind for 4 methods" in told
    folder = survey / "advice" / "survey"
    page = (folder / "recommendation.md").read_text()
    assert "**Take `mice-pmm`, with " in page
    assert "biased: `mean` and `hot-deck`" in page
    assert "150 of 150 rows × 3 columns" in page
    assert "5 masks of each kind (`replay` and `observed-patterns`)" in page
    assert "5 masks of each kind can refute a method for this analysis, and show none valid" in page
    assert "Little, R. J. A. (1988)" in page
    assert "Left out: `hivae`" in page
    assert {"leaderboard.md", "recommendation.html", "results.parquet"} < {path.name for path in folder.iterdir()}
    assert json.loads((folder / "manifest.json").read_text())["about"]["analysis"] == "income ~ age + educ"
    runpy.run_path(str(folder / "impute.py"))
    pooled = dict(line.split(": ")[1:] for line in capsys.readouterr().out.splitlines() if "~" in line)
    assert 100 < float(pooled["income ~ educ"].split()[0]) < 200
    filled = pd.read_csv(survey / "completed" / "draw_1.csv")
    assert filled.notna().all().all()

    records = [read_record(path) for path in (survey / "advice" / "store" / "records").iterdir()]
    refuted = [record for record in records if record.imputer in ("mean", "hot-deck")]
    manifest = json.loads((folder / "manifest.json").read_text())
    told = to_markdown(recommendation_page(refuted, manifest)[0])
    assert "**Take `hot-deck`" in told and "**Mind that the masks show it biased, too**" in told


def test_a_method_is_passed_over_for_being_worse_and_not_for_being_known_better():
    """The bias of b is shown and that of a is not, but a may have more of it; c is shown to have more than b."""
    columns = ["bias", "bias-error", "coverage", "coverage-error"]
    rows = {
        "a": (-0.5, 0.3, 0.95, 0.03),
        "b": (0.4, 0.1, 0.92, 0.03),
        "c": (1.4, 0.2, 0.9, 0.04),
        "d": (0, 0, 0.5, 0.1),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    found = Inference(None, (), 20, pd.DataFrame(index=table.index), table.iloc[:3], None, None)
    assert _shown_worse(found, ["a", "b", "c"]) == ("c",)
    assert _shown_worse(found, ["c"]) == ()
    assert _shown_worse(replace(found, table=table), ["a", "b", "d"]) == ("b", "d")


def test_a_method_of_the_users_is_loaded_by_what_the_page_prints(survey, monkeypatch, capsys):
    (survey / "mine.py").write_text(MINE)
    monkeypatch.setattr("benchmarks.recommend.MOST", 5)
    chosen = ("--imputers", "mine,mean", "--load", "mine.py", "--jobs", "1", "--budget", "4m")
    assert go(monkeypatch, *chosen) == 0
    folder = survey / "advice" / "survey"
    page = (folder / "recommendation.md").read_text()
    assert "impute survey.csv --load mine.py --imputer mine --draws 20 --out completed" in page
    command = json.loads((folder / "manifest.json").read_text())["command"]
    assert "--imputers mine,mean --rows 2000 --load mine.py --out advice" in command
    compile((folder / "impute.py").read_text(), "impute.py", "exec")
    assert "load_plugin(Path('mine.py'))" in (folder / "impute.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--budget", "soon"), "--budget 'soon' is no time; write e.g. 90s, 10m or 2h"),
        (("--analysis", "income"), "--analysis 'income' is no regression"),
        (("--analysis", "income ~ ages"), "names 'ages', which is no column in use; those are age, educ, income"),
        (("--imputers", "kn"), "there is no imputer 'kn'"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_work(survey, monkeypatch, capsys, arguments, told):
    assert go(monkeypatch, *arguments) == 2
    assert told in capsys.readouterr().err
    assert not (survey / "advice" / "store" / "records").exists()


def test_few_rows_are_refused(survey, monkeypatch, capsys):
    pd.read_csv("survey.csv").head(60).to_csv("survey.csv", index=False)
    assert go(monkeypatch, "--budget", "1m") == 2
    assert "survey.csv has 60 rows; 100 can tell methods apart" in capsys.readouterr().err


def test_of_a_large_file_a_sample_is_tried_and_that_is_said(survey, capsys):
    suite, tables = prepared(Wish(Path("survey.csv"), None, "", 60.0, ("mean",), rows=120), Console())
    assert "tried on 120 of 150 rows, evenly spaced; --rows changes that" in capsys.readouterr().out
    assert [len(table.values) for table in tables.values()] == [120] and suite.about["rows"] == 150


def test_columns_that_hardly_anybody_answered_are_named_and_left_out(survey, capsys):
    frame = pd.read_csv("survey.csv")
    frame["head"] = [40.5 + row if row < 20 else None for row in range(len(frame))]
    frame.to_csv("survey.csv", index=False)
    _, tables = prepared(Wish(Path("survey.csv"), None, "", 60.0, ("mean",)), Console())
    assert "not tried, as fewer than 20% answered or 30: head" in capsys.readouterr().out
    assert [table.schema.names for table in tables.values()] == [["age", "educ", "income"]]


def test_the_time_left_decides_who_is_tried_and_how_often():
    costs = {"mean": 1.0, "mice-pmm": 2.0, "gbm": 100.0}
    assert affordable(costs, 1000.0) == (["mean", "mice-pmm", "gbm"], 10)
    assert affordable(costs, 411.0) == (["mean", "mice-pmm"], 100)
    assert affordable(costs, 12.0) == (["mean", "mice-pmm"], 5)
    assert affordable(costs, 3.9) == ([], 0)


def test_a_first_cell_that_waits_for_processes_costs_no_method_its_place():
    records = [
        Record("d", "replay", 0.1, 1, "mean", seconds=20.0),
        Record("d", "mar", 0.1, 1, "mean", seconds=0.5),
        Record("d", "replay", 0.1, 1, "gbm", seconds=3.0),
        Record("d", "mar", 0.1, 1, "gbm", "failed", "TimeoutError: more than 9 s\nat …"),
    ]
    assert judged(records) == ({"mean": 1.0}, {"gbm": "TimeoutError: more than 9 s"})


@pytest.mark.parametrize(("share", "rate"), [(0.0, 0.1), (0.02, 0.1), (0.2, 0.2), (0.6, 0.3)])
def test_the_rate_is_the_files_own_within_bounds(share, rate):
    assert own_rate(_table(share)) == rate


def test_a_file_without_holes_gets_the_usual_masks_and_says_why():
    mechanisms, refused = possible(_table(0.0), 0.1)
    assert set(mechanisms) == {"mar", "mcar"} - set(refused)
    assert "mcar" in mechanisms
    assert "finds no refused or skipped cell" in refused["replay"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("party ~ income", "answers have no order"),
        ("income ~ remark", "has the text 'remark' as covariate"),
        ("income ~ party + party", "each once"),
        ("~ party", "is no regression"),
    ],
)
def test_an_analysis_that_cannot_be_done(text, told):
    with pytest.raises(InputError, match=told):
        regression_of(text, SCHEMA)


def _table(share):
    """100 incomes, of which a share is blank."""
    X = np.column_stack([np.arange(200.0), np.tile([1.0, 2.0], 100)])
    X[: round(200 * share), 0] = np.nan
    reasons = np.where(np.isnan(X), Reason.REFUSED, Reason.OBSERVED)
    return Dataset("made", SCHEMA.take([0, 1]), X, reasons)
