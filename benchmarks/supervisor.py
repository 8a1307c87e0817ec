"""The supervisor: a process per cell, with limits on time and memory, so that no method can harm the others."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import connection
from multiprocessing.process import BaseProcess

import psutil

from benchmarks.worker import Job, record_loss, work_on

POLL_SECONDS = 0.05
PRELOADED = ("benchmarks.worker", "sklearn.ensemble", "scipy.stats", "lightgbm", "torch")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Limits:
    """What one cell may take: wall-clock seconds, and resident memory in GB of its process and children."""

    seconds: float
    memory_gb: float


@dataclass(frozen=True, eq=False)
class _Running:
    job: Job
    process: BaseProcess
    started: float


def supervise(jobs: Iterable[Job], n_jobs: int, limits: Limits, done: Callable[[Job, float], bool]) -> None:
    """Run every job in a process of its own, ``n_jobs`` at a time.

    The processes are forked from a server that has the slow imports behind it and runs one thread. When
    one has ended and left its record, ``done(job, seconds)`` is called; if it returns False, what still
    runs is stopped and no more is started.
    """
    waiting = iter(jobs)
    running: list[_Running] = []
    with _server() as context:
        try:
            while True:
                running += _start(context, waiting, n_jobs - len(running))
                if not running:
                    return
                connection.wait([task.process.sentinel for task in running], timeout=POLL_SECONDS)
                ended = [task for task in running if _ended(task, limits)]
                running = [task for task in running if task not in ended]
                if not all([done(task.job, time.monotonic() - task.started) for task in ended]):
                    return
        finally:
            for task in running:
                _kill(task.process)


@contextmanager
def _server() -> Iterator[multiprocessing.context.ForkServerContext]:
    """A fork server whose children use one thread each: the libraries read these variables as they load."""
    context = multiprocessing.get_context("forkserver")
    registered = [name for name in sys.modules if name.split(".")[0] in ("datasets", "imputers", "metrics")]
    context.set_forkserver_preload([*PRELOADED, *sorted(registered)])
    before = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield context
    finally:
        for name in THREAD_VARIABLES:
            del os.environ[name]
        os.environ.update(before)


def _start(context: multiprocessing.context.ForkServerContext, waiting: Iterator[Job], free: int) -> list[_Running]:
    started = []
    for job in islice(waiting, free):
        process = context.Process(target=work_on, args=(job,), daemon=False)
        process.start()
        started.append(_Running(job, process, time.monotonic()))
    return started


def _ended(task: _Running, limits: Limits) -> bool:
    """Tell whether a task is over; one that broke a limit or died without a record gets its failure recorded."""
    process = task.process
    if not process.is_alive():
        process.join()
        if process.exitcode != 0:
            message = f"its process died with exit code {process.exitcode} (negative: a signal)"
            record_loss(task.job, "failed", message, time.monotonic() - task.started)
        return True
    overrun = _overrun(task, limits)
    if overrun is None:
        return False
    _kill(process)
    record_loss(task.job, "failed", overrun, time.monotonic() - task.started)
    return True


def _overrun(task: _Running, limits: Limits) -> str | None:
    if time.monotonic() - task.started > limits.seconds:
        return f"took longer than the limit of {limits.seconds:g} s"
    used = sum(_resident_gb(process) for process in _family(task.process))
    return f"used {used:.2f} GB, more than the limit of {limits.memory_gb:g} GB" if used > limits.memory_gb else None


def _family(process: BaseProcess) -> list[psutil.Process]:
    try:
        root = psutil.Process(process.pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident_gb(process: psutil.Process) -> float:
    try:
        return process.memory_info().rss / 2**30
    except psutil.NoSuchProcess:
        return 0.0


def _kill(process: BaseProcess) -> None:
    for member in reversed(_family(process)):
        with suppress(psutil.NoSuchProcess):  # gone by itself meanwhile: what we want
            member.kill()
    process.join()
