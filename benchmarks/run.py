"""Running a suite: plan the cells, compute what is missing, write the report."""

import hashlib
import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cells import Cell, code_version, make_mask, prediction_key
from benchmarks.manifest import describe_run
from benchmarks.progress import Progress
from benchmarks.store import Store
from benchmarks.suites import Suite
from benchmarks.supervisor import Limits, supervise
from benchmarks.worker import Job
from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.card import mask_card
from datasets.table import Dataset
from imputers import make_imputer
from metrics import METRICS
from reports.results import Record, read_record
from reports.write import write_report


@dataclass(frozen=True)
class Outcome:
    """How a run ended: where the report is, and how many cells were planned, done, failed and unavailable."""

    report: Path | None
    planned: int
    done: int
    failed: int
    unavailable: int


def check_names(suite: Suite) -> Suite:
    """Give a suite back whose every name is resolved, before any work starts.

    Raises
    ------
    InputError
        If a mechanism, an imputer or a parameter of it does not exist, a rate is outside (0, 1), or nothing is planned.
    """
    for name in suite.mechanisms:
        MECHANISMS.resolve(name)
    for request in suite.imputers:
        make_imputer(request)
    for rate in suite.rates:
        if not 0 < rate < 1:
            raise InputError(f"rate {rate:g} is not between 0 and 1; it is the share of cells to hide, e.g. 0.3")
    if not (suite.mechanisms and suite.imputers and suite.rates and suite.seeds):
        raise InputError(f"suite {suite.name!r} plans no cells; give mechanisms, rates, seeds and imputers")
    return suite


def run(
    suite: Suite,
    dataset: Dataset,
    out: Path,
    *,
    n_jobs: int,
    limits: Limits,
    progress: Progress,
    command: str,
    plugins: Sequence[Path] = (),
    fail_fast: bool = False,
) -> Outcome:
    """Run the missing cells of a suite and write its report to ``out/<suite>/``.

    A stopped run loses the cells that were under way and nothing else: run it again. With ``fail_fast``
    the first failure stops the run, and no report is written.
    """
    check_names(suite)
    (out / suite.name).mkdir(parents=True, exist_ok=True)
    jobs, cards = plan(suite, dataset, Store(out / "store"), plugins)
    records = compute(jobs, n_jobs, limits, progress, fail_fast)
    counts = [sum(record.status == status for record in records) for status in ("done", "failed", "unavailable")]
    if len(records) < len(jobs):
        return Outcome(None, len(jobs), *counts)
    manifest = {"facts": describe_run(suite, dataset, jobs, command), "cards": cards}
    _write_whole(out / suite.name / "manifest.json", json.dumps(manifest, indent=1, allow_nan=False))
    return Outcome(rebuild(out, suite.name), len(jobs), *counts)


def compute(
    jobs: Sequence[Job], n_jobs: int, limits: Limits, progress: Progress, fail_fast: bool = False
) -> list[Record]:
    """Compute the cells that are not in the store, and give the records of all that are there then."""
    missing = [job for job in jobs if not _is_done(job)]
    progress.start(len(jobs), len(jobs) - len(missing))
    try:
        supervise(missing, n_jobs, limits, partial(_count, progress, fail_fast))
    finally:
        progress.stop()
    return [_record(job) for job in jobs if _has_record(job)]


def rebuild(out: Path, suite: str) -> Path:
    """Write the report of a suite again from its manifest and the stored records.

    Raises
    ------
    InputError
        If the suite was not run into this folder, or records are gone from the store.
    """
    manifest = out / suite / "manifest.json"
    if not manifest.is_file():
        raise InputError(f"{manifest} does not exist; run the suite first: python -m benchmarks run --suite {suite}")
    written = json.loads(manifest.read_text(encoding="utf-8"))
    store = Store(out / "store")
    paths = [store.record_path(cell["record"]) for cell in written["facts"]["cells"]]
    gone = sum(not path.exists() for path in paths)
    if gone:
        raise InputError(f"{gone} of {len(paths)} records of {suite!r} are gone from {store.folder}; run it again")
    return write_report(out / suite, [read_record(path) for path in paths], written["facts"], written["cards"])


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def plan(
    suite: Suite, dataset: Dataset, store: Store, plugins: Sequence[Path]
) -> tuple[list[Job], list[dict[str, Any]]]:
    """Every cell of a suite as a job, masks in order, and a card for each mask."""
    scoring = _scoring_version()
    jobs, cards = [], []
    for mechanism in suite.mechanisms:
        for rate in suite.rates:
            for seed in suite.seeds:
                masked = make_mask(dataset, mechanism, rate, seed)
                cards.append(mask_card(masked, mechanism, rate, seed).to_dict())
                for imputer in suite.imputers:
                    cell = Cell(dataset.title, mechanism, rate, seed, imputer, suite.n_draws)
                    key = prediction_key(cell, masked)
                    jobs.append(Job(cell, masked, key, f"{key}-{scoring}", store, tuple(plugins)))
    return jobs, cards


def _scoring_version() -> str:
    """Hash of the metrics' code: a new metric scores stored answers again and re-runs no imputer."""
    files = {name: Path(inspect.getfile(METRICS[name].score)) for name in METRICS}
    versions = {file: code_version(file) for file in set(files.values())}
    return hashlib.sha256(repr([(name, versions[file]) for name, file in files.items()]).encode()).hexdigest()[:8]


def _has_record(job: Job) -> bool:
    return job.store.record_path(job.record_key).exists()


def _is_done(job: Job) -> bool:
    """A failed cell is not done: its limits may be wider or its library mended this time."""
    return _has_record(job) and _record(job).status == "done"


def _record(job: Job) -> Record:
    return read_record(job.store.record_path(job.record_key))


def _count(progress: Progress, fail_fast: bool, job: Job, seconds: float) -> bool:
    record = _record(job)
    progress.finished(job.cell, record, seconds)
    return not (fail_fast and record.status == "failed")
