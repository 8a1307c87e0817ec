"""``impute`` tells what became of every hole: filled, left because it was not asked, or set aside with its column."""

import json
import os
import sys

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info

from benchmarks.__main__ import main
from imputers.threads import one_thread

N = 120


@pytest.fixture
def frame():
    """Single persons are not asked about the hours of a spouse; some others do not say."""
    rng = np.random.default_rng(3)
    married = rng.integers(1, 3, N)
    hours = np.where(married == 1, 20 + rng.integers(0, 30, N), np.nan)
    hours[np.flatnonzero(married == 1)[:7]] = np.nan
    return pd.DataFrame({"married": married, "hours": hours, "age": rng.integers(18, 90, N)})


@pytest.fixture
def go(monkeypatch, capsys, tmp_path):
    def impute(path, *more, status=0):
        arguments = ["impute", path, "--imputer", "hot-deck", "--draws", 2, "--out", tmp_path / "out", *more]
        monkeypatch.setattr(sys, "argv", ["benchmarks", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == status
        shown = capsys.readouterr()
        return " ".join((shown.out + shown.err).split())

    return impute


def csv(frame, tmp_path):
    frame.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "s.toml").write_text('[hours]\nasked_if = "married == 1"\n')
    return tmp_path / "a.csv", "--schema", tmp_path / "s.toml"


def test_cells_that_were_not_asked_stay_empty(go, frame, tmp_path):
    shown = go(*csv(frame, tmp_path))
    single = (frame["married"] == 2).to_numpy()
    for name in ("draw_1", "draw_2", "point", "expected"):
        hours = pd.read_csv(tmp_path / "out" / f"{name}.csv")["hours"]
        assert (hours.isna() == single).all()
    flags = pd.read_csv(tmp_path / "out" / "flags.csv")["hours"].to_numpy() == 1
    assert (flags == (frame["hours"].isna() & ~single)).all()
    assert "filled: 7 holes (hours: 7)" in shown
    assert f"left, not asked: {single.sum()} holes (hours: {single.sum()}); --fill-not-asked fills them" in shown


def test_they_are_filled_if_wanted(go, frame, tmp_path):
    shown = go(*csv(frame, tmp_path), "--fill-not-asked")
    assert pd.read_csv(tmp_path / "out" / "draw_1.csv")["hours"].notna().all()
    assert "not asked:" not in shown


def test_a_filled_filter_decides_draw_by_draw(go, frame, tmp_path):
    frame.loc[:29, ["married", "hours"]] = np.nan
    shown = go(*csv(frame, tmp_path), "--draws", 5, "--imputer", "gaussian-em")
    draws = [pd.read_csv(tmp_path / "out" / f"draw_{number}.csv") for number in range(1, 6)]
    for table in (*draws, pd.read_csv(tmp_path / "out" / "point.csv")):
        assert table["married"].notna().all()
        assert (table["hours"].isna() == (table["married"] == 2)).all()
    empty = np.array([table["hours"].isna()[:30] for table in draws])
    assert 0 < empty.mean() < 1
    point, expected = (pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("point", "expected"))
    assert (expected["hours"].isna() == point["hours"].isna()).all()
    flags = pd.read_csv(tmp_path / "out" / "flags.csv")["hours"].to_numpy()[:30]
    assert (flags == ~empty.all(axis=0)).all()
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    partly = empty[:, flags == 1].sum() / 5
    assert report["left_by_filter_a_draw"] == {"hours": pytest.approx(partly)}
    assert f"says not asked: hours: {partly:.1f} holes a draw" in shown
    go(*csv(frame, tmp_path), "--fill-not-asked")
    assert pd.read_csv(tmp_path / "out" / "draw_1.csv")["hours"].notna().all()


def test_draws_keep_a_check_and_rows_that_cannot_are_counted(go, frame, tmp_path):
    frame["first"] = frame["age"] - 10.0
    frame.loc[:4, "first"] = 99
    frame.loc[5:40, "first"] = np.nan
    frame.loc[40, "age"] = 1
    frame.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "s.toml").write_text('[first]\ncheck = "age >= first"\n')
    shown = go(tmp_path / "a.csv", "--schema", tmp_path / "s.toml")
    draws = [pd.read_csv(tmp_path / "out" / f"draw_{number}.csv") for number in (1, 2)]
    broken = float(np.mean([(table["age"] < table["first"])[5:].sum() for table in draws]))
    assert broken == 1  # nobody had a first child at one
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    found = {"text": "age >= first", "answered": 5, "decided": 36.0, "broken": broken}
    assert report["checks"] == {"first": found}
    assert (
        f"check age >= first: 5 rows break it as answered; of 36.0 rows a draw that fills decide, {broken:.1f}" in shown
    )


def test_draws_in_one_file(go, frame, tmp_path):
    path, *schema = csv(frame, tmp_path)
    go(path, *schema)
    apart = [pd.read_csv(tmp_path / "out" / f"draw_{number}.csv") for number in (1, 2)]
    shown = go(path, *schema, "--long", "--out", tmp_path / "long", "--format", "parquet")
    assert "wrote 5 files" in shown
    assert sorted(found.name for found in (tmp_path / "long").iterdir()) == [
        "draws.parquet",
        "expected.parquet",
        "flags.csv",
        "point.parquet",
        "report.json",
    ]
    stacked = pd.read_parquet(tmp_path / "long" / "draws.parquet")
    assert stacked["draw"].tolist() == [1] * N + [2] * N
    for number, table in enumerate(apart, start=1):
        part = stacked[stacked["draw"] == number].drop(columns="draw").reset_index(drop=True)
        pd.testing.assert_frame_equal(part, table, check_dtype=False)


def test_stata_keeps_its_letter_of_what_was_not_asked(go, frame, tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    single = frame["married"] == 2
    lettered = frame.assign(
        hours=frame["hours"].astype(object).mask(single, "i").mask(frame["hours"].isna() & ~single, "d")
    )
    pyreadstat.write_dta(lettered, tmp_path / "a.dta", missing_user_values={"hours": ["i", "d"]})
    go(tmp_path / "a.dta", "--format", "dta")
    after, _ = pyreadstat.read_dta(tmp_path / "out" / "draw_1.dta", user_missing=True)
    assert ((after["hours"] == "i") == single).all()
    assert not (after["hours"] == "d").any()


def test_nothing_is_fitted_if_all_holes_were_not_asked(go, frame, tmp_path):
    asked = (frame["married"] == 1) & frame["hours"].isna()
    path, *schema = csv(frame[~asked], tmp_path)
    assert "no holes to fill" in go(path, *schema)
    assert (tmp_path / "out" / "draw_1.csv").read_text() == path.read_text()


def test_the_report_says_the_same(go, frame, tmp_path):
    frame["unused"] = np.nan
    path, *schema = csv(frame, tmp_path)
    shown = go(path, *schema)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    single = int((frame["married"] == 2).sum())
    assert report["filled"] == {"holes": 7, "columns": {"hours": 7}}
    assert report["left_not_asked"] == {"holes": single, "columns": {"hours": single}}
    assert report["set_aside"] == {"unused": {"holes": N, "not_asked": 0, "why": "empty"}}
    assert report["in_doubt"] == []
    assert (report["file"], report["imputer"], report["draws"], report["seed"]) == ("a.csv", "hot-deck", 2, 1)
    assert f"left, set aside: {N} holes (unused: {N}, empty)" in shown


def test_status_tells_that_a_column_was_left_by_its_looks(go, frame, tmp_path):
    remarks = pd.Series([f"remark {row}" for row in range(N)])
    frame["remark"] = remarks.mask(remarks.index % 10 == 0)
    path, *_ = csv(frame, tmp_path)
    shown = go(path, status=1)
    assert "not all was done: remark could be filled; write a kind under [remark]" in shown
    (tmp_path / "s.toml").write_text('[remark]\nkind = "ignore"\n')
    assert "not all was done" not in go(path, "--schema", tmp_path / "s.toml")


def test_format_names_and_folder_are_checked_before_anything_is_fitted(go, frame, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.completion.complete_survey", lambda *_, **__: pytest.fail("fitted"))
    path, *_ = csv(frame.rename(columns={"age": "Solar.R"}), tmp_path)
    assert "Stata cannot hold the column names 'Solar.R'" in go(path, "--format", "dta", status=2)
    assert "unknown format 'txt'" in go(path, "--format", "txt", status=2)
    (tmp_path / "out").write_text("a file stands there")
    assert "cannot write there" in go(path, status=2)


def test_one_thread_and_the_environment_as_it_was(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with one_thread():
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "2"
    assert "MKL_NUM_THREADS" not in os.environ
