"""A cluster gives what one machine gives, also when a worker is killed in the middle."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cells import Cell
from benchmarks.cluster.order import longest_first
from benchmarks.cluster.parcel import Answer, Parcel, check_version, keep_answer, pack_parcel, read_answer
from benchmarks.cluster.waiting import within
from benchmarks.judge import Job
from benchmarks.processes import Limits
from benchmarks.store import Store
from datasets.errors import InputError
from reports.results import Provenance, Record, read_record

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
    store = Store(Path("nowhere"))
    one = replace(job("mean", 1, store), provenance=Provenance("", {"numpy": "1", "python": "3", "R": "4.2"}, ""))
    ours = pack_parcel([one], Limits(1, 1), (), ())
    assert set(ours.libraries) == {"numpy", "python"}
    check_version(ours)
    with pytest.raises(InputError, match="other files of this project"):
        check_version(replace(ours, code="other"))
    with pytest.raises(InputError, match="a worker has numpy .*, the driver 0.1"):
        check_version(replace(ours, libraries={**ours.libraries, "numpy": "0.1"}))


def test_what_never_answers_is_left_in_its_time_and_told():
    began = time.monotonic()
    with pytest.raises(InputError, match=r"--dask: waiting took longer than 0.05 s.*finished cells are stored"):
        within(0.05, "waiting", threading.Event().wait)
    assert time.monotonic() - began < 5
    assert within(5.0, "adding", lambda: 1 + 1) == 2
    with pytest.raises(ZeroDivisionError):
        within(5.0, "dividing", lambda: 1 / 0)


def test_a_process_beside_a_worker_that_is_silent_or_dies_is_told(monkeypatch):
    worker = pytest.importorskip("benchmarks.cluster.worker")
    parcel = Parcel({}, Limits(1, 1), {}, (), (), "", {})
    monkeypatch.setattr(worker, "START_SECONDS", 0.05)
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", "import time; time.sleep(60)"))
    with pytest.raises(InputError, match=r"was silent for 0.05 s"):
        worker.Bench(parcel)
    monkeypatch.setattr(worker, "START_SECONDS", 30.0)
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(InputError, match="ended with exit code 3"):
        worker.Bench(parcel)


class Scheduled:
    """A stand-in for a client whose scheduler has workers of these resources, and never ends a cell."""

    def __init__(self, *resources):
        self.resources, self.sent, self.cancelled = resources, [], []
        self.scheduler = self
        self.address = "tcp://here:1"

    def scheduler_info(self, n_workers):
        return {"workers": {str(i): {"nthreads": 1, "resources": own} for i, own in enumerate(self.resources)}}

    def submit(self, compute, name, record_key, *, resources, **options):
        self.sent.append((record_key, resources))
        return len(self.sent)

    def cancel(self, futures, *, force):
        self.cancelled += futures


def test_cells_that_want_a_gpu_go_to_workers_that_declare_one_and_elsewhere_once_they_are_gone():
    driver = pytest.importorskip("benchmarks.cluster.driver")
    torch, plain = Provenance("", {"torch": "2"}, ""), Provenance("", {}, "")
    jobs = [replace(job("net", 1), provenance=torch), replace(job("mean", 1), provenance=plain)]
    client = Scheduled({"GPU": 1.0}, {})
    cluster = driver.Cluster(client, None)
    cluster._send_out(iter(jobs))
    assert client.sent == [("net1-1", {"GPU": 1}), ("mean1-1", None)]
    client.resources = ({},)
    cluster._send_out(iter([]))
    assert not client.cancelled
    cluster.seen["GPU"] -= 2 * driver.ABSENT_SECONDS
    cluster._send_out(iter([]))
    assert client.cancelled == [1]
    assert client.sent[2:] == [("net1-1", None)]
    assert [running.cell.imputer for running in cluster.running.values()] == ["mean", "net"]


def test_a_run_ends_with_a_sentence_when_no_worker_is_left():
    driver = pytest.importorskip("benchmarks.cluster.driver")
    cluster = driver.Cluster(Scheduled(), None)
    cluster._send_out(iter([]))
    cluster.seen["worker"] -= 2 * driver.ABSENT_SECONDS
    with pytest.raises(InputError, match="no worker was there for .*tcp://here:1.*finished cells are stored"):
        cluster._send_out(iter([]))


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
