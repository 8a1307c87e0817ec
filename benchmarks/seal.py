"""The seal: a server that forks a process for each cell, which sees what it works on and nothing of the run.

The server is started with a cleaned environment, no arguments of the run and an empty working folder. It never holds a
truth. Where the kernel has namespaces for plain users, each process is alone with its descendants, sees the files that
it needs and no others, and none of its descendants outlives it. Elsewhere orphans are found by group or parent.
"""

import json
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from benchmarks import namespaces
from benchmarks.groups import Group
from benchmarks.namespaces import View
from benchmarks.processes import kill_family

MESSAGE_BYTES = 2**20
SHOWN = ("readable", "closed", "hidden")


@dataclass(eq=False)
class _Cell:
    number: int
    pid: int
    folder: str
    first: subprocess.Popen[bytes] | None  # of its namespace
    group: Group | None


def main() -> None:
    """Serve until the runner is gone."""
    runner = socket.socket(fileno=int(sys.argv[1]))
    settings = json.loads(runner.recv(MESSAGE_BYTES))
    namespaces.end_with_parent()
    view = View(Path(tempfile.gettempdir()) / "view", **{name: tuple(map(Path, settings[name])) for name in SHOWN})
    closes = closes_on(view)
    if closes:
        namespaces.enter()
        child = os.fork()
        if child:  # the server proper is the child: the first process of the new namespace
            runner.close()
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
        namespaces.end_with_parent()
        namespaces.build_view(view)
    namespaces.adopt_orphans()
    namespaces.close_memory()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    runner.send(json.dumps({"closed": closes}).encode())
    _Server(runner, view if closes else None).serve()


def closes_on(view: View) -> bool:
    """Tell whether the kernel lets plain users close a view, by doing all of it in a process that ends."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    code = 1
    try:
        namespaces.enter()
        first = os.fork()
        if not first:
            namespaces.build_view(view)
            namespaces.move_into_view(view, None, 1.0)
            namespaces.drop_privileges()
        code = 0 if not first else os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
    except (OSError, AttributeError, KeyError):  # refused, or another system or processor
        code = 1
    finally:
        os._exit(code)


class _Server:
    """Starts and ends processes as it is told, and tells of each that ended."""

    def __init__(self, runner: socket.socket, view: View | None) -> None:
        self.runner = runner
        self.view = view
        self.own = None if view is None else namespaces.open_processes()
        self.cells: dict[int, _Cell] = {}  # by process id

    def serve(self) -> None:
        """Do what is asked until the runner closes its end; then end everything that was started."""
        woken, waker = socket.socketpair()
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _noted)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            while True:
                ready, _, _ = select.select([self.runner, woken], [], [])
                if woken in ready:
                    woken.recv(4096)
                    self._reap()
                if self.runner in ready and not self._obey():
                    return
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            for cell in list(self.cells.values()):
                self._end(cell)
            self._reap()
            self._end_orphans()

    def _obey(self) -> bool:
        message, files, _, _ = socket.recv_fds(self.runner, MESSAGE_BYTES, 3)
        if not message:
            return False
        order = json.loads(message)
        if order["do"] == "start":
            self._start(order, files)
            for file in files:
                os.close(file)
        elif order["do"] == "end":
            for cell in list(self.cells.values()):
                if cell.number == order["cell"]:
                    self._end(cell)
        else:
            _preload(order["modules"])
        return True

    def _start(self, order: dict[str, Any], files: Sequence[int]) -> None:
        folder = tempfile.mkdtemp() if self.view is None else ""
        first, group = None, order["group"] and Group(Path(order["group"]))
        if self.view is not None:
            namespaces.new_processes()
            first = subprocess.Popen([shutil.which("sleep") or "sleep", "infinity"], stdin=subprocess.DEVNULL)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                if group:
                    group.join()
                self._become(order, files, folder)
                code = 0
            finally:  # whatever happens, this process never runs the server's code
                os._exit(code)
        if self.own is not None:
            namespaces.leave_processes(self.own)
        self.cells[pid] = _Cell(order["cell"], pid, folder, first, group)

    def _become(self, order: dict[str, Any], files: Sequence[int], folder: str) -> None:
        """Turn this process, just forked, into the sealed one of a cell."""
        signal.set_wakeup_fd(-1)
        for ignored in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(ignored, signal.SIG_DFL)
        os.setsid()
        namespaces.adopt_orphans()
        namespaces.end_with_parent()
        request, reply, log = files
        self.runner.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        number = int(str(Path("/proc/self").readlink())) if Path("/proc/self").exists() else os.getpid()
        with open(request, "rb", closefd=False) as file:
            file.seek(0)
            message = file.read()
        writable = order["writable"] and Path(order["writable"])
        if self.view is not None:
            namespaces.move_into_view(self.view, writable, order["memory_gb"])
            namespaces.drop_privileges()
        else:
            os.chdir(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = os.getcwd()  # noqa: PTH109
        channel = os.dup2(reply, 3)
        os.closerange(4, 4096)
        from benchmarks.worker import answer

        with open(channel, "wb") as out:  # noqa: PTH123
            out.write(number.to_bytes(8, "big"))
            out.flush()
            told = answer(message)
            out.write(len(told).to_bytes(8, "big"))
            out.write(told)

    def _end(self, cell: _Cell) -> None:
        if cell.first is None:
            kill_family(cell.pid)
        _kill(cell.pid)
        if cell.group is not None:
            cell.group.end()

    def _reap(self) -> None:
        """Bury who has ended, with all that it left behind, and tell the runner."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            cell = self.cells.pop(pid, None)
            if cell is None:
                continue
            if cell.group is not None:
                cell.group.end()
            if cell.first is not None:
                cell.first.kill()  # and the kernel ends all others of the namespace before it is gone
                cell.first.wait()
            else:
                self._end_orphans()
                shutil.rmtree(cell.folder, ignore_errors=True)
            ended = {"cell": cell.number, "code": os.waitstatus_to_exitcode(status)}
            self.runner.send(json.dumps(ended).encode())

    def _end_orphans(self) -> None:
        """End children that no cell is: what cells that ended had started."""
        if self.view is not None:
            return
        while True:
            orphans = [child for child in psutil.Process().children() if child.pid not in self.cells]
            if not orphans:
                return
            for orphan in orphans:
                kill_family(orphan.pid)
                try:
                    os.waitpid(orphan.pid, 0)
                except ChildProcessError:
                    return


def _noted(number: int, frame: FrameType | None) -> None:
    """Nothing: the signal wakes the server."""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _preload(modules: Sequence[str]) -> None:
    """Import what is slow to import, and look for libraries with threads, once for all processes to come."""
    from importlib import import_module

    from imputers import IMPUTERS
    from imputers.threads import libraries

    for name in modules:
        with suppress(ImportError):  # some are not installed, and some names are none of modules
            import_module(name)
    len(IMPUTERS)
    libraries(len(sys.modules))


if __name__ == "__main__":
    main()
