"""Claims on cells: one run has each, the dead lose theirs, and two runs in one store compute nothing twice."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import claims as module
from benchmarks.claims import Claims, Owner
from benchmarks.store import Store
from reports.results import read_record

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def claimed_by(store, owner, age=0.0):
    path = store.folder / "claims" / "a.json"
    path.write_text(json.dumps(vars(owner)))
    os.utime(path, (time.time() - age,) * 2)


def test_one_run_has_a_cell_until_it_gives_it_back(store):
    with Claims(store).kept() as ours, Claims(store).kept() as theirs:
        assert ours.take("a") and not theirs.take("a") and not theirs.free(["a"])
        assert theirs.owner("a") == Owner.here()
        ours.release("a")
        assert theirs.free(["a"]) and theirs.take("a")
    assert not list((store.folder / "claims").iterdir())


def test_the_dead_lose_their_claims_and_others_by_silence_alone(store):
    here = Owner.here()
    with Claims(store).kept() as ours:
        claimed_by(store, Owner(here.host, here.pid, here.born - 100))  # the number of a process that is gone
        assert ours.free(["a"]) and ours.take("a") and ours.owner("a") == here
        ours.release("a")
        claimed_by(store, Owner("elsewhere", here.pid, here.born), module.STALE_SECONDS / 2)
        assert not ours.take("a")
        claimed_by(store, Owner("elsewhere", here.pid, here.born), module.STALE_SECONDS * 2)
        assert ours.take("a")
        claimed_by(store, Owner("elsewhere", 1, 1.0))  # which took it over meanwhile
        ours.release("a")
        assert ours.owner("a") == Owner("elsewhere", 1, 1.0)


def test_claims_have_a_heartbeat(store, monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.02)
    with Claims(store).kept() as ours:
        ours.take("a")
        claimed_by(store, Owner.here(), age=1000)
        until = time.monotonic() + 5
        path = store.folder / "claims" / "a.json"
        while time.time() - path.stat().st_mtime > 500 and time.monotonic() < until:
            time.sleep(0.01)
        assert time.time() - path.stat().st_mtime < 500


@pytest.mark.slow
def test_two_runs_in_one_store_compute_no_cell_twice(tmp_path):
    plugin = tmp_path / "slow.py"
    plugin.write_text(SLOW)
    words = [sys.executable, "-m", "benchmarks", "run", "--dataset", "toy", "--imputers", "slow", "--load", str(plugin)]
    words += [
        "--mechanisms",
        "mcar",
        "--seeds",
        "1,2,3,4",
        "--jobs",
        "1",
        "--shard",
        "1/1",
        "--out",
        str(tmp_path / "out"),
    ]
    runs = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    store = tmp_path / "out" / "store"
    assert [read_record(path).status for path in (store / "records").iterdir()] == ["done"] * 4
    printed = Counter(path.read_text().count("computed") for path in (store / "logs").iterdir())
    assert printed == {1: 4}
    assert not list((store / "claims").iterdir())


SLOW = '''
import time

from imputers import IMPUTERS
from imputers.base import Imputer


@IMPUTERS.register("slow")
class Slow(Imputer):
    """Fills with the largest code, after a while."""

    def _fit(self, X, rng):
        print("computed", flush=True)
        time.sleep(0.5)

    def _draw(self, X, rng):
        import numpy as np

        return np.where(np.isnan(X), np.nanmax(X, axis=0), X)
'''
