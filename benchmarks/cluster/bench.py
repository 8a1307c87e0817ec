"""The bench: a process beside a Dask worker that computes one cell after another, sealed as on any machine.

It is a process of its own, as those of Dask may start none, and ends with its worker.
"""

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from types import FrameType

from benchmarks.cluster.parcel import Parcel, read_answer
from benchmarks.judge import Job
from benchmarks.methods import named_paths
from benchmarks.sealed import Seal
from benchmarks.store import Store
from benchmarks.supervisor import Supervisor
from benchmarks.versions import machine
from datasets.errors import InputError
from datasets.registry import load_plugin
from imputers import make_imputer
from reports.results import Record

END_SECONDS = 20  # that ending may take


def main() -> None:
    """Compute the cells whose keys come, each in its sealed process, until nobody listens any more."""
    signal.signal(signal.SIGTERM, _leave)
    worker = Connection(int(sys.argv[1]))
    asked: SimpleQueue[str] = SimpleQueue()
    with tempfile.TemporaryDirectory() as files, tempfile.TemporaryDirectory() as results:
        parcel: Parcel = worker.recv()
        plugins = _unpacked(parcel, Path(files))
        trusted = [Path(files) / name for name in parcel.trusted]
        for path in trusted:
            load_plugin(path)
        threading.Thread(target=_hear, args=(worker, asked), daemon=True).start()
        store, requests = Store(Path(results)), {job.cell.imputer for job in parcel.jobs.values()}

        def done(job: Job, record: Record, seconds: float) -> bool:
            worker.send(read_answer(store, job, record, seconds))
            store.prediction_path(job.prediction_key).unlink(missing_ok=True)
            return True

        with Seal(plugins, named_paths(requests), (Path(results),)) as seal:
            seal.preload(frozenset().union(*(job.modules for job in parcel.jobs.values())))
            worker.send("ready")
            Supervisor(seal, 1, parcel.limits, trusted, print).run(_jobs(parcel, asked, store, plugins), done)


def _unpacked(parcel: Parcel, folder: Path) -> tuple[Path, ...]:
    for name, content in parcel.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return tuple(folder / name for name in parcel.plugins)


def _jobs(parcel: Parcel, asked: "SimpleQueue[str]", store: Store, plugins: tuple[Path, ...]) -> Iterator[Job]:
    """Jobs as they are asked for, with what is of this machine in place of the driver's."""
    prepared = set[str]()
    while True:
        job = parcel.jobs[asked.get()]
        if job.cell.imputer not in prepared and not job.added:
            prepared.add(job.cell.imputer)
            with suppress(InputError):  # the cell will say so
                make_imputer(job.cell.imputer).prepare()
        yield replace(job, store=store, plugins=plugins, provenance=replace(job.provenance, machine=machine()))


def _hear(worker: Connection, asked: "SimpleQueue[str]") -> None:
    try:
        while True:
            asked.put(worker.recv())
    except (EOFError, OSError):  # the worker is gone: what is under way ends too
        os.kill(os.getpid(), signal.SIGTERM)


def _leave(number: int, frame: FrameType | None) -> None:
    """End, and clear up; what cannot end in its time is ended by the kernel."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(END_SECONDS)
    sys.exit(0)


if __name__ == "__main__":
    main()
