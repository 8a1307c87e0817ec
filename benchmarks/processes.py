"""Processes and what started them started: their limits, how much memory they use, how they end."""

from contextlib import suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Limits:
    """What one cell may take: wall-clock seconds, and resident memory in GB of its process and all it started."""

    seconds: float
    memory_gb: float


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants, the process first; empty if it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def used_gb(pid: int) -> float:
    """Resident memory of a process and its descendants."""
    return sum(_resident_gb(member) for member in family(pid))


def kill_family(pid: int) -> None:
    """Kill the descendants of a process, the youngest first, and then the process."""
    for member in family(pid)[::-1]:
        with suppress(psutil.NoSuchProcess):  # gone by itself meanwhile: what we want
            member.kill()


def _resident_gb(process: psutil.Process) -> float:
    try:
        return process.memory_info().rss / 2**30
    except psutil.NoSuchProcess:
        return 0.0
