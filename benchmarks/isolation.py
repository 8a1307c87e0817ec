"""A piece of work in a fresh process with limits: whatever it does, the caller goes on and learns how it ended."""

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from benchmarks.attempt import attempt, reason
from benchmarks.groups import Group, new_group
from benchmarks.namespaces import adopt_orphans
from benchmarks.processes import Limits, kill_family, start, used_gb
from benchmarks.stopping import SIGNALS
from datasets.errors import MethodUnavailableError
from imputers.threads import variables

POLL_SECONDS = 0.05


class End(StrEnum):
    """How a piece of work ended."""

    DONE = "done"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    OVER_TIME = "over time"
    OVER_MEMORY = "over memory"
    DIED = "died"


@dataclass(frozen=True)
class Outcome:
    """How it ended, and what it said: its result if it is done, the reason otherwise."""

    end: End
    message: str


Work = Callable[[], str]


@contextmanager
def fork_server(preload: Sequence[str], environment: Mapping[str, str]) -> Iterator[BaseContext]:
    """A server that has the slow imports behind it and runs one thread; its forks start from a fresh state.

    Parameters
    ----------
    preload : modules that it imports; one that is not there is left out.
    environment : variables that hold in this process meanwhile, and so in all that are started.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    with variables(environment):
        yield context


def apart(work: Work, limits: Limits, context: BaseContext) -> Outcome:
    """Do a piece of work in a process of its own and in an empty working folder that goes with it.

    Its output is swallowed, its command line is blank. Processes that it leaves behind are killed.

    Parameters
    ----------
    work : picklable; its string is the message of a work that is done.
    """
    folder, group = Path(tempfile.mkdtemp(prefix="apart-")), new_group()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, sender, folder, group), daemon=False)  # type: ignore[attr-defined]
    try:
        start(process)
        sender.close()
        return _await(process, receiver, limits, group)
    finally:
        _kill(process, folder, group)
        receiver.close()
        shutil.rmtree(folder, ignore_errors=True)


def _await(process: BaseProcess, receiver: connection.Connection, limits: Limits, group: Group | None) -> Outcome:
    start = time.monotonic()
    while time.monotonic() - start < limits.seconds:
        connection.wait([receiver, process.sentinel], timeout=POLL_SECONDS)
        told = _received(receiver)
        if told is not None:
            return told
        if not process.is_alive():
            return _received(receiver) or Outcome(End.DIED, _death(process.exitcode))
        used = used_gb(process.pid or 0, group)
        if used > limits.memory_gb:
            return Outcome(End.OVER_MEMORY, f"used {used:.1f} GB, more than the limit of {limits.memory_gb:g} GB")
    return Outcome(End.OVER_TIME, f"took longer than the limit of {limits.seconds:g} s")


def _received(receiver: connection.Connection) -> Outcome | None:
    try:
        return Outcome(*receiver.recv()) if receiver.poll() else None
    except EOFError:
        return None


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process was killed by signal {signal.Signals(-code).name}"
    return f"its process ended with exit code {code} before it was done"


def _work(work: Work, sender: connection.Connection, folder: Path, group: Group | None) -> None:
    """What the process does: prepare, work, say how it ended."""
    if group is not None:
        group.join()
    _prepare(folder)
    done: list[str] = []
    error = attempt(lambda: done.append(work()))
    if error is None:
        sender.send((End.DONE, done[0]))
    else:
        end = End.UNAVAILABLE if isinstance(error, MethodUnavailableError) else End.FAILED
        sender.send((end, " ".join(reason(error).split())))


def _prepare(folder: Path) -> None:
    """An own session that hears signals, an empty working folder, one for temporary files, output to a file."""
    with suppress(OSError):
        os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    adopt_orphans()
    here, temporary = folder / "here", folder / "temporary"
    here.mkdir()
    temporary.mkdir()
    os.chdir(here)
    os.environ["TMPDIR"] = str(temporary)
    tempfile.tempdir = None
    sys.argv = [sys.argv[0]]
    with (folder / "output").open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


def _kill(process: BaseProcess, folder: Path, group: Group | None) -> None:
    """Kill all in the group, what the process started, then the process, then what lost its parent before."""
    if group is not None:
        group.end()
    if process.pid is None:
        return
    kill_family(process.pid)
    for orphan in _orphans(process.pid, folder):
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    process.join()


def _orphans(session: int, folder: Path) -> Iterator[psutil.Process]:
    """Processes of the session, or with its temporary folder in their environment, whoever is their parent now."""
    for other in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getsid(other.pid) == session or other.environ().get("TMPDIR", "").startswith(str(folder)):
                yield other
