"""What Python's audit events tell of an imputer: files that it leaves behind, and looks at what others hold."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from imputers.base import Imputer
from imputers.conformance.rule import predict, require
from imputers.conformance.tables import example_table

PASSED = Path(__file__).name
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


def writes_no_file(make: type[Imputer]) -> None:
    """Without a folder given to fit, no file is left anywhere."""
    schema, X = example_table()
    with TemporaryDirectory() as folder, chdir(folder), _temporary_files_in(folder), _audited(make) as heard:
        predict(make, X, schema)
        here = [path for path in Path(folder).rglob("*") if path.is_file()]
        elsewhere = [path for path in map(Path, heard.written) if path.is_file() and _matters(str(path))]
    left = sorted({str(path) for path in (*here, *elsewhere)})
    require(not left, f"it left files behind: {', '.join(left[:3])}; fit(folder=…) is where files may go")


def minds_its_own_business(make: type[Imputer]) -> None:
    """It does not walk the frames of its callers, or the objects that others hold."""
    schema, X = example_table()
    with _audited(make) as heard:
        predict(make, X, schema)
    require(not heard.spied, f"it called {', '.join(sorted(heard.spied))}; what it may know is handed to it")


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
