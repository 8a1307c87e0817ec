"""The packages of this project are ours, whatever else is installed."""

from pathlib import Path

import benchmarks
import datasets
import imputers
import metrics
import reports

ROOT = Path(__file__).resolve().parents[1]


def test_packages_come_from_this_checkout():
    for package in (benchmarks, datasets, imputers, metrics, reports):
        assert Path(package.__file__).resolve().parent.parent == ROOT
