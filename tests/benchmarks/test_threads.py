"""``impute`` and Python's door obey the seed alone: the same fills, whatever threads numerical libraries would use."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from imputers.base import Imputer
from imputers.threads import THREAD_VARIABLES, one_thread

METHODS = (
    "regression",
    "gaussian-em",
    "gbm(n_estimators=20)",
    "mice-pmm",
    "missforest(n_estimators=10)",
    "miwae(max_examples=2000)",
    "remasker(max_epochs=5)",
    "hivae(max_iter=30)",
    "midas(max_epochs=5)",
    "aimnet(max_epochs=5)",
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
    assert set(one) == {*METHODS, "command"}
    assert one == four and len(set(one.values())) == len(one)


def threads():
    """Threads that libraries would use now."""
    return {pool["num_threads"] for pool in threadpool_info()} | {torch.get_num_threads()}


class Counts(Imputer):
    """Notes how many threads it is given."""

    def _fit(self, X, rng):
        self.given_ = [threads(), os.environ["OMP_NUM_THREADS"]]

    def _draw(self, X, rng):
        self.given_.append(threads())
        return np.where(np.isnan(X), 1.0, X)


def test_the_door_gives_one_thread_and_leaves_the_threads_as_they_were(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    X = np.array([[1.0, 2.0], [2.0, 1.0], [np.nan, 1.0], [1.0, 2.0]])
    torch.set_num_threads(3)
    try:
        imputer = Counts().fit(X)
        imputer.impute(X)
        imputer.transform(X)
        assert torch.get_num_threads() == 3 and os.environ["OMP_NUM_THREADS"] == "3"
    finally:
        torch.set_num_threads(1)
    assert imputer.given_[:2] == [{1}, "1"] and all(found == {1} for found in imputer.given_[2:])
    assert len(imputer.given_) > 10


def test_what_a_method_sets_itself_is_not_hidden():
    """`check` looks for it after `fit`."""
    with one_thread():
        os.environ["MKL_NUM_THREADS"] = "7"
        torch.set_num_threads(2)
    assert os.environ.pop("MKL_NUM_THREADS") == "7" and torch.get_num_threads() == 2
    torch.set_num_threads(1)
