"""The supervisor: cells go to sealed processes with limits on time and memory, and their replies to judges.

A cell has a place from its start until it is recorded; so many places are taken at a time. The process that imputes
ends before its reply is judged, in another process that never runs code of imputers.
"""

import json
import multiprocessing
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from benchmarks.judge import Damaged, Job, judge
from benchmarks.seal import MESSAGE_BYTES
from benchmarks.versions import PACKAGES, ROOT
from benchmarks.wire import pack, unpack
from datasets.errors import InputError
from reports.results import Record

POLL_SECONDS = 0.05
GRACE_SECONDS = 2.0  # between the end of a connection and that of its process
START_SECONDS = 600.0  # that the server may take until a process starts: its imports come first
READ_BYTES = 2**20
JUDGING_SECONDS = 3600.0
PRELOADED = ("benchmarks.worker", "sklearn.ensemble", "scipy.stats", "lightgbm", "torch")
JUDGES_PRELOAD = ("benchmarks.judge", "sklearn.linear_model", "scipy.stats")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
NO_LOADERS = ("__init__.py",)
PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "LD_LIBRARY_PATH",
    "PYTHONHASHSEED",
    "PYTHONWARNINGS",
    "VIRTUAL_ENV",
)
PASSED_FAMILIES = ("LC_", "CUDA_", "NVIDIA_", "HF_", "HUGGINGFACE_", "TRANSFORMERS_", "R_", "PYTORCH_", "XDG_CACHE")


@dataclass(frozen=True)
class Limits:
    """What one cell may take: wall-clock seconds, and resident memory in GB of its process and all it started."""

    seconds: float
    memory_gb: float


class SealLostError(Exception):
    """The server of sealed processes has died."""


class Seal:
    """The runner's end of the server in `benchmarks.seal`, which is started again when it dies.

    Parameters
    ----------
    plugins : files that sealed processes load.
    named : files and folders beside those of Python and this project that they read, as folders of weights.
    """

    def __init__(self, plugins: Sequence[Path] = (), named: Iterable[Path] = ()) -> None:
        self.plugins = tuple(path.resolve() for path in plugins)
        self.path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - links in it are meant
        self._readable = _readable([*self.plugins, *_beside(self.plugins), *(path.resolve() for path in named)])
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._preloads = False
        self._started = 0

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

    def reopen(self) -> None:
        """Start the server again."""
        for process in _family(self._process.pid if self._process else 0):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.close()
        self._open()
        if self._preloads:
            self.preload()

    def preload(self) -> None:
        """Let the server import what is slow to import; it starts no process meanwhile."""
        self._preloads = True
        self._tell({"do": "preload", "modules": PRELOADED})

    def start(self, request: bytes, log: int, writable: Path | None = None, *, network: bool = False) -> "Reply":
        """Start a process on a request.

        Parameters
        ----------
        log : descriptor of the file that takes what is printed.
        writable : folder that it may write to.

        Raises
        ------
        SealLostError
            If the server has died.
        """
        self._started += 1
        ours, theirs = os.pipe()
        with tempfile.TemporaryFile() as file:
            file.write(request)
            file.flush()
            order = {"do": "start", "cell": self._started, "network": network}
            try:
                self._tell(order | {"writable": writable and str(writable)}, [file.fileno(), theirs, log])
            except SealLostError:
                os.close(ours)
                raise
            finally:
                os.close(theirs)
        os.set_blocking(ours, False)
        return Reply(self._started, ours)

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
        try:
            message = self._socket.recv(MESSAGE_BYTES)
        except OSError:
            message = b""
        if not message:
            raise SealLostError
        news = json.loads(message)
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
                ready, _, _ = _select([reply.file, self._socket], POLL_SECONDS)
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
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.seal", str(theirs.fileno())],
                cwd=self._folder.name,
                env=_environment(self._folder.name),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._socket = ours
        closed = [] if ROOT in self._readable else [ROOT]
        paths = {"readable": self._readable, "closed": closed, "hidden": _loaders()}
        self._tell({name: [str(path) for path in found] for name, found in paths.items()})
        message = self._socket.recv(MESSAGE_BYTES)
        if not message:
            raise SealLostError
        self._closed = bool(json.loads(message)["closed"])

    def _tell(self, order: dict[str, Any], files: Sequence[int] = ()) -> None:
        try:
            socket.send_fds(self._socket, [json.dumps(order).encode()], files)
        except OSError:
            raise SealLostError from None


def _loaders() -> list[Path]:
    """What reads or makes tables, and is in the folder of the surveys."""
    return [path for path in (ROOT / "datasets" / "surveys").iterdir() if path.name not in NO_LOADERS]


@dataclass(eq=False)
class Reply:
    """What a sealed process sends: its process id for this machine, and one message behind its length."""

    number: int
    file: int
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


class _Judge:
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
                found: Record | Damaged = judge(job, reply, seconds)
            except Damaged as damaged:
                found = damaged
            except Exception as error:  # noqa: BLE001 - metrics, too, may be anybody's
                found = job.record("failed", f"{type(error).__name__}: {error} (while it was scored)", seconds)
            runner.send(found)


@dataclass(eq=False)
class _Running:
    job: Job
    started: float  # of its process, once that is known
    reply: Reply | None = None
    log: int | None = None
    code: int | None = None  # exit code of the sealed process, once it has ended
    failure: str = ""
    lost_at: float | None = None  # when the connection ended before the reply was whole
    judge: _Judge | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


class Supervisor:
    """Runs jobs, ``n_jobs`` at a time, and gives each record to ``done``, which returns False to stop.

    Parameters
    ----------
    scoring : files that judges load, for their metrics.
    say : told of what is set aside.
    """

    def __init__(
        self, seal: Seal, n_jobs: int, limits: Limits, scoring: Sequence[Path], say: Callable[[str], None]
    ) -> None:
        self.seal, self.n_jobs, self.limits, self.say = seal, n_jobs, limits, say
        self.scoring = scoring
        self.running: list[_Running] = []
        self.idle: list[_Judge] = []
        self.judges: list[_Judge] = []

    def run(self, jobs: Iterable[Job], done: Callable[[Job, Record, float], bool]) -> None:
        """Run every job."""
        waiting = iter(jobs)
        with _server() as context:
            self.context = context
            try:
                while True:
                    self._start(waiting)
                    if not self.running:
                        return
                    self._listen()
                    self._watch()
                    for task, record in self._finished():
                        if not done(task.job, record, task.seconds):
                            return
            finally:
                for task in self.running:
                    self._leave(task)
                for judge in self.judges:
                    judge.process.kill()
                    judge.process.join()

    def _start(self, waiting: Iterator[Job]) -> None:
        while len(self.running) < self.n_jobs and (job := next(waiting, None)) is not None:
            task = _Running(job, time.monotonic())
            self.running.append(task)
            if job.store.prediction_path(job.prediction_key).exists():
                self._judge(task, None)
            else:
                self._impute(task)

    def _impute(self, task: _Running) -> None:
        job = task.job
        learned = job.store.learned_path(job.prediction_key).resolve()
        learned.mkdir(parents=True, exist_ok=True)
        path = job.store.log_path(job.prediction_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        task.log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        task.started = time.monotonic()
        try:
            task.reply = self.seal.start(job.request(self.seal.path), task.log, learned, network=not job.added)
        except SealLostError:
            self._restart()
            task.reply = self.seal.start(job.request(self.seal.path), task.log, learned, network=not job.added)

    def _judge(self, task: _Running, reply: bytes | None) -> None:
        task.judge = self.idle.pop() if self.idle else self._new_judge()
        task.judge.end.send((task.job, reply, task.seconds))

    def _new_judge(self) -> _Judge:
        judge = _Judge(self.context, self.scoring)
        self.judges.append(judge)
        return judge

    def _listen(self) -> None:
        """Wait for news, and take them in."""
        replies = {task.reply.file: task for task in self.running if task.reply and not (task.reply.over or task.judge)}
        judges = [task.judge.end for task in self.running if task.judge]
        ready, _, _ = _select([*replies, *judges, self.seal], POLL_SECONDS)
        for file in replies:
            if file in ready:
                self._hear(replies[file])
        if self.seal in ready:
            try:
                found = self.seal.ended()
            except SealLostError:
                self._restart()
                return
            for task in self.running:
                if found and task.reply and task.reply.number == found[0]:
                    task.code = found[1]

    def _hear(self, task: _Running) -> None:
        """Take in what a process sent; its time runs from its first word, as the server may have been busy."""
        if task.reply is not None:
            new = task.reply.process_id is None
            task.reply.read(self._most(task.job))
            if new and task.reply.process_id is not None:
                task.started = time.monotonic()

    def _most(self, job: Job) -> int:
        """Bytes of the longest message that can be a prediction."""
        width = sum(max(len(column.labels), 2) for column in job.masked.schema)
        return 2**24 + 16 * (
            job.masked.values.size * (job.cell.n_draws + 2) + len(job.masked.values) * width + 4 * width**2
        )

    def _watch(self) -> None:
        """End processes that broke a limit, have sent their reply, or lost their connection."""
        sealed = [task for task in self.running if task.reply and task.code is None and not task.failure]
        for task in sealed:
            reply = task.reply
            if reply is None:
                continue
            overrun = None if reply.whole and reply.received else self._overrun(task)
            if overrun:
                task.failure = overrun
                self._end(task)
            elif reply.over and task.lost_at is None:
                task.lost_at = time.monotonic()
            elif task.lost_at is not None and time.monotonic() - task.lost_at > GRACE_SECONDS:
                self._end(task)
        for task in self.running:
            if task.judge and task.seconds > self.limits.seconds + JUDGING_SECONDS:
                task.judge.process.kill()

    def _overrun(self, task: _Running) -> str | None:
        pid = task.reply.process_id if task.reply else None
        if task.seconds > self.limits.seconds + (0 if pid else START_SECONDS):
            return f"took longer than the limit of {self.limits.seconds:g} s"
        used = sum(_resident_gb(process) for process in _family(pid)) if pid else 0.0
        most = self.limits.memory_gb
        return f"used {used:.2f} GB, more than the limit of {most:g} GB" if used > most else None

    def _end(self, task: _Running) -> None:
        if task.reply is not None:
            with suppress(SealLostError):  # then it has ended, and `_listen` will see
                self.seal.end(task.reply.number)

    def _restart(self) -> None:
        """Start the server again; what it had under way is lost."""
        self.seal.reopen()
        for task in self.running:
            if task.reply and task.code is None and task.judge is None:
                task.code = -9
                task.failure = task.failure or "its process was ended together with the server that had started it"

    def _finished(self) -> Iterator[tuple[_Running, Record]]:
        """Tasks that have their record; those whose process ended go on to a judge."""
        for task in list(self.running):
            if task.judge is not None:
                record = self._judged(task)
            elif task.code is not None and task.reply is not None:
                task.reply.read(self._most(task.job))
                record = self._sealed_ended(task)
            else:
                continue
            if record is not None:
                self.running.remove(task)
                self._leave(task)
                yield task, record

    def _sealed_ended(self, task: _Running) -> Record | None:
        reply, code = task.reply, task.code
        if reply is not None and len(reply.received) >= 16 and reply.whole:
            self._judge(task, reply.message)
            return None
        message = task.failure
        if not message and reply is not None and len(reply.received) > self._most(task.job):
            message = "its process sent more than a prediction can hold"
        if not message and code is not None and code < 0:
            message = f"its process died with exit code {code} (negative: a signal)"
        message = message or f"its process ended with exit code {code} before it gave a prediction"
        return task.job.record("failed", message, task.seconds)

    def _judged(self, task: _Running) -> Record | None:
        judge = task.judge
        if judge is None or not (judge.end.poll() or not judge.process.is_alive()):
            return None
        try:
            found = judge.end.recv() if judge.end.poll() else None
        except (EOFError, OSError):
            found = None
        if found is None:
            self.judges.remove(judge)
            judge.process.join()
            return task.job.record("failed", f"its scoring died with exit code {judge.process.exitcode}", task.seconds)
        self.idle.append(judge)
        if isinstance(found, Damaged):
            self.say(str(found))
            task.judge = None
            self._impute(task)
            return None
        return found

    def _leave(self, task: _Running) -> None:
        """Let go of what a task held; an empty folder for what it learns goes too."""
        if task.reply is not None:
            if task.code is None:
                self._end(task)
            os.close(task.reply.file)
            with suppress(OSError):
                task.job.store.learned_path(task.job.prediction_key).rmdir()
        if task.log is not None:
            os.close(task.log)


def _select(files: Sequence[Any], seconds: float) -> tuple[set[Any], set[Any], set[Any]]:
    """As `select.select` for reading, of any number of files."""
    with selectors.DefaultSelector() as selector:
        for file in files:
            selector.register(file, selectors.EVENT_READ)
        return {key.fileobj for key, _ in selector.select(seconds)}, set(), set()


@contextmanager
def _server() -> Iterator[ForkServerContext]:
    """A fork server for judges, which use one thread each: the libraries read these variables as they load."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(JUDGES_PRELOAD))
    before = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield context
    finally:
        for name in THREAD_VARIABLES:
            del os.environ[name]
        os.environ.update(before)


def _environment(folder: str) -> dict[str, str]:
    """What a sealed process needs of the environment: nothing that names the run or its data."""
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(PASSED_FAMILIES)}
    hub = os.environ.get("HF_HOME") or str(_caches() / "huggingface")
    own = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": folder, "HF_HOME": hub}
    return kept | own | dict.fromkeys(THREAD_VARIABLES, "1")


def _caches() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _readable(named: Iterable[Path]) -> list[Path]:
    """Python, this project's code, language models, R's packages, and what is named."""
    own = [ROOT / package for package in sorted(PACKAGES)]
    python = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve()]
    installed = [Path(entry) for entry in sys.path if "site-packages" in entry]
    hub = [Path(os.environ.get(name, "")) for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "R_HOME")]
    programs = [Path(entry) for name in ("R_LIBS", "R_LIBS_USER", "LD_LIBRARY_PATH") for entry in _entries(name)]
    found = [*own, *python, *installed, _caches() / "huggingface", *hub, *programs, *named]
    return [path for path in dict.fromkeys(found) if path.is_absolute() and path.exists()]


def _entries(variable: str) -> list[str]:
    return os.environ.get(variable, "").split(":")


def _beside(plugins: Iterable[Path]) -> list[Path]:
    """Python files beside files of the user's, which they may import."""
    return [path for plugin in plugins for path in sorted(plugin.parent.glob("*.py"))]


def _family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident_gb(process: psutil.Process) -> float:
    try:
        return process.memory_info().rss / 2**30
    except psutil.NoSuchProcess:
        return 0.0
