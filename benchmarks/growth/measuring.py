"""Measuring what a cell costs: an imputer fits and draws, or a prediction is scored, in a process with one thread."""

import math
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Set
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.attempt import attempt, reason
from benchmarks.cells import make_mask
from benchmarks.growth.sources import Source
from benchmarks.scoring import score
from benchmarks.sealed import SLOW
from imputers import make_imputer
from imputers.design import sampled
from imputers.threads import THREAD_VARIABLES

SCORING, SCORED = "scoring", "hot-deck"
MASK = ("mcar", 0.3, 1)
DRAWS = 5
IDLE = 20  # times the limit that may pass, on a machine that is busy with other work
TOO_LONG = "took longer than"


@dataclass(frozen=True)
class Costs:
    """What one cell took.

    Parameters
    ----------
    fit, draw : processor seconds to fit and to draw five times, with those of programs that the method calls; NaN if it
        failed. To score five draws counts as drawing.
    base, peak : MB of resident memory before the table was there, and at most.
    failure : what kept it from its end; empty if nothing did.
    """

    fit: float = float("nan")
    draw: float = float("nan")
    base: float = float("nan")
    peak: float = float("nan")
    failure: str = ""


def measure(request: str, modules: Set[str], source: Source, n: int, p: int, limit: float) -> Costs:
    """Costs of an imputer on a table (n, p) of which 30 % of the answers are hidden completely at random.

    Parameters
    ----------
    request : of the imputer, or `SCORING`, which is measured on the draws of a quick one.
    modules : that its code imports; those that a run's server of sealed processes has imported are not counted.
    limit : processor seconds of the process at most, its start included.
    """
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(request, modules, source, n, p, math.ceil(limit), there))
    process.start()
    there.close()
    try:
        if not here.poll(IDLE * limit):
            return Costs(failure=f"gave no answer for {IDLE * limit:g} s")
        found = here.recv()
    except EOFError:
        process.join()
        late = process.exitcode == -signal.SIGXCPU
        return Costs(failure=f"{TOO_LONG} {limit:g} s" if late else f"its process ended with code {process.exitcode}")
    else:
        return found if isinstance(found, Costs) else Costs(failure=str(found))
    finally:
        process.kill()
        process.join()


def _work(request: str, modules: Set[str], source: Source, n: int, p: int, limit: int, answer: Connection) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, most))  # beyond, the kernel ends it by SIGXCPU
    error = attempt(lambda: answer.send(_costs(request, modules, source, n, p)))
    if error is not None:
        answer.send(reason(error))


def _costs(request: str, modules: Set[str], source: Source, n: int, p: int) -> Costs:
    for name in sorted(modules):
        if name.split(".")[0] in SLOW:
            attempt(lambda name=name: import_module(name))  # type: ignore[misc] # some are not installed
    imputer = make_imputer(SCORED if request == SCORING else request)
    base = _peak()
    masked = make_mask(source.take(n, p), *MASK)
    start = _spent()
    truth = masked.truth
    design = sampled(imputer, truth.strata, truth.psu)
    imputer.fit(masked.values, schema=masked.schema, weights=truth.weights, **design)
    fitted = _spent()
    prediction = imputer.impute(masked.values, n_draws=DRAWS)
    drawn = _spent()
    if request != SCORING:
        return Costs(fitted - start, drawn - fitted, base, _peak())
    score(masked, prediction)
    return Costs(0.0, _spent() - drawn, base, _peak())


def _spent() -> float:
    """Processor seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak() -> float:
    """MB of resident memory at most so far, those of children that have ended included.

    Where the system has it, the mark of this program is read: `getrusage` begins with the process that started it.
    """
    unit = 2**20 if sys.platform == "darwin" else 2**10
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit
    status = Path("/proc/self/status")
    if status.exists():
        marks = [line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:")]
        return children + int(marks[0].split()[1]) / 2**10
    return children + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
