"""``impute`` obeys the seed alone: the same fills, whatever threads numerical libraries would use."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.threads import THREAD_VARIABLES

METHODS = (
    "gaussian-em",
    "gbm",
    "mice-pmm",
    "regression",
    "missforest",
    "miwae",
    "remasker",
    "hivae",
    "midas",
    "aimnet",
)


@pytest.fixture
def survey(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["age,party,trust,income"]
    for _ in range(120):
        age, trust = rng.integers(18, 90), rng.integers(1, 6)
        cells = [age, ["left", "right", "green"][age % 3], trust, round(age * 10 + rng.normal() * 50, 1)]
        lines.append(",".join("" if rng.random() < 0.2 else str(cell) for cell in cells))
    path = tmp_path / "survey.csv"
    path.write_text("\n".join(lines))
    return path


def fills(survey, threads):
    """Hash of what each method filled, where everything asks for so many threads."""
    script = Path(__file__).with_name("impute_with_threads.py")
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    command = [sys.executable, script, str(threads), survey, *METHODS]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert ended.returncode == 0, ended.stderr
    return dict(line.split() for line in ended.stdout.splitlines())


def test_fills_are_those_of_the_seed_with_one_thread_and_with_four(survey):
    one, four = fills(survey, 1), fills(survey, 4)
    assert set(one) >= {"gaussian-em", "mice-pmm", "regression", "missforest", "miwae", "remasker", "hivae"}
    assert one == four and len(set(one.values())) == len(one)
