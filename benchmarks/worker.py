"""The worker: one cell from masked table to scored record, and the one place where any error is caught."""

import os
import resource
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import Protocol, runtime_checkable

from benchmarks.cells import Cell
from benchmarks.store import Cost, Store
from datasets.errors import InputError, MethodUnavailableError
from datasets.prediction import Prediction, check_prediction
from datasets.registry import load_plugin
from datasets.table import Masked
from imputers import make_imputer
from metrics import METRICS
from metrics.metric import Reads
from reports.measures import AUDIT
from reports.results import Record, write_record


@dataclass(frozen=True, eq=False)
class Job:
    """All that a worker process needs for one cell.

    Parameters
    ----------
    prediction_key, record_key : names in the store.
    plugins : files given by ``--load``, imported again in the worker.
    """

    cell: Cell
    masked: Masked
    prediction_key: str
    record_key: str
    store: Store
    plugins: tuple[Path, ...] = ()


@runtime_checkable
class Learner(Protocol):
    """An imputer that keeps what it learns, such as adapters, and resumes from it if it was stopped."""

    folder: Path | None


@runtime_checkable
class Audited(Protocol):
    """An imputer that examines itself, as language models do."""

    def audit(self) -> Mapping[str, float]:
        """Measures by name, taken on observed cells that the method hid from itself."""


@runtime_checkable
class Informed(Protocol):
    """An imputer that is told, in a plain sentence, more than others about why cells are missing."""

    told: str


def attempt(work: Callable[[], None]) -> str | None:
    """Do the work; give the message of the error that stopped it, or None.

    This is the boundary between the benchmark and methods that anyone may write: whatever a method
    raises is recorded in full and the others go on.
    """
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the cell boundary
        frames = traceback.extract_tb(error.__traceback__)
        place = f" (in {Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
        return f"{type(error).__name__}: {error}{place}"
    return None


def work_on(job: Job) -> None:
    """Prediction, score and record one cell; an error is recorded as the cell's failure."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    _log_to(job.store.log_path(job.prediction_key))
    message = attempt(lambda: _answer_and_score(job))
    if message is not None:
        record_failure(job, message)


def record_failure(job: Job, message: str) -> None:
    """Write down that a cell failed and why."""
    _write(job, "failed", message, ())


def _answer_and_score(job: Job) -> None:
    for path in job.plugins:
        load_plugin(path)
    try:
        _answer(job)
    except MethodUnavailableError as lacking:
        _write(job, "unavailable", str(lacking), ())
        return
    prediction, cost, audit = job.store.load_prediction(job.prediction_key)
    told = {name.replace("_", "-"): value for name, value in vars(cost).items()} | audit
    _write(
        job, "done", "", (*score(job.masked, prediction), *((name, "(table)", value) for name, value in told.items()))
    )


def _answer(job: Job) -> None:
    """Put the answer into the store, unless it is there."""
    if not job.store.prediction_path(job.prediction_key).exists():
        prediction, cost, audit = _timed_answer(job.cell, job.masked, job.store.learned_path(job.prediction_key))
        check_prediction(prediction, job.masked.values, job.masked.schema)
        job.store.save_prediction(job.prediction_key, prediction, cost, audit)


def _timed_answer(cell: Cell, masked: Masked, folder: Path) -> tuple[Prediction, Cost, Mapping[str, float]]:
    """Let the imputer see values, schema, weights and a seed, and nothing else; its audit of itself is not timed."""
    imputer = make_imputer(cell.imputer)
    if isinstance(imputer, Learner):
        imputer.folder = folder
    start = time.perf_counter()
    imputer.fit(masked.values, schema=masked.schema, weights=masked.truth.weights, random_state=cell.random_state)
    fitted = time.perf_counter()
    prediction = imputer.impute(masked.values, n_draws=cell.n_draws)
    drawn = time.perf_counter()
    cost = Cost(fitted - start, drawn - fitted, _peak_memory_mb())
    return prediction, cost, _audit(imputer) if isinstance(imputer, Audited) else {}


def _audit(imputer: Audited) -> Mapping[str, float]:
    """What an imputer finds out about itself, in measures that the report can explain."""
    found = imputer.audit()
    strange = sorted(set(found) - set(AUDIT))
    if strange:
        raise InputError(f"{type(imputer).__name__}.audit gives {strange}; the report knows {', '.join(sorted(AUDIT))}")
    return found


def score(masked: Masked, prediction: Prediction) -> list[tuple[str, str, float]]:
    """Every metric that applies to an answer, as (metric, column, value)."""
    has = {
        Reads.FILLS: prediction.draws is not None,
        Reads.PROBABILITIES: bool(prediction.probabilities),
        Reads.MOMENTS: prediction.draws is not None or prediction.moments is not None,
        Reads.ESTIMATES: prediction.draws is not None or prediction.estimates is not None,
    }
    applicable = {name: METRICS[name] for name in METRICS if has[METRICS[name].reads]}
    return [
        (name, column, float(value))
        for name, metric in applicable.items()
        for column, value in metric.score(masked, prediction).items()
    ]


def _write(job: Job, status: str, message: str, scores: tuple[tuple[str, str, float], ...]) -> None:
    cell = job.cell
    record = Record(cell.dataset, *cell.mask, cell.imputer, status, message, scores)
    write_record(record, job.store.record_path(job.record_key))


def _peak_memory_mb() -> float:
    """Peak resident memory of this process or of one it started; the kernel counts in KiB, on macOS in bytes."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _log_to(path: Path) -> None:
    """Send what libraries print in this process to a file: nothing is lost and the progress bar stays whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())


def _exit_with_parent() -> None:
    """End this process when the run that started it is gone, so that a killed run leaves nothing behind."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
