"""Computing the cells of a run that its store lacks, beside other runs on the same store."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claims import Claims
from benchmarks.cluster.order import longest_first
from benchmarks.growth.forecast import expected_seconds, published
from benchmarks.judge import Job
from benchmarks.methods import named_paths
from benchmarks.processes import Limits
from benchmarks.progress import Progress
from benchmarks.sealed import Seal
from benchmarks.shards import Shard
from benchmarks.store import Store
from benchmarks.supervisor import Supervisor
from datasets.errors import InputError, MethodUnavailableError
from imputers import make_imputer
from reports.results import Record

Work = Callable[[Iterable[Job], Callable[[Job, Record, float], bool]], None]


@dataclass(frozen=True)
class Settings:
    """How a run is done, which decides no score.

    Parameters
    ----------
    out : folder of the results.
    n_jobs : cells at a time.
    command : what was typed.
    data : files of the user's with the truth.
    plugins : files given by ``--load``.
    trusted : those of them that register more than imputers, and so are imported where the truth is.
    fail_fast : stop at the first failure, and write no page.
    shard : the part of the cells that is computed, and no page written; None for all.
    dask : cluster whose workers compute: an address, or ``local:4``; None for this machine alone.
    """

    out: Path
    n_jobs: int
    limits: Limits
    command: str
    data: tuple[Path, ...] = ()
    plugins: tuple[Path, ...] = ()
    trusted: tuple[Path, ...] = ()
    fail_fast: bool = False
    shard: Shard | None = None
    dask: str | None = None


def compute(jobs: Sequence[Job], store: Store, settings: Settings, progress: Progress) -> tuple[list[Record], bool]:
    """Compute the cells that are not in the store.

    A failed cell is not done: its limits may be wider or its library mended this time. A method that is unavailable is
    asked once, and its other cells are recorded with the same message. What another run has done meanwhile counts, and
    what it has claimed is waited for.

    Returns
    -------
    The records of all cells that are done or tried, and whether a failure stopped the rest.
    """
    queue = Queue(jobs, store, settings, progress)
    missing = list(queue.waiting)
    progress.start(len(jobs), len(queue.records), sum(queue.expected.values()))
    try:
        if missing:
            if settings.dask is None:  # workers do so themselves
                queue.lacking |= prepare(missing)
            engine = _here if settings.dask is None else _on_cluster
            with queue.claims.kept(), engine(missing, settings, progress) as work:
                queue.empty(work)
    finally:
        progress.stop()
    return queue.found(), queue.stopped


class Queue:
    """Jobs that wait to be computed, those that other runs on the same store have claimed, and records of the others.

    Attributes
    ----------
    records : of the cells that are done or tried, by key.
    waiting, others : jobs, and those that another run has claimed.
    lacking : what a method that is unavailable lacks, by request.
    expected : seconds that each job will take, by key.
    stopped : whether a failure stopped the rest.
    """

    def __init__(self, jobs: Sequence[Job], store: Store, settings: Settings, progress: Progress) -> None:
        self.jobs, self.store, self.settings, self.progress = jobs, store, settings, progress
        self.claims, self.others, self.lacking, self.stopped = Claims(store), list[Job](), dict[str, str](), False
        self._stored = {job.record_key: store.read(job.record_key, progress.say) for job in jobs}
        done = {key: record for key, record in self._stored.items() if record is not None and record.status == "done"}
        missing = [job for job in jobs if job.record_key not in done]
        self.records, self.expected = done, _expected(missing)
        self.waiting = _each_method_first(missing) if settings.dask is None else longest_first(missing, done)

    def empty(self, work: Work) -> None:
        """Have all jobs done by what does them, what is claimed by others in the end."""
        work(self._available(), self._done)
        while self.others and not self.stopped:
            keys = [job.record_key for job in self.others]
            self.progress.waiting(len(keys), self.claims.owner(keys[0]))
            self.claims.wait(keys)
            self.waiting, self.others = self.others, []
            work(self._available(), self._done)

    def found(self) -> list[Record]:
        """Records in the order of the jobs; another run may have done what failed here."""
        for key, record in self.records.items():
            if record.status != "done":
                self.records[key] = self.store.read(key, self.progress.say) or record
        return [self.records[job.record_key] for job in self.jobs if job.record_key in self.records]

    def _available(self) -> Iterator[Job]:
        """Claim job after job, and give those that are neither claimed nor done by others and lack nothing."""
        while self.waiting:
            job = self.waiting.pop(0)
            message = self.lacking.get(job.cell.imputer)
            if message is not None:
                self._done(job, job.record("unavailable", message, 0.0), 0.0)
            elif not self.claims.take(job.record_key):
                self.others.append(job)
            else:
                found = self.store.read(job.record_key, self.progress.say)
                if found is None or found == self._stored[job.record_key]:
                    yield job
                else:  # another run has computed it since this one began
                    self._done(job, found, 0.0)

    def _done(self, job: Job, record: Record, seconds: float) -> bool:
        """Keep the record of a job, and say whether to go on."""
        record = self.records[job.record_key] = self.store.write(job.record_key, record)
        self.claims.release(job.record_key)
        if record.status == "unavailable":
            self.lacking[record.imputer] = record.message
        self.progress.finished(job.cell, record, seconds, self.expected[job.record_key])
        self.stopped = self.settings.fail_fast and record.status == "failed"
        return not self.stopped


@contextmanager
def _here(missing: Sequence[Job], settings: Settings, progress: Progress) -> Iterator[Work]:
    """What runs jobs on this machine."""
    requests = {job.cell.imputer for job in missing}
    with Seal(settings.plugins, named_paths(requests), (settings.out, *settings.data)) as seal:
        seal.preload(frozenset().union(*(job.modules for job in missing)))
        progress.sealed(closed=seal.closed)
        yield Supervisor(seal, settings.n_jobs, settings.limits, settings.trusted, progress.say).run


@contextmanager
def _on_cluster(missing: Sequence[Job], settings: Settings, progress: Progress) -> Iterator[Work]:
    """What runs jobs on the workers of a Dask cluster."""
    try:
        from benchmarks.cluster.driver import Cluster, cluster
    except ModuleNotFoundError as lacking:
        raise InputError(f"--dask needs {lacking.name}; install the extra: pip install -e '.[cluster]'") from None
    from benchmarks.cluster.parcel import pack_parcel

    with cluster(str(settings.dask)) as client:
        parcel = pack_parcel(missing, settings.limits, settings.plugins, settings.trusted)
        yield Cluster(client, parcel).run


def prepare(jobs: Sequence[Job]) -> dict[str, str]:
    """Let this project's methods fetch or make what they keep in the user's cache folders.

    Sealed processes can read it there, and have no network. Given is what is lacking to methods that cannot.
    """
    lacking: dict[str, str] = {}
    for request in dict.fromkeys(job.cell.imputer for job in jobs if not job.added):
        try:
            make_imputer(request).prepare()
        except MethodUnavailableError as unavailable:
            lacking[request] = str(unavailable)
        except InputError:  # its cells will say so
            continue
    return lacking


def _each_method_first(jobs: Sequence[Job]) -> list[Job]:
    """Jobs with the first of every method before the second of any."""
    seen = Counter[str]()
    turns = []
    for job in jobs:
        turns.append(seen[job.cell.imputer])
        seen[job.cell.imputer] += 1
    return [jobs[i] for i in sorted(range(len(jobs)), key=turns.__getitem__)]


def _expected(jobs: Sequence[Job]) -> dict[str, float]:
    """Seconds that each job will take by the published growth, by record key."""
    cells = [(job.cell.imputer, len(job.masked.values), len(job.masked.schema), job.cell.n_draws) for job in jobs]
    return dict(zip([job.record_key for job in jobs], expected_seconds(cells, published()), strict=True))
