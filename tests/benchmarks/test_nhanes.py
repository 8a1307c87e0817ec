"""A real SPSS file, NHANES 2009 to 2012, from ``describe`` over ``impute`` to ``run`` and back into SPSS."""

import json
import re
import sys
import tomllib

import numpy as np
import pytest

from benchmarks.__main__ import main

COMPLETE = ("SurveyYr", "Sex", "Age", "Race1")
HOLED = ("HHIncome", "Poverty", "BMI", "BPSysAve", "HealthGen", "Smoke100", "SmokeNow")
PUT = {"SDMVPSU": "psu", "SDMVSTRA": "stratum", "WTINT2YR": "weight"}


@pytest.fixture(scope="module")
def nhanes(shared):
    return shared / "data" / "surveys" / "nhanes_2009_2012.sav"


@pytest.fixture
def go(monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["benchmarks", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 0
        return " ".join(capsys.readouterr().out.split())

    return command


def edited(schema):
    """The schema that `describe` wrote, with a dozen columns in use, the skip rules it proposes, and the design."""
    written = schema.read_text()
    rules = dict(re.findall(r'^\[(\w+)\]\n# (asked_if = ".*")$', written, flags=re.MULTILINE))
    tables = tomllib.loads(written)
    parts = [f"[{name}]\nkind = {tables[name]['kind']!r}\n{rules.get(name, '')}\n" for name in (*COMPLETE, *HOLED)]
    parts += [f'[{name}]\nrole = "{role}"\n' for name, role in PUT.items()]
    parts += [f'[{name}]\nkind = "ignore"\n' for name in tables if name not in (*COMPLETE, *HOLED, *PUT, "file")]
    schema.write_text("\n".join(parts))


def test_described_imputed_and_written_back_and_benchmarked(nhanes, go, tmp_path, monkeypatch):
    pyreadstat = pytest.importorskip("pyreadstat")
    monkeypatch.chdir(tmp_path)
    schema = tmp_path / "nhanes.schema.toml"
    shown = go("describe", nhanes, "--schema", schema)
    assert "20,293 rows" in shown and "SmokeNow, SmokeAge: who was asked may be told by" in shown
    edited(schema)

    shown = go("impute", nhanes, "--imputer", "hot-deck", "--draws", 1, "--out", "filled", "--format", "sav",
               "--schema", schema)  # fmt: skip
    report = json.loads((tmp_path / "filled" / "report.json").read_text())
    assert set(report["filled"]["columns"]) == set(HOLED)
    left = report["left_not_asked"]["columns"]
    assert "left, not asked:" in shown
    assert left["SmokeNow"] > left["Smoke100"]  # those who were not asked about the past, and those who never smoked
    before, facts = pyreadstat.read_sav(nhanes, user_missing=True)
    after, kept = pyreadstat.read_sav(tmp_path / "filled" / "draw_1.sav", user_missing=True)
    assert list(after) == list(before)
    assert kept.variable_value_labels == facts.variable_value_labels
    assert kept.column_names_to_labels == facts.column_names_to_labels
    assert kept.variable_measure == facts.variable_measure
    for column in before:
        filled = (before[column].isna() & after[column].notna()).to_numpy()
        assert before[column][~filled].equals(after[column][~filled])
        assert filled.any() == (column in report["filled"]["columns"])
        codes = facts.variable_value_labels.get(column)
        assert codes is None or np.isin(after[column][filled], list(codes)).all()
    young = before["Age"] < 20
    assert left["Smoke100"] == young.sum()
    assert after["Smoke100"][young].isna().all() and after["Smoke100"][~young].notna().all()
    smokers = after["Smoke100"].map(facts.variable_value_labels["Smoke100"]) == "Yes"
    assert (after["SmokeNow"].notna() == smokers).all()

    run = ("run", "--data", nhanes, "--schema", schema, "--rows", 1200, "--imputers", "mean,hot-deck", "--seeds", 1)
    shown = go(*run, "--mechanisms", "mcar,mar")
    assert "mar hides by SurveyYr, Sex, Age, Race1" in shown and "4 of 4 cells done, 0 failed" in shown
    board = (tmp_path / "results" / "nhanes_2009_2012" / "leaderboard.md").read_text()
    assert "1,200 rows × 11 columns" in board and "primary sampling units" in board
