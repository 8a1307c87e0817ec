"""The worker: one cell from masked table to scored record, and the one place where any error is caught."""

import os
import resource
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from pathlib import Path

from benchmarks.cells import Cell
from benchmarks.scoring import score
from benchmarks.store import Cost, Store, Stored
from datasets.errors import InputError, MethodUnavailableError
from datasets.prediction import check_prediction
from datasets.registry import load_plugin
from datasets.table import Masked
from imputers import make_imputer
from imputers.base import Imputer
from reports.measures import AUDIT
from reports.results import Provenance, Record, write_record


@dataclass(frozen=True, eq=False)
class Job:
    """All that a worker process needs for one cell.

    Parameters
    ----------
    setting : mechanism of which that of the cell is a replicate.
    prediction_key, record_key : names in the store.
    plugins : files given by ``--load``, imported again in the worker.
    provenance : what computes the cell.
    """

    cell: Cell
    setting: str
    masked: Masked
    prediction_key: str
    record_key: str
    store: Store
    plugins: tuple[Path, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def record_path(self) -> Path:
        """Where its record is kept."""
        return self.store.record_path(self.record_key)


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
    """Predict, score and record one cell; an error is recorded as the cell's failure."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    _log_to(job.store.log_path(job.prediction_key))
    start = time.perf_counter()
    message = attempt(lambda: predict_and_score(job))
    if message is not None:
        record_loss(job, "failed", message, time.perf_counter() - start)


def predict_and_score(job: Job) -> None:
    """Score the prediction of a cell, which is made unless it is in the store; write the record."""
    start = time.perf_counter()
    for path in job.plugins:
        load_plugin(path)
    try:
        stored = _prediction(job)
    except MethodUnavailableError as lacking:
        record_loss(job, "unavailable", str(lacking), time.perf_counter() - start)
        return
    told = {name.replace("_", "-"): value for name, value in vars(stored.cost).items()} | dict(stored.audit)
    found = [(one.metric, one.column, one.value) for one in score(job.masked, stored.prediction)]
    scores = (*found, *((name, "(table)", value) for name, value in told.items()))
    _write(job, "done", "", scores, time.perf_counter() - start, stored.provenance)


def record_loss(job: Job, status: str, message: str, seconds: float) -> None:
    """Write down that a cell failed or is unavailable, and why."""
    _write(job, status, message, (), seconds, job.provenance)


def _prediction(job: Job) -> Stored:
    """The checked prediction of a cell, from the store or put there now."""
    if job.store.prediction_path(job.prediction_key).exists():
        return job.store.load_prediction(job.prediction_key)
    stored = _predict(job)
    check_prediction(stored.prediction, job.masked.values, job.masked.schema)
    job.store.save_prediction(job.prediction_key, stored)
    return stored


def _predict(job: Job) -> Stored:
    """Let the imputer see values, schema, weights and a seed, and nothing else; its audit of itself is not timed."""
    imputer, cell, masked = make_imputer(job.cell.imputer), job.cell, job.masked
    start = time.perf_counter()
    imputer.fit(
        masked.values,
        schema=masked.schema,
        weights=masked.truth.weights,
        random_state=cell.random_state,
        folder=job.store.learned_path(job.prediction_key),
    )
    fitted = time.perf_counter()
    prediction = imputer.impute(masked.values, n_draws=cell.n_draws)
    drawn = time.perf_counter()
    cost = Cost(fitted - start, drawn - fitted, _peak_memory_mb())
    return Stored(prediction, cost, _audit(imputer), job.provenance)


def _audit(imputer: Imputer) -> Mapping[str, float]:
    """What an imputer finds out about itself, in measures that the report can explain."""
    found = imputer.audit()
    strange = sorted(set(found) - set(AUDIT))
    if strange:
        raise InputError(f"{type(imputer).__name__}.audit gives {strange}; the report knows {', '.join(sorted(AUDIT))}")
    return found


def _write(
    job: Job,
    status: str,
    message: str,
    scores: tuple[tuple[str, str, float], ...],
    seconds: float,
    provenance: Provenance,
) -> None:
    cell = job.cell
    record = Record(cell.dataset, *cell.mask, cell.imputer, status, message, scores, job.setting, seconds, provenance)
    write_record(record, job.record_path)


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
