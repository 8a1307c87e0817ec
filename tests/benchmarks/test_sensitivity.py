"""Sensitivity: estimands as people write them, the curve, its tipping points, and the command."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.sensitivity import curve
from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset
from metrics.requested import requested
from reports.drawing import png
from reports.tipping import figure, tipping, told

LEVELS = {1.0: "low", 2.0: "middle", 3.0: "high"}


@pytest.fixture(scope="module")
def table():
    """Income on schooling and a vote, income missing for a third."""
    rng = np.random.default_rng(2)
    educ, vote = rng.normal(12, 2, 400), rng.integers(1, 3, 400).astype(float)
    income = educ + rng.normal(0, 2, 400)
    income[rng.random(400) < 0.3] = np.nan
    trust = rng.integers(1, 4, 400).astype(float)
    columns = (
        Column("educ", Kind.NUMERIC),
        Column("vote", Kind.NOMINAL, {1.0: "no", 2.0: "yes"}),
        Column("trust", Kind.ORDINAL, LEVELS),
        Column("income", Kind.NUMERIC),
    )
    return Dataset("table", Schema(columns), np.column_stack([educ, vote, trust, income]))


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("mean income", "mean", ["mean: income"]),
        ("share vote = yes", "share", ["share: vote = yes"]),
        ("income ~ educ + vote", "linear", ["linear: income ~ educ", "linear: income ~ vote: yes"]),
        ("vote = yes ~ educ", "logistic", ["logistic: vote ~ educ"]),
        ("trust ~ educ", "proportional odds", ["proportional odds: trust ~ educ"]),
    ],
)
def test_estimands_are_read_as_people_write_them(table, text, kind, names):
    found = requested(text, table.schema)
    assert found.kind == kind and list(found.names) == names


@pytest.mark.parametrize(
    ("text", "told"),
    [("income", "cannot be read"), ("mean vote", "no order"), ("share vote = maybe", "none of its answers"),
     ("vote ~ educ", "write 'vote = no'"), ("mean wage", "no column 'wage'")],
)  # fmt: skip
def test_what_cannot_be_read_is_told(table, text, told):
    with pytest.raises(InputError, match=told):
        requested(text, table.schema)


def test_the_mean_moves_by_the_departure_times_the_share_that_is_missing(table):
    found = curve(table, "narfcs-pmm", "income", [-1.0, 0.0, 1.0], requested("mean income", table.schema), 3, 1)
    income = table.values[:, 3]
    step = np.isnan(income).mean() * np.nanstd(income)
    assert np.diff(found["estimate"]) == pytest.approx([step, step], abs=0.15 * step)
    assert (found["low"] < found["estimate"]).all() and (found["estimate"] < found["high"]).all()


def test_shares_are_shown_as_shares(table):
    found = curve(table, "narfcs-pmm", "income", [0.0], requested("share vote = yes", table.schema), 2, 1)
    assert found["estimate"][0] == pytest.approx((table.values[:, 1] == 2).mean())


def test_methods_and_items_that_have_no_departure_are_refused(table):
    analysis = requested("mean income", table.schema)
    with pytest.raises(InputError, match="has no delta; take one of narfcs"):
        curve(table, "mice", "income", [0.0], analysis, 2, 1)
    with pytest.raises(InputError, match="'trust' of 'table' has no holes"):
        curve(table, "narfcs-pmm", "trust", [0.0], analysis, 2, 1)


def line(deltas, estimates, half=1.0, name="mean: income"):
    e = np.array(estimates, dtype=float)
    return pd.DataFrame({"delta": deltas, "estimand": name, "estimate": e, "low": e - half, "high": e + half})


def test_tipping_points_lie_where_an_end_crosses_the_value():
    """Estimate 2 + 2δ ± 1 is above 0 from δ = -.5 on; 3 + δ stays above all the way."""
    found = tipping(line([-1, 0, 1], [0, 2, 4]), 0.0)
    assert (found.at_random, found.above) == ("above", None)
    assert found.below == pytest.approx(-0.5)
    assert tipping(line([-1, 0, 1], [2, 3, 4]), 0.0).below is None
    within = tipping(line([-2, -1, 0, 1, 2], [-4, -2, 0, 2, 4]), 0.0)
    assert (within.at_random, within.below, within.above) == ("not told from", pytest.approx(-0.5), pytest.approx(0.5))


def test_what_is_told_and_drawn():
    curve_ = line([-1, 0, 1], [0, 2, 4])
    assert "above 0. That changes where the missing of income depart by -0.50" in told(curve_, 0.0, "income")
    assert "No departure of income from -1 to +1 changes that" in told(line([-1, 0, 1], [2, 3, 4]), 0.0, "income")
    assert png(figure(curve_, 0.0, "income", "SD")).startswith(b"\x89PNG")


def test_the_command_writes_curve_figure_and_page(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from benchmarks.app import app

    words = ["sensitivity", "toy", "--item", "trust", "--estimand", "income ~ trust", "--draws", "2"]
    ended = CliRunner().invoke(app, [*words, "--deltas=-1,0,1", "--out", str(tmp_path)])
    assert ended.exit_code == 0, ended.output
    assert {path.name for path in tmp_path.iterdir()} == {"tipping-1.png", "curve.csv", "sensitivity.md"}
    assert len(pd.read_csv(tmp_path / "curve.csv")) == 3
    refused = CliRunner().invoke(app, [*words, "--deltas=1,2", "--out", str(tmp_path)])
    assert isinstance(refused.exception, InputError) and "must be among them" in str(refused.exception)
