"""``impute``: holes are filled, observed cells come back to the letter, and every file says what it should."""

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks.__main__ import main


@pytest.fixture
def table(tmp_path):
    """A csv with numbers written in their own ways, texts, holes of two spellings, and a column to ignore."""
    rng = np.random.default_rng(0)
    n = 120
    trait = rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "code": [f"{row:03d}x" for row in range(n)],
            "age": [f"{age}" for age in np.round(45 + 12 * trait).astype(int)],
            "income": [f"{value:.2f}" for value in 30 + 8 * trait + rng.normal(size=n)],
            "trust": [f"{level}" for level in np.clip(np.round(3 + trait), 1, 5).astype(int)],
            "party": np.where(trait + rng.normal(size=n) > 0, "red", "blue"),
        }
    )
    for name, hole in {"income": "", "trust": "NA", "party": ""}.items():
        frame.loc[rng.random(n) < 0.2, name] = hole
    path = tmp_path / "survey.csv"
    frame.to_csv(path, index=False)
    return path


def impute(monkeypatch, path, out, *more):
    arguments = ["benchmarks", "impute", path, "--imputer", "hot-deck", "--draws", 3, "--out", out, *more]
    monkeypatch.setattr(sys, "argv", [str(argument) for argument in arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0


def read(path):
    return pd.read_csv(path, dtype=str, na_filter=False)


def test_every_file_is_written_and_observed_cells_are_kept(monkeypatch, table, tmp_path):
    out = tmp_path / "filled"
    impute(monkeypatch, table, out)
    names = ["draw_1", "draw_2", "draw_3", "point", "expected", "flags"]
    assert sorted(path.name for path in out.iterdir()) == sorted(["report.json", *(f"{name}.csv" for name in names)])
    before, flags = read(table), read(out / "flags.csv")
    holes = before.isin(["", "NA"])
    assert ((flags == "1").to_numpy() == holes.to_numpy()).all()
    for name in names[:5]:
        after = read(out / f"{name}.csv")
        assert list(after.columns) == list(before.columns)
        assert after.where(~holes).equals(before.where(~holes))
        assert not after.isin(["", "NA"]).to_numpy().any()
    for name in names[:4]:
        assert set(read(out / f"{name}.csv")["party"]) == {"red", "blue"}
        assert set(read(out / f"{name}.csv")["trust"]) <= set("12345")


def test_draws_differ_and_expected_lies_among_them(monkeypatch, table, tmp_path):
    out = tmp_path / "filled"
    impute(monkeypatch, table, out, "--draws", 40)
    draws = np.stack([pd.read_csv(out / f"draw_{number}.csv")["income"] for number in range(1, 41)])
    holes = pd.read_csv(out / "flags.csv")["income"].to_numpy() == 1
    assert (draws[:, holes].std(axis=0) > 0).all()
    error = pd.read_csv(out / "expected.csv")["income"].to_numpy() - draws.mean(axis=0)
    assert (np.abs(error[holes]) < 5 * draws[:, holes].std(axis=0) / np.sqrt(40)).all()
    assert read(out / "expected.csv")["party"].equals(read(out / "point.csv")["party"])


def test_same_seed_same_files(monkeypatch, table, tmp_path):
    for out in ("one", "two", "other"):
        impute(monkeypatch, table, tmp_path / out, "--seed", 2 if out == "other" else 1)
    one, two, other = (read(tmp_path / out / "draw_1.csv") for out in ("one", "two", "other"))
    assert one.equals(two)
    assert not one.equals(other)


def test_table_without_holes_comes_back_as_it_is(monkeypatch, capsys, tmp_path):
    path = tmp_path / "whole.csv"
    path.write_text("a,b\n1.50,x\n2.25,y\n007,x\n")
    impute(monkeypatch, path, tmp_path / "filled")
    assert (tmp_path / "filled" / "draw_1.csv").read_text() == path.read_text()
    assert "no holes" in capsys.readouterr().out


def test_column_of_one_value_and_blanks_is_left_as_it_is(monkeypatch, table, tmp_path):
    frame = read(table)
    frame["country"] = np.where(np.arange(len(frame)) % 3, "US", "")
    frame.to_csv(table, index=False)
    impute(monkeypatch, table, tmp_path / "filled")
    assert read(tmp_path / "filled" / "draw_2.csv")["country"].equals(frame["country"])


@pytest.mark.parametrize("suffix", ["parquet", "dta", "sav"])
def test_other_formats(monkeypatch, table, tmp_path, suffix):
    impute(monkeypatch, table, tmp_path / "filled", "--format", suffix)
    assert (tmp_path / "filled" / f"draw_1.{suffix}").stat().st_size > 1000


def test_a_method_that_needs_more_rows_is_refused(monkeypatch, capsys, table, tmp_path):
    arguments = ["benchmarks", "impute", str(table), "--imputer", "hivae", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert "hivae needs 1,000 rows to keep the relations between columns, and there are 120" in capsys.readouterr().err
