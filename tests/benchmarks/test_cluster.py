"""A cluster gives what one machine gives, also when a worker is killed in the middle."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cells import Cell
from benchmarks.cluster.order import longest_first
from benchmarks.cluster.parcel import Answer, check_version, keep_answer, project_version, read_answer
from benchmarks.judge import Job
from benchmarks.store import Store
from datasets.errors import InputError
from reports.results import Record, read_record

ROOT = Path(__file__).resolve().parents[2]
COSTS = {"fit-seconds", "draw-seconds", "peak-memory-mb"}


def job(imputer, seed, store=None):
    cell, key = Cell("toy", "mcar", 0.3, seed, imputer, 2), f"{imputer}{seed}"
    return Job(cell, "mcar", None, key, f"{key}-1", store)


def test_long_cells_come_first_after_one_of_each_method_that_nobody_knows():
    jobs = [job(name, seed) for seed in (1, 2) for name in ("mean", "new", "gbm", "other")]
    done = Record("toy", "mcar", 0.3, 9, "mean", seconds=1.0)
    records = {"a": done, "b": replace(done, imputer="gbm", seconds=30.0), "c": replace(done, seconds=3.0)}
    order = [one.prediction_key for one in longest_first(jobs, records)]
    assert order == ["new1", "other1", "new2", "other2", "gbm1", "gbm2", "mean1", "mean2"]


def test_files_of_an_answer_arrive_whole_and_inside_their_folder(tmp_path):
    there, here = Store(tmp_path / "there"), Store(tmp_path / "here")
    one, record = job("mean", 1, here), Record("toy", "mcar", 0.3, 1, "mean", "failed", "too slow")
    there.learned_path("mean1").joinpath("deep").mkdir(parents=True)
    there.learned_path("mean1").joinpath("deep", "curve.csv").write_text("1,2")
    there.log_path("mean1").parent.mkdir()
    there.log_path("mean1").write_text("hello")
    keep_answer(here, one, read_answer(there, one, record, 1.5))
    assert here.learned_path("mean1").joinpath("deep", "curve.csv").read_text() == "1,2"
    assert here.log_path("mean1").read_text() == "hello"
    with pytest.raises(InputError, match="outside its folder"):
        keep_answer(here, one, Answer(record, 1.0, None, b"", {"../../x": b""}))
    with pytest.raises(InputError, match="is not the prediction of a cell"):
        keep_answer(here, one, Answer(record, 1.0, b"PK damaged", b"", {}))


def test_a_worker_of_another_version_is_refused():
    ours = project_version()
    check_version(ours)
    with pytest.raises(InputError, match="another version of this project"):
        check_version(replace(ours, code="other"))
    with pytest.raises(InputError, match="a worker has numpy .*, the driver 0.1"):
        check_version(replace(ours, libraries={**ours.libraries, "numpy": "0.1"}))


def scores(out):
    found = {path.stem: read_record(path) for path in (out / "store" / "records").glob("*.json")}
    return {key: (r.status, [s for s in r.scores if s[0] not in COSTS]) for key, r in found.items()}


@pytest.fixture
def processes():
    started = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def start(processes, *words):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=environment)
    processes.append(process)
    return process


@pytest.mark.slow
def test_a_cluster_with_a_killed_worker_gives_the_scores_of_one_machine(tmp_path, processes):
    pytest.importorskip("distributed")
    words = ["benchmarks", "run", "--dataset", "toy", "--imputers", "mean,hot-deck,mice-pmm", "--mechanisms", "mcar"]
    words += ["--seeds", "1,2,3", "--shard", "1/1"]
    address = f"tcp://127.0.0.1:{free_port()}"
    start(processes, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", address[-5:], "--no-dashboard")
    worker = "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard"
    workers = [start(processes, *worker) for _ in range(2)]
    run = start(processes, *words, "--dask", address, "--out", str(tmp_path / "cluster"))
    records = tmp_path / "cluster" / "store" / "records"
    while run.poll() is None and len(list(records.glob("*.json"))) < 2:
        time.sleep(0.05)
    assert run.poll() is None
    os.kill(workers[0].pid, signal.SIGKILL)
    assert run.wait(timeout=300) == 0
    alone = start(processes, *words, "--out", str(tmp_path / "alone"))
    assert alone.wait(timeout=300) == 0
    assert len(scores(tmp_path / "alone")) == 9
    assert scores(tmp_path / "cluster") == scores(tmp_path / "alone")


def free_port():
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            if (port := probe.getsockname()[1]) >= 10000:
                return port
