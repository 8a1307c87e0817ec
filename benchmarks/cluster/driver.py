"""The driver's part: cells go to the workers of a Dask cluster, and what comes back is written to the store."""

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import dask
from distributed import CancelledError, Client, Future, LocalCluster, wait
from distributed.client import ClosedClientError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker, Scheduler

from benchmarks.cluster.parcel import Parcel, keep_answer
from benchmarks.cluster.waiting import UnansweredError, within
from benchmarks.cluster.worker import Cells, compute
from benchmarks.judge import Job
from benchmarks.stopping import unstopped
from datasets.errors import InputError
from reports.results import Record

RETRIES = 2  # of a cell whose worker is lost
WAIT_SECONDS = 1.0
CONNECT_SECONDS = 30
ANSWER_SECONDS = 120.0  # for a scheduler's answer
START_SECONDS = 600.0  # for workers that are started, or prepare, on a busy machine
CLOSE_SECONDS = 30.0
ABSENT_SECONDS = 300.0  # that a run goes on without a worker, or waits for one with a GPU to come back

GONE = (CommClosedError, ClosedClientError)


@contextmanager
def cluster(address: str) -> Iterator[Client]:
    """The client of a cluster that runs at an address, or that is started here as ``local:4``: so many processes.

    Raises
    ------
    InputError
        If nobody answers there.
    """
    local = re.fullmatch(r"local:([1-9]\d*)", address)
    if local:
        settings = {"distributed.scheduler.allowed-failures": RETRIES, "distributed.comm.timeouts.connect": "120s"}
        with dask.config.set(settings):
            started = within(START_SECONDS, f"starting {local[1]} workers", lambda: _started(int(local[1])))
            try:
                with _client(started.scheduler_address) as client:
                    yield client
            finally:
                _closed(started)
        return
    with _client(address) as client:
        within(ANSWER_SECONDS, f"a word with the scheduler at {address}", lambda: client.run_on_scheduler(_retry))
        yield client


def _started(n: int) -> LocalCluster:
    with unstopped():  # the workers, which a terminal would stop too; they end with the driver
        return LocalCluster(
            n_workers=n,
            threads_per_worker=1,
            dashboard_address=None,
            death_timeout=START_SECONDS,
            silence_logs=logging.ERROR,  # a busy machine ends workers late, which nobody need know
        )


@contextmanager
def _client(address: str) -> Iterator[Client]:
    try:
        client = within(
            2 * CONNECT_SECONDS, f"connecting to {address}", lambda: Client(address, timeout=CONNECT_SECONDS)
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask {address}: no scheduler answers there ({error}); give the address that `dask scheduler` shows, "
            "or local:4 for four workers on this machine"
        ) from None
    try:
        yield client
    finally:
        _closed(client)


def _closed(what: Client | LocalCluster) -> None:
    with suppress(UnansweredError):  # it ends with the driver
        within(CLOSE_SECONDS, "closing", what.close)


def _retry(dask_scheduler: Scheduler) -> None:
    dask_scheduler.allowed_failures = RETRIES


class Cluster:
    """Runs jobs on the workers of a cluster, one for each of their threads, as `supervisor.Supervisor` does here."""

    def __init__(self, client: Client, parcel: Parcel) -> None:
        self.client, self.parcel = client, parcel
        self.name = f"imputation-benchmark-{uuid.uuid4().hex}"
        self.running: dict[Future, Job] = {}
        self.on_gpu: set[Future] = set()  # those of them that wait for a worker with a GPU, or run there
        self.seen = dict.fromkeys(("worker", "GPU"), time.monotonic())  # when one was there last

    def run(self, jobs: Iterable[Job], done: Callable[[Job, Record, float], bool]) -> None:
        """Run every job, and give each record to ``done``, which returns False to stop.

        Raises
        ------
        InputError
            If a worker has another version of the project or its libraries, if the scheduler is lost or does not
            answer, or if there is no worker for five minutes.
        OSError
            If the store cannot be written.
        """
        plugin = Cells(self.name, self.parcel)
        within(START_SECONDS, "preparing the workers", lambda: self.client.register_plugin(plugin))
        try:
            waiting = iter(jobs)
            while True:
                self._send_out(waiting)
                if not self.running:
                    return
                for future in self._ended():
                    job = self.running.pop(future)
                    record, seconds = self._received(job, future)
                    future.release()  # or the cell would be computed again if its worker were lost later
                    if not done(job, record, seconds):
                        return
        except GONE as error:
            raise self._lost(str(error)) from None
        finally:
            self._withdraw()

    def _send_out(self, waiting: Iterator[Job]) -> None:
        """Send a job for each thread that is free; those that want a GPU where nobody has one any more, elsewhere."""
        workers = self._workers()
        gpu = any(worker["resources"].get("GPU") for worker in workers)
        now = time.monotonic()
        self.seen |= {kind: now for kind, there in (("worker", bool(workers)), ("GPU", gpu)) if there}
        if now - self.seen["worker"] > ABSENT_SECONDS:
            raise InputError(
                f"--dask: no worker was there for {ABSENT_SECONDS:g} s; start some (`dask worker "
                f"{self.client.scheduler.address}`) and give the same command again: finished cells are stored"
            )
        if now - self.seen["GPU"] > ABSENT_SECONDS:
            for future in list(self.on_gpu & self.running.keys()):
                stranded = self.running.pop(future)
                self._cancel([future])
                self._send(stranded, gpu=False)
        places = max(sum(worker["nthreads"] for worker in workers), 1)
        while len(self.running) < places and (job := next(waiting, None)) is not None:
            self._send(job, gpu=gpu)

    def _workers(self) -> list[dict[str, Any]]:
        """What the scheduler says of each worker."""
        ask = self.client.scheduler_info
        told = within(ANSWER_SECONDS, "an answer of the scheduler", lambda: ask(n_workers=-1))
        return list(told["workers"].values())

    def _send(self, job: Job, *, gpu: bool) -> None:
        """Send a job; without a GPU, methods of torch run on processors, as they do here."""
        wants = gpu and "torch" in job.provenance.versions
        key = f"{self.name}-{job.record_key}-{'gpu' if wants else 'cpu'}"
        resources = {"GPU": 1} if wants else None
        future = self.client.submit(compute, self.name, job.record_key, key=key, pure=False, resources=resources)
        self.running[future] = job
        if wants:
            self.on_gpu.add(future)

    def _ended(self) -> list[Future]:
        with suppress(TimeoutError, CancelledError):
            wait(list(self.running), timeout=WAIT_SECONDS, return_when="FIRST_COMPLETED")
        return [future for future in self.running if future.status != "pending"]

    def _received(self, job: Job, future: Future) -> tuple[Record, float]:
        """The record of a cell that has ended, once the store has its files."""
        if future.status in ("cancelled", "lost"):
            raise self._lost("the connection ended")
        ask, most = f"an answer on {job.cell.imputer}", START_SECONDS + self.parcel.limits.seconds
        error = within(most, ask, future.exception)
        if isinstance(error, KilledWorker):
            return job.record("failed", f"its worker was lost, and {RETRIES} others that tried it after it", 0.0), 0.0
        if error is not None:
            return job.record("failed", f"its worker gave no answer: {error}", 0.0), 0.0
        answer = within(most, ask, future.result)  # computed again if its worker is lost just now
        try:
            keep_answer(job.store, job, answer)
        except InputError as damaged:
            return job.record("failed", str(damaged), answer.seconds), answer.seconds
        return answer.record, answer.seconds

    def _lost(self, why: str) -> InputError:
        return InputError(
            f"--dask: the scheduler is lost ({why}); see to it and give the same command again: finished cells are "
            "stored"
        )

    def _withdraw(self) -> None:
        """Take back what was sent, as far as somebody answers."""
        self._cancel(list(self.running))
        with suppress(UnansweredError, *GONE):
            within(CLOSE_SECONDS, "withdrawing", lambda: self.client.unregister_worker_plugin(self.name))

    def _cancel(self, futures: list[Future]) -> None:
        with suppress(UnansweredError, *GONE):
            within(CLOSE_SECONDS, "withdrawing cells", lambda: self.client.cancel(futures, force=True))
