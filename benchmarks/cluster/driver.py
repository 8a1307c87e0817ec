"""The driver's part: cells go to the workers of a Dask cluster, and what comes back is written to the store."""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import dask
from distributed import Client, Future, LocalCluster, wait
from distributed.scheduler import KilledWorker, Scheduler

from benchmarks.cluster.parcel import Parcel, keep_answer
from benchmarks.cluster.worker import Cells, compute
from benchmarks.judge import Job
from datasets.errors import InputError
from reports.results import Record

RETRIES = 2  # of a cell whose worker is lost
WAIT_SECONDS = 1.0
CONNECT_SECONDS = 30


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
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": RETRIES}),
            LocalCluster(n_workers=int(local[1]), threads_per_worker=1, dashboard_address=None) as started,
            Client(started) as client,
        ):
            yield client
        return
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask {address}: no scheduler answers there ({error}); give the address that `dask scheduler` shows, "
            "or local:4 for four workers on this machine"
        ) from None
    with client:
        client.run_on_scheduler(_retry)
        yield client


def _retry(dask_scheduler: Scheduler) -> None:
    dask_scheduler.allowed_failures = RETRIES


class Cluster:
    """Runs jobs on the workers of a cluster, one for each of their threads, as `supervisor.Supervisor` does here."""

    def __init__(self, client: Client, parcel: Parcel) -> None:
        self.client, self.parcel = client, parcel
        self.name = f"imputation-benchmark-{uuid.uuid4().hex}"

    def run(self, jobs: Iterable[Job], done: Callable[[Job, Record, float], bool]) -> None:
        """Run every job, and give each record to ``done``, which returns False to stop.

        Raises
        ------
        InputError
            If a worker has another version of the project or its libraries.
        OSError
            If the store cannot be written.
        """
        self.client.register_plugin(Cells(self.name, self.parcel))
        running: dict[Future, Job] = {}
        try:
            waiting = iter(jobs)
            while True:
                while len(running) < max(self._places(), 1) and (job := next(waiting, None)) is not None:
                    running[self._send(job)] = job
                if not running:
                    return
                for future in self._ended(list(running)):
                    job = running.pop(future)
                    record, seconds = self._received(job, future)
                    future.release()  # or the cell would be computed again if its worker were lost later
                    if not done(job, record, seconds):
                        return
        finally:
            self.client.cancel(list(running), force=True)
            self.client.unregister_worker_plugin(self.name)

    def _places(self) -> int:
        return sum(self.client.nthreads().values())

    def _send(self, job: Job) -> Future:
        wanted = {"GPU": 1} if "torch" in job.provenance.versions and self._has_gpu() else None
        return self.client.submit(
            compute, self.name, job.record_key, key=f"{self.name}-{job.record_key}", pure=False, resources=wanted
        )

    def _has_gpu(self) -> bool:
        """Whether a worker declares a GPU; without one the methods of torch run on processors, as they do here."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        return any(worker["resources"].get("GPU") for worker in workers)

    def _ended(self, futures: list[Future]) -> list[Future]:
        try:
            return list(wait(futures, timeout=WAIT_SECONDS, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            return []

    def _received(self, job: Job, future: Future) -> tuple[Record, float]:
        """The record of a cell that has ended, once the store has its files."""
        error = future.exception() if future.status != "cancelled" else None
        if isinstance(error, KilledWorker):
            return job.record("failed", f"its worker was lost, and {RETRIES} others that tried it after it", 0.0), 0.0
        if error is not None or future.status == "cancelled":
            return job.record("failed", f"its worker gave no answer: {error or 'it was cancelled'}", 0.0), 0.0
        answer = future.result()
        try:
            keep_answer(job.store, job, answer)
        except InputError as damaged:
            return job.record("failed", str(damaged), answer.seconds), answer.seconds
        return answer.record, answer.seconds
