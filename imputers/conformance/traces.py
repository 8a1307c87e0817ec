"""What an imputer may not leave behind or do beside its work: processes, threads, noise, waiting."""

import os
import sys
import threading
import time
from pathlib import Path

import psutil

from imputers.base import Imputer
from imputers.conformance.rule import predict, require
from imputers.conformance.tables import example_table

NOISE = 20_000  # bytes that a fit and a prediction may print
KEPT = ("resource_tracker", "loky")
LOOKS = 5  # at the children of a process, which may be about to change their parents
IDLE_SECONDS, IDLE_SHARE = 1.0, 0.9  # what may pass without computing; children and threads may queue for processors


def leaves_no_process_or_thread(make: type[Imputer]) -> None:
    """Children and threads that a method starts have ended when it returns."""
    schema, X = example_table()
    before = set(threading.enumerate())
    predict(make, X, schema)
    children = _children()
    threads = [thread.name for thread in threading.enumerate() if thread not in before and not _kept(thread)]
    require(not children, f"it left {len(children)} processes behind: {[command[:60] for command in children[:3]]}")
    require(not threads, f"it left {len(threads)} threads behind: {threads[:3]}")


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


def _children() -> list[str]:
    """Commands of the children that still run, without what multiprocessing and joblib keep for a process's life.

    They are asked for several times: one that is about to change its parent is in no list.
    """
    for _ in range(LOOKS):
        commands = [_command(child) for child in psutil.Process().children(recursive=True)]
        found = [command for command in commands if command and not any(kept in command for kept in KEPT)]
        if found:
            return found
        time.sleep(1 / 50)
    return []


def _kept(thread: threading.Thread) -> bool:
    """Whether a thread belongs to the idle workers of joblib, or to the monitor of a progress bar."""
    return type(thread).__module__.split(".")[0] in ("joblib", "tqdm") or thread.name == "QueueFeederThread"


def _command(child: psutil.Process) -> str:
    """How a child was started; empty if it has ended."""
    try:
        return "" if child.status() == psutil.STATUS_ZOMBIE else " ".join(child.cmdline()) or child.name()
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
