"""Processes and what started them started: their limits, how much memory they use, how they end."""

import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

import psutil

from benchmarks.groups import Group
from benchmarks.stopping import unstopped

ATTEMPTS, WAIT_SECONDS = 5, 0.1


@dataclass(frozen=True)
class Limits:
    """What one cell may take: wall-clock seconds, and resident memory in GB of its process and all it started."""

    seconds: float
    memory_gb: float


def start(process: BaseProcess) -> None:
    """Start a process of a fork server, deaf to the signals that stop a command; a server that died is started anew.

    Raises
    ------
    ConnectionError, EOFError
        If it dies again and again.
    """
    for left in range(ATTEMPTS)[::-1]:
        try:
            with unstopped():
                process.start()
        except (ConnectionError, EOFError):  # it has just died, and the kernel has not said so yet
            if not left:
                raise
            time.sleep(WAIT_SECONDS)
        else:
            return


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants, the process first; empty if it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def used_gb(pid: int, group: Group | None) -> float:
    """Resident memory of all in a process's group, and where it is in none, also of itself and its descendants.

    To find descendants the parents of all processes of the machine are read.
    """
    members = set(group.members() if group else ())
    if pid not in members:
        members |= {member.pid for member in family(pid)}
    return sum(map(_resident_gb, members))


def kill_family(pid: int) -> None:
    """Kill the descendants of a process, the youngest first, and then the process."""
    for member in family(pid)[::-1]:
        with suppress(psutil.NoSuchProcess):  # gone by itself meanwhile: what we want
            member.kill()


def _resident_gb(pid: int) -> float:
    try:
        return psutil.Process(pid).memory_info().rss / 2**30
    except psutil.NoSuchProcess:
        return 0.0
