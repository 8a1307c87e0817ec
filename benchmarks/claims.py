"""Claims: of several runs in one store, the one that computes a cell holds a file that says so."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.store import Store

BEAT_SECONDS = 5.0
POLL_SECONDS = 0.2
STALE_SECONDS = 60.0  # without a beat: the run is dead, or its machine cannot be reached


@dataclass(frozen=True)
class Owner:
    """Who computes a cell: a process, which its host, id and time of birth tell from all others."""

    host: str
    pid: int
    born: float

    @classmethod
    def here(cls) -> "Owner":
        """The process that asks."""
        return cls(socket.gethostname(), os.getpid(), psutil.Process().create_time())

    @property
    def is_dead(self) -> bool:
        """Whether it is known to be gone, which can be known on its own machine alone."""
        if self.host != socket.gethostname():
            return False
        try:
            return psutil.Process(self.pid).create_time() != self.born
        except psutil.NoSuchProcess:
            return True


class Claims:
    """Claims of this process on cells of a store, each a file ``claims/<record key>.json`` made with O_EXCL.

    A claim holds host, process and heartbeat: the time of the file, which is set anew every few seconds. It is free
    for others when its process is dead, or has not been heard of for a minute by the clock of the store's disk.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._folder, self._owner = store, store.folder / "claims", Owner.here()
        self._held: set[str] = set()
        self._over = threading.Event()

    @contextmanager
    def kept(self) -> Iterator["Claims"]:
        """While claims are kept up; at the end all are given back."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beating = threading.Thread(target=self._beat, daemon=True)
        beating.start()
        try:
            yield self
        finally:
            self._over.set()
            beating.join()
            for key in list(self._held):
                self.release(key)

    def take(self, key: str) -> bool:
        """Claim a cell; False if another run has it."""
        if self._made(key):
            return True
        with self._store.locked():  # of several that find it stale, one takes it over
            if not self._stale(key):
                return False
            self._path(key).unlink(missing_ok=True)
            return self._made(key)

    def release(self, key: str) -> None:
        """Give a claim back, unless it was taken over meanwhile."""
        self._held.discard(key)
        with self._store.locked():
            if self.owner(key) == self._owner:
                self._path(key).unlink(missing_ok=True)

    def owner(self, key: str) -> Owner | None:
        """Who has claimed a cell; None if nobody has, or it cannot be read."""
        with suppress(OSError, ValueError, TypeError):
            return Owner(**json.loads(self._path(key).read_text(encoding="utf-8")))
        return None

    def free(self, keys: Sequence[str]) -> bool:
        """Whether one of these cells may be free."""
        return any(not self._path(key).exists() or self._stale(key) for key in keys)

    def wait(self, keys: Sequence[str]) -> None:
        """Wait until one of these cells may be free."""
        while not self.free(keys):
            time.sleep(POLL_SECONDS)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def _made(self, key: str) -> bool:
        try:
            file = os.open(self._path(key), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(file, "w", encoding="utf-8") as claim:
            json.dump(vars(self._owner), claim)
        self._held.add(key)
        return True

    def _stale(self, key: str) -> bool:
        """Whether a claim is free for others; one that its process is just writing is not."""
        owner = self.owner(key)
        if owner is not None and owner.is_dead:
            return True
        try:
            return self._now() - self._path(key).stat().st_mtime > STALE_SECONDS
        except FileNotFoundError:
            return True

    def _now(self) -> float:
        """The time by the clock that dates the files of the store, which may be another machine's."""
        clock = self._folder / f".clock-{self._owner.host}-{self._owner.pid}"
        clock.touch()
        now = clock.stat().st_mtime
        clock.unlink(missing_ok=True)
        return now

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            for key in list(self._held):
                with suppress(OSError):  # given back this moment, or the disk is away: then it grows stale
                    if self.owner(key) == self._owner:
                        os.utime(self._path(key))
