"""Processes that judge: they hold the truth, and never run code of imputers."""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.judge import Damaged, NotKept, judge
from benchmarks.threads import ONE_THREAD, variables
from reports.results import Record

PRELOADED = ("benchmarks.judge", "sklearn.linear_model", "scipy.stats")


class Judge:
    """A process that judges one cell after another."""

    def __init__(self, context: ForkServerContext, plugins: Sequence[Path]) -> None:
        self.end, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_sit, args=(theirs, tuple(plugins)), daemon=True)
        self.process.start()
        theirs.close()


def _sit(runner: connection.Connection, plugins: Sequence[Path]) -> None:
    """Judge what comes until the runner is gone."""
    from datasets.registry import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    with suppress(EOFError, BrokenPipeError):
        while True:
            job, reply, seconds = runner.recv()
            try:
                found: Record | Damaged | OSError = judge(job, reply, seconds)
            except Damaged as damaged:
                found = damaged
            except NotKept as unkept:
                found = unkept.args[0]
            except Exception as error:  # noqa: BLE001 - metrics, too, may be anybody's
                found = job.record("failed", f"{type(error).__name__}: {error} (while it was scored)", seconds)
            runner.send(found)


@contextmanager
def judge_server() -> Iterator[ForkServerContext]:
    """A fork server for judges, which use one thread each: the libraries read these variables as they load."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with variables(ONE_THREAD):
        yield context
