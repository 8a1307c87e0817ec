"""The worker's part: a plugin of Dask that holds the parcel and the benches, and the task that asks one of them."""

import subprocess
import sys
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue

from distributed import Worker, WorkerPlugin, get_worker

from benchmarks.cluster.parcel import Answer, Parcel, check_version
from datasets.errors import InputError


class Bench:
    """The worker's end of a process in `benchmarks.cluster.bench`."""

    def __init__(self, parcel: Parcel) -> None:
        self.end: Connection
        self.end, theirs = Pipe()
        command = [sys.executable, "-m", "benchmarks.cluster.bench", str(theirs.fileno())]
        with theirs:
            self.process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
            )
        self.end.send(parcel)

    def compute(self, key: str) -> Answer:
        """Have a cell computed.

        Raises
        ------
        InputError
            If the process has ended.
        """
        try:
            self.end.send(key)
            answer: Answer = self.end.recv()
        except (EOFError, OSError):
            code = self.process.wait()
            raise InputError(f"the process that computes cells on its worker ended with exit code {code}") from None
        return answer

    def close(self) -> None:
        """End the process, which hears that nobody listens."""
        self.end.close()


class Cells(WorkerPlugin):
    """Sent once to each worker, also to those that come later."""

    def __init__(self, name: str, parcel: Parcel) -> None:
        self.name, self.parcel = name, parcel

    def setup(self, worker: Worker) -> None:
        """Check that the worker computes what the driver would."""
        check_version(self.parcel.version)
        self.idle: SimpleQueue[Bench] = SimpleQueue()
        self.benches: list[Bench] = []

    def teardown(self, worker: Worker) -> None:
        """End what was started."""
        for bench in self.benches:
            bench.close()

    def compute(self, key: str) -> Answer:
        """Have a cell computed by a bench that is idle, or by a new one."""
        try:
            bench = self.idle.get_nowait()
        except Empty:
            bench = Bench(self.parcel)
            self.benches.append(bench)
        answer = bench.compute(key)
        self.idle.put(bench)
        return answer


def compute(name: str, key: str) -> Answer:
    """Task of Dask: one cell of the parcel of that name."""
    plugin = get_worker().plugins[name]
    if not isinstance(plugin, Cells):
        raise InputError(f"{name} on a worker is no parcel of cells")
    return plugin.compute(key)
