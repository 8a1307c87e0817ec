"""The worker's part: a plugin of Dask that holds the parcel and the benches, and the task that asks one of them."""

import asyncio
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import cast

from distributed import Worker, WorkerPlugin, get_worker

from benchmarks.cluster.parcel import Answer, Parcel, check_version
from benchmarks.supervisor import JUDGING_SECONDS, START_SECONDS
from datasets.errors import InputError

COMMAND = (sys.executable, "-m", "benchmarks.cluster.bench")
GRACE_SECONDS = 60.0  # beyond what a supervisor waits for


class Bench:
    """The worker's end of a process in `benchmarks.cluster.bench`.

    Raises
    ------
    InputError
        If the process ends, or takes too long to start.
    """

    def __init__(self, parcel: Parcel) -> None:
        self.end: Connection
        self.end, theirs = Pipe()
        command = [*COMMAND, str(theirs.fileno())]
        with theirs:
            self.process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
            )
        self.most = parcel.limits.seconds + START_SECONDS + JUDGING_SECONDS + GRACE_SECONDS
        self._say(parcel)
        self._hear(START_SECONDS)

    def compute(self, key: str) -> Answer:
        """Have a cell computed.

        Raises
        ------
        InputError
            If the process ends, or takes longer than the limits of the cell allow.
        """
        self._say(key)
        return cast(Answer, self._hear(self.most))

    def _say(self, what: Parcel | str) -> None:
        with suppress(OSError):  # the process is gone: there will be no answer
            self.end.send(what)

    def _hear(self, seconds: float) -> object:
        """What the process says next."""
        try:
            if self.end.poll(seconds):
                return cast(object, self.end.recv())
        except (EOFError, OSError):
            code = self.process.wait()
            raise InputError(f"the process that computes cells on its worker ended with exit code {code}") from None
        self.close()
        raise InputError(f"the process that computes cells on its worker was silent for {seconds:g} s, and ended")

    def close(self) -> None:
        """End the process, which ends what it started."""
        self.process.terminate()


class Cells(WorkerPlugin):
    """Sent once to each worker, also to those that come later."""

    def __init__(self, name: str, parcel: Parcel) -> None:
        self.name, self.parcel = name, parcel

    async def setup(self, worker: Worker) -> None:
        """Check that the worker computes what the driver would, while it goes on to answer the scheduler."""
        await asyncio.to_thread(check_version, self.parcel)
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
