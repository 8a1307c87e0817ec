"""Processes that judge: they hold the truth, and never run code of imputers."""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.attempt import attempt, reason
from benchmarks.judge import Damaged, Job, NotKept, judge
from benchmarks.processes import start
from imputers.threads import ONE_THREAD, variables
from reports.results import Record

PRELOADED = ("benchmarks.judge", "sklearn.linear_model", "scipy.stats")


class Judge:
    """A process that judges one cell after another."""

    def __init__(self, context: ForkServerContext, plugins: Sequence[Path]) -> None:
        self.end, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_sit, args=(theirs, tuple(plugins)), daemon=True)
        start(self.process)
        theirs.close()


def _sit(runner: connection.Connection, plugins: Sequence[Path]) -> None:
    """Judge what comes until the runner is gone."""
    from datasets.registry import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    with suppress(EOFError, BrokenPipeError):
        while True:
            runner.send(_judged(*runner.recv()))


def _judged(job: Job, reply: bytes | None, seconds: float) -> Record | Damaged | OSError:
    """The record of a cell, or what is in the way of one; metrics, too, may be anybody's."""
    found: list[Record] = []
    error = attempt(lambda: found.append(judge(job, reply, seconds)))
    if isinstance(error, NotKept):
        return error.cause
    if isinstance(error, Damaged):
        return error
    return found[0] if error is None else job.record("failed", f"{reason(error)} while it was scored", seconds)


@contextmanager
def judge_server() -> Iterator[ForkServerContext]:
    """A fork server for judges, which use one thread each: the libraries read these variables as they load."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with variables(ONE_THREAD):
        yield context
