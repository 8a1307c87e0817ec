"""The runner's end of the seal: processes are started on a request, heard, and ended."""

import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.exposure import beside, environment, hidden, readable
from benchmarks.groups import Group, new_group
from benchmarks.processes import kill_family
from benchmarks.seal import MESSAGE_BYTES
from benchmarks.versions import ROOT
from benchmarks.wire import pack, unpack
from datasets.errors import InputError

POLL_SECONDS = 0.05
READ_BYTES = 2**20
ASKED_GB = 1.0  # of temporary files of a process that is asked without a table
ATTEMPTS = 3  # to start the server, which something else may end
SLOW = ("lightgbm", "scipy", "sklearn", "torch")  # libraries that take long to import


class SealLostError(InputError):
    """The server of sealed processes has died."""

    def __init__(self) -> None:
        super().__init__(
            "the server that starts methods has died; see to free memory and to the folder for temporary files, and "
            "give the same command again: finished cells are stored"
        )


class Seal:
    """The runner's end of the server in `benchmarks.seal`, which is started again when it dies.

    Parameters
    ----------
    plugins : files that sealed processes load.
    named : files and folders beside those of Python and this project that they read, as folders of weights.
    away : files and folders that they never see, wherever they lie: data and results.
    """

    def __init__(self, plugins: Sequence[Path] = (), named: Iterable[Path] = (), away: Iterable[Path] = ()) -> None:
        self.plugins = tuple(path.resolve() for path in plugins)
        self.path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - links in it are meant
        self._readable = readable([*self.plugins, *beside(self.plugins), *(path.resolve() for path in named)])
        self._away = [path.resolve() for path in away]
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._preloads: list[str] = []
        self._started = 0
        self._groups: list[Group] = []

    def __enter__(self) -> "Seal":
        self._open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        self._folder.cleanup()

    @property
    def closed(self) -> bool:
        """Whether the kernel closes files, processes and network to the processes."""
        return self._closed

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the server and all that it started."""
        if self._process is not None:
            self._socket.close()
            if self._closed:  # the kernel ends all others with it
                self._process.kill()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for group in self._groups:  # of which the server has ended all that it could
            group.end()
        self._groups.clear()

    def reopen(self) -> None:
        """Start the server again."""
        if self._process is not None:
            kill_family(self._process.pid)
        self.close()
        self._open()
        if self._preloads:
            self._tell({"do": "preload", "modules": self._preloads})

    def preload(self, modules: Set[str]) -> None:
        """Let the server import what all processes need, and of these modules those that take long.

        It starts no process meanwhile.
        """
        self._preloads = ["benchmarks.worker", *sorted(name for name in modules if name.split(".")[0] in SLOW)]
        try:
            self._tell({"do": "preload", "modules": self._preloads})
        except SealLostError:
            self.reopen()

    def start(self, request: bytes, log: int, writable: Path | None = None, memory_gb: float = ASKED_GB) -> "Reply":
        """Start a process on a request.

        Parameters
        ----------
        log : descriptor of the file that takes what is printed.
        writable : folder that it may write to.
        memory_gb : room in each of its folders for temporary files, which are kept in memory.

        Raises
        ------
        SealLostError
            If the server has died.
        """
        self._started += 1
        ours, theirs = os.pipe()
        group = new_group()
        with tempfile.TemporaryFile() as file:
            file.write(request)
            file.flush()
            order = {"do": "start", "cell": self._started, "memory_gb": memory_gb}
            order |= {"writable": writable and str(writable), "group": group and str(group.folder)}
            self._groups += [group] if group else []
            try:
                self._tell(order, [file.fileno(), theirs, log])
            except SealLostError:
                os.close(ours)
                raise
            finally:
                os.close(theirs)
        os.set_blocking(ours, False)
        return Reply(self._started, ours, group)

    def end(self, number: int) -> None:
        """Kill a process and what it started."""
        self._tell({"do": "end", "cell": number})

    def ended(self) -> tuple[int, int] | None:
        """Number and exit code of a process that ended; None for other news.

        Raises
        ------
        SealLostError
            If the server has died.
        """
        news = self._hear()
        return news["cell"], news["code"]

    def ask(self, request: dict[str, Any], seconds: float = 120.0) -> dict[str, Any]:
        """Do a request without a table, and give the answer.

        Raises
        ------
        InputError
            If the process ends, fails or takes too long.
        """
        with tempfile.TemporaryFile() as log:
            content = {"path": self.path, "plugins": [str(path) for path in self.plugins], **request}
            reply = self.start(pack(content), log.fileno())
            code: int | None = None
            deadline = time.monotonic() + seconds
            while not (reply.whole or code is not None) and time.monotonic() < deadline:
                ready = select([reply.file, self._socket], POLL_SECONDS)
                if reply.file in ready:
                    reply.read(2**24)
                if self._socket in ready:
                    found = self.ended()
                    code = found[1] if found else None
            reply.read(2**24)
            if code is None:
                self.end(reply.number)
                self.ended()
            os.close(reply.file)
        files = ", ".join(str(path) for path in self.plugins)
        if not reply.whole:
            told = f"took longer than {seconds:g} s" if code is None else f"ended its process (exit code {code})"
            raise InputError(f"--load {files}: {told} while it was imported; mend it")
        content, _ = unpack(reply.message)
        if content.get("status") != "done":
            raise InputError(f"--load {files}: {content.get('message')}")
        if "mistake" in content:
            raise InputError(content["mistake"])
        return content

    def _open(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._open_once()
            except SealLostError:
                self.close()
                if attempt == ATTEMPTS:
                    raise
            else:
                return

    def _open_once(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.seal", str(theirs.fileno())],
                cwd=self._folder.name,
                env=environment(self._folder.name),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._socket = ours
        closed = [] if ROOT in self._readable else [ROOT]
        paths = {"readable": self._readable, "closed": [*closed, *self._away], "hidden": hidden()}
        self._tell({name: [str(path) for path in found] for name, found in paths.items()})
        self._closed = bool(self._hear()["closed"])

    def _hear(self) -> dict[str, Any]:
        try:
            message = self._socket.recv(MESSAGE_BYTES)
        except OSError:
            message = b""
        if not message:
            raise SealLostError
        return dict(json.loads(message))

    def _tell(self, order: dict[str, Any], files: Sequence[int] = ()) -> None:
        try:
            socket.send_fds(self._socket, [json.dumps(order).encode()], files)
        except OSError:
            raise SealLostError from None


@dataclass(eq=False)
class Reply:
    """What a sealed process sends: its process id for this machine, and one message behind its length.

    It and all that it starts are in a group, where there are groups.
    """

    number: int
    file: int
    group: Group | None
    received: bytearray = field(default_factory=bytearray)
    over: bool = False  # nothing more can come

    @property
    def process_id(self) -> int | None:
        """Id of the process, once it is known."""
        return int.from_bytes(self.received[:8], "big") if len(self.received) >= 8 else None

    @property
    def message(self) -> bytes:
        """The message."""
        return bytes(self.received[16 : 16 + self._length])

    @property
    def whole(self) -> bool:
        """Whether all of it is there."""
        return len(self.received) >= 16 + self._length

    @property
    def _length(self) -> int:
        return int.from_bytes(self.received[8:16], "big")

    def read(self, most: int) -> None:
        """Take in what has come; a message longer than so many bytes is not read on."""
        while not self.over and not (len(self.received) >= 16 and self.whole):
            try:
                part = os.read(self.file, READ_BYTES)
            except BlockingIOError:
                return
            self.received += part
            self.over = not part or len(self.received) > most


def select(files: Sequence[Any], seconds: float) -> set[Any]:
    """Those of any number of files that can be read, once there is one or the time is over."""
    with selectors.DefaultSelector() as selector:
        for file in files:
            selector.register(file, selectors.EVENT_READ)
        return {key.fileobj for key, _ in selector.select(seconds)}
