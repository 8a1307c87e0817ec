"""What is said of somebody's own file before a run starts."""

import numpy as np
import pytest

from benchmarks import outlook as outlooks
from benchmarks.growth.fit import fit_growth
from benchmarks.growth.kept import Measurement
from benchmarks.growth.measuring import Costs
from benchmarks.outlook import outlook
from benchmarks.processes import Limits
from benchmarks.suite import Block, Suite
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset


@pytest.fixture(autouse=True)
def growth(monkeypatch):
    """What is known of growth: nothing, until a test puts it in."""
    known = {}
    monkeypatch.setattr(outlooks, "published", lambda: known)
    return known


def said(n, p, drivers=1, **block):
    columns = [Column(f"q{j}", Kind.NUMERIC, role=Role.DRIVER if j < drivers else Role.ITEM) for j in range(p)]
    one = Block("file('big.csv')", **block)
    table = Dataset("big", Schema(tuple(columns)), np.zeros((n, p)))
    return outlook(Suite("big", (one,)), {one.table: table}, Limits(600, 4), 2)


def test_columns_that_drive_are_named_once_with_the_line_that_changes_it():
    (line,) = said(50, 9, drivers=7)
    assert "mar hides by q0, q1, q2, q3, q4 and 2 more" in line and 'role = "driver"' in line


def test_without_mar_nothing_drives():
    assert said(50, 3, mechanisms=("mcar", "ni")) == []


@pytest.mark.parametrize(("n", "p"), [(256_000, 4), (100, 4000)])
def test_a_large_file_says_what_it_takes_and_what_makes_it_less(n, p):
    imputers = ("mean", "hot-deck")
    (line,) = said(n, p, imputers=imputers, mechanisms=("mcar", "mar(auc=0.8)"), seeds=(1, 2))[1:]
    assert f"{n:,} rows × {p:,} columns; 4 masks × 2 imputers are 8 cells, each of 600 s and 4 GB at most" in line
    assert "2 at a time: up to 0.7 hours" in line
    assert ("--rows 5000" in line) == (n > 5000)


def test_registered_tables_need_no_outlook():
    one = Block("toy")
    table = Dataset("toy", Schema((Column("x", Kind.NUMERIC),)), np.zeros((30_000, 1)))
    assert outlook(Suite("toy", (one,)), {one.table: table}, Limits(600, 4), 2) == []


def test_a_large_file_names_the_methods_that_would_take_hours_and_others(growth):
    for name, seconds in (("gmm", 2.0), ("mean", 0.001), ("hot-deck", 0.01), ("latent-class", 0.05), ("knn", 0.02)):
        growth[name] = fit_growth([Measurement(name, "made up", 100, 10, "", "", Costs(0.0, seconds, 1.0, 2.0))])
    line = said(200_000, 24, imputers=("gmm", "mean"), mechanisms=("mcar",))[-1]
    assert "gmm 2.7 h; within ten minutes: latent-class, hot-deck, knn" in line
    assert len(said(25_000, 24, imputers=("mean",), mechanisms=("mcar",))) == 1
