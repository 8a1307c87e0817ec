"""What an imputer may not leave behind or do beside its work: processes, threads, files, noise, waiting, spying."""

import os
import pickle
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import psutil

from imputers.base import Imputer
from imputers.conformance.rule import predict, require, same
from imputers.conformance.tables import example_table

PASSED = Path(__file__).name
NOISE = 20_000  # bytes that a fit and a prediction may print
LOOKS = 5
IDLE_SECONDS, IDLE_SHARE = 1.0, 0.9  # what may pass without computing; children and threads may queue for processors
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
SPYING = (
    "sys._getframe",
    "sys._current_frames",
    "sys.settrace",
    "sys.setprofile",
    "gc.get_objects",
    "gc.get_referrers",
    "gc.get_referents",
)
"""Python's audit events for looking at what others hold."""


def leaves_no_process_or_thread(make: type[Imputer]) -> None:
    """Children and threads that a method starts have ended when it returns."""
    schema, X = example_table()
    before = set(threading.enumerate())
    predict(make, X, schema)
    children = _children()
    threads = [thread.name for thread in threading.enumerate() if thread not in before]
    require(not children, f"it left {len(children)} processes behind: {children[:3]}")
    require(not threads, f"it left {len(threads)} threads behind: {threads[:3]}")


def writes_no_file(make: type[Imputer]) -> None:
    """Without a folder given to fit, no file is left anywhere."""
    schema, X = example_table()
    with TemporaryDirectory() as folder, chdir(folder), _temporary_files_in(folder), _audited(make) as heard:
        predict(make, X, schema)
        here = [path for path in Path(folder).rglob("*") if path.is_file()]
        elsewhere = [path for path in map(Path, heard.written) if path.is_file() and _matters(str(path))]
    left = sorted({str(path) for path in (*here, *elsewhere)})
    require(not left, f"it left files behind: {', '.join(left[:3])}; fit(folder=…) is where files may go")


def is_quiet(make: type[Imputer]) -> None:
    """What is printed stays within a few lines."""
    schema, X = example_table()
    before = _printed()
    predict(make, X, schema)
    sys.stdout.flush()
    sys.stderr.flush()
    told = _printed() - before
    require(
        told <= NOISE, f"it printed {told:,} bytes; log with the logging module, or leave a learning curve in folder"
    )


def computes_without_waiting(make: type[Imputer]) -> None:
    """The time that a method takes is spent on computing: it neither sleeps nor waits for others."""
    schema, X = example_table()
    predict(make, X, schema)  # libraries and weights are loaded
    start, work = time.monotonic(), _busy()
    predict(make, X, schema)
    wall = time.monotonic() - start
    idle = wall - (_busy() - work)
    require(idle < max(IDLE_SECONDS, IDLE_SHARE * wall), f"it did nothing for {idle:.1f} of {wall:.1f} s")


def minds_its_own_business(make: type[Imputer]) -> None:
    """It does not walk the frames of its callers, or the objects that others hold."""
    schema, X = example_table()
    with _audited(make) as heard:
        predict(make, X, schema)
    require(not heard.spied, f"it called {', '.join(sorted(heard.spied))}; what it may know is handed to it")


def survives_pickling(make: type[Imputer]) -> None:
    """A fitted imputer can be pickled, as scikit-learn asks of estimators, and predicts the same afterwards."""
    schema, X = example_table()
    imputer = make().fit(X, schema=schema, random_state=1)
    copy = pickle.loads(pickle.dumps(imputer))
    require(same(imputer.impute(X, n_draws=2), copy.impute(X, n_draws=2)), "a pickled imputer predicts otherwise")


class _Heard:
    """What Python's audit events told of a method: files opened for writing, and calls that look at others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: set[str] = set()
        self.spied: set[str] = set()
        self.listening = True

    def __call__(self, event: str, details: tuple[Any, ...]) -> None:
        if not self.listening:
            return
        self.listening = False  # what is done here raises events as well
        if event == "open" and isinstance(details[0], str | os.PathLike):
            self._hear_of(Path(details[0]), details)
        elif event in SPYING and self._asked_from_here():
            self.spied.add(event)
        self.listening = True

    def _hear_of(self, path: Path, details: tuple[Any, ...]) -> None:
        if _writes(details):
            self.written.add(str(path.absolute()))
        elif path.is_relative_to("/proc") and self._asked_from_here():
            self.spied.add(f"open({path})")

    def _asked_from_here(self) -> bool:
        """Whether the code that asked stands beside the imputer's own; `inspect` and this file are left out."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and Path(frame.f_code.co_filename).name in ("inspect.py", "pathlib.py", PASSED):
            frame = frame.f_back
        return frame is not None and self._own(Path(frame.f_code.co_filename))

    def _own(self, path: Path) -> bool:
        installed = "site-packages" in path.parts or path.is_relative_to(sys.prefix)
        return path.is_relative_to(self.folder) and not installed


@contextmanager
def _audited(make: type[Imputer]) -> Iterator[_Heard]:
    """Listen to Python's audit events; a hook cannot be removed, only told to stop listening."""
    heard = _Heard(Path(sys.modules[make.__module__].__file__ or "").resolve().parent)
    sys.addaudithook(heard)
    try:
        yield heard
    finally:
        heard.listening = False


@contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
    """Put temporary files of this process into a folder."""
    before = tempfile.tempdir
    tempfile.tempdir = folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def _writes(details: tuple[Any, ...]) -> bool:
    _, mode, flags = details
    return any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool((flags or 0) & WRITING)


def _matters(path: str) -> bool:
    """Caches of bytecode and of fonts, devices and the process's own files are no result of a method."""
    return not any(part in path for part in ("__pycache__", "/.cache/", "/dev/", "/proc/"))


def _children() -> list[str]:
    """Commands of the children that still run, the tracker left out that multiprocessing keeps for a process's life.

    They are asked for several times: one that is about to change its parent is in no list.
    """
    for _ in range(LOOKS):
        commands = [_command(child) for child in psutil.Process().children(recursive=True)]
        found = [command for command in commands if command and "resource_tracker" not in command]
        if found:
            return found
        time.sleep(1 / 50)
    return []


def _command(child: psutil.Process) -> str:
    """How a child was started; empty if it has ended."""
    try:
        return "" if child.status() == psutil.STATUS_ZOMBIE else " ".join(child.cmdline())[:60] or child.name()
    except psutil.NoSuchProcess:
        return ""


def _printed() -> int:
    """Bytes in the file that the standard output goes to; nothing if it is no file."""
    return os.fstat(1).st_size


def _busy() -> float:
    """Seconds that this process and its children computed, or waited for a processor."""
    used = os.times()
    schedule = Path("/proc/thread-self/schedstat")
    queued = int(schedule.read_text().split()[1]) / 1e9 if schedule.exists() else 0.0
    return used.user + used.system + used.children_user + used.children_system + queued
