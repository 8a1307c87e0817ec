"""Running a suite: load its tables, plan the cells, compute what is missing, write the page."""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.cells import Cell, Method, make_mask, prediction_key, scoring_version
from benchmarks.data import load
from benchmarks.manifest import describe_run
from benchmarks.progress import Progress
from benchmarks.store import Store
from benchmarks.suite import Suite
from benchmarks.supervisor import Limits, supervise
from benchmarks.versions import CodeVersion, commit, machine
from benchmarks.worker import Job, record_loss
from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError, MethodUnavailableError
from datasets.mechanisms import MECHANISMS, setting
from datasets.mechanisms.card import mask_card
from datasets.surveys.thinning import thinned
from datasets.table import Dataset, Masked
from imputers import make_imputer
from reports.results import Provenance, Record, read_record
from reports.write import check_page, write_report

Tables = Mapping[str, Dataset | str]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: where the page is, and how many cells were planned, done, failed and unavailable."""

    report: Path | None
    planned: int
    done: int
    failed: int
    unavailable: int


@dataclass(frozen=True)
class Settings:
    """How a run is done, which decides no score.

    Parameters
    ----------
    out : folder of the results.
    n_jobs : cells at a time.
    command : what was typed.
    plugins : files given by ``--load``.
    fail_fast : stop at the first failure, and write no page.
    """

    out: Path
    n_jobs: int
    limits: Limits
    command: str
    plugins: tuple[Path, ...] = ()
    fail_fast: bool = False


def check_suite(suite: Suite) -> Suite:
    """Give a suite back whose every name is resolved, before any work starts.

    Raises
    ------
    InputError
        If a dataset, a mechanism, an imputer or a parameter of them does not exist, a rate is outside (0, 1), nothing
        is planned, there is no such page, or the suite lacks something.
    """
    check_page(suite.page)
    for block in suite.blocks:
        DATASETS.resolve(block.dataset)
        for name in block.mechanisms:
            MECHANISMS.resolve(name)
        for request in block.imputers:
            make_imputer(request)
        for rate in block.rates:
            if not 0 < rate < 1:
                raise InputError(f"rate {rate:g} is not between 0 and 1; it is the share of cells to hide, e.g. 0.3")
        if block.n_draws < 1:
            raise InputError(f"suite {suite.name!r} asks for {block.n_draws} draws; ask for one at least")
    if suite.lacking:
        raise InputError(f"suite {suite.name!r}: {suite.lacking}")
    if not all(block.n_cells for block in suite.blocks) or not suite.blocks:
        raise InputError(f"suite {suite.name!r} plans no cells; give mechanisms, rates, seeds and imputers")
    return suite


def load_tables(suite: Suite, path: Path | None, *, strict: bool, console: Console) -> Tables:
    """Tables of a suite, each once, by `Block.table`; or what is lacking where some cannot be had.

    Parameters
    ----------
    path : data file of the first block's dataset, and of others of that name; None to look for it.
    strict : never take a synthetic twin.

    Raises
    ------
    InputError
        If a file is unusable, or two tables have the same title.
    DataUnavailableError
        If no table can be had.
    """
    tables: dict[str, Dataset | str] = {}
    first = suite.blocks[0].dataset.partition("(")[0]
    lacking: InputError | None = None
    for block in suite.blocks:
        if block.table in tables:
            continue
        own = path if block.dataset.partition("(")[0] == first else None
        try:
            table = load(block.dataset, own, strict=strict, console=console)
            tables[block.table] = table if block.rows is None else thinned(table, block.rows)
        except (DataUnavailableError, MethodUnavailableError) as unavailable:
            tables[block.table], lacking = str(unavailable), unavailable
    found = [table for table in tables.values() if isinstance(table, Dataset)]
    if lacking is not None and not found:
        raise lacking
    prints = {table.title: table.fingerprint for table in found}
    for table in found:
        if prints[table.title] != table.fingerprint:
            raise InputError(f"two datasets of the suite have the title {table.title!r}; rename one")
    return tables


def run(suite: Suite, tables: Tables, settings: Settings, progress: Progress) -> Outcome:
    """Run the missing cells of a suite and write its page to ``out/<suite>/``.

    A stopped run loses the cells that were under way and nothing else: run it again. With ``fail_fast``
    the first failure stops the run, and no page is written.
    """
    folder = settings.out / suite.name
    folder.mkdir(parents=True, exist_ok=True)
    methods = {request: Method.of(request) for block in suite.blocks for request in block.imputers}
    jobs = plan(suite, tables, methods, settings)
    records = compute(jobs, settings, progress)
    counts = Counter(record.status for record in records)
    told = len(jobs), counts["done"], counts["failed"], counts["unavailable"]
    if len(records) < len(jobs):
        return Outcome(None, *told)
    cards = _cards(jobs) if suite.page == "leaderboard" else []
    manifest = describe_run(suite, tables, methods, jobs, cards, records, settings.command)
    _write_whole(folder / "manifest.json", json.dumps(manifest, indent=1, allow_nan=False))
    return Outcome(write_report(folder, records, manifest), *told)


def rebuild(out: Path, suite: str) -> Path:
    """Write the page of a suite again from its manifest and the stored records.

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
    paths = [store.record_path(cell["record"]) for cell in written["cells"]]
    gone = sum(not path.exists() for path in paths)
    if gone:
        raise InputError(f"{gone} of {len(paths)} records of {suite!r} are gone from {store.folder}; run it again")
    return write_report(out / suite, [read_record(path) for path in paths], written)


def plan(suite: Suite, tables: Tables, methods: Mapping[str, Method], settings: Settings) -> list[Job]:
    """Every cell of a suite as a job, each once, masks in order; tables that are lacking have none."""
    scoring, store = scoring_version(), Store(settings.out / "store")
    made: dict[tuple[object, ...], Masked] = {}
    jobs: dict[str, Job] = {}
    for block in suite.blocks:
        table = tables[block.table]
        if isinstance(table, str):
            continue
        for mask in block.masks:
            if (block.table, *mask) not in made:
                made[block.table, *mask] = make_mask(table, *mask)
            masked = made[block.table, *mask]
            for imputer in block.imputers:
                cell, method = Cell(table.title, *mask, imputer, block.n_draws), methods[imputer]
                key = prediction_key(cell, masked, method)
                record = f"{key}-{_short(scoring)}"
                origin = _provenance(method, scoring)
                jobs[record] = Job(cell, setting(mask[0]), masked, key, record, store, settings.plugins, origin)
    return list(jobs.values())


def compute(jobs: Sequence[Job], settings: Settings, progress: Progress) -> list[Record]:
    """Compute the cells that are not in the store, and give the records of all that are done or tried then.

    A failed cell is not done: its limits may be wider or its library mended this time. A method that is unavailable is
    asked once, and its other cells are recorded with the same message.
    """
    stored = {job.record_key: read_record(job.record_path) for job in jobs if job.record_path.exists()}
    records = {key: record for key, record in stored.items() if record.status == "done"}
    missing = [job for job in jobs if job.record_key not in records]
    lacking: dict[str, str] = {}

    def done(job: Job, seconds: float) -> bool:
        record = records[job.record_key] = read_record(job.record_path)
        if record.status == "unavailable":
            lacking[record.imputer] = record.message
        progress.finished(job.cell, record, seconds)
        return not (settings.fail_fast and record.status == "failed")

    def available() -> Iterator[Job]:
        for job in _each_method_first(missing):
            message = lacking.get(job.cell.imputer)
            if message is None:
                yield job
            else:
                record_loss(job, "unavailable", message, 0.0)
                done(job, 0.0)

    progress.start(len(jobs), len(records))
    try:
        supervise(available(), settings.n_jobs, settings.limits, done)
    finally:
        progress.stop()
    return [records[job.record_key] for job in jobs if job.record_key in records]


def _each_method_first(jobs: Sequence[Job]) -> list[Job]:
    """Jobs with the first of every method before the second of any."""
    seen = Counter[str]()
    turns = []
    for job in jobs:
        turns.append(seen[job.cell.imputer])
        seen[job.cell.imputer] += 1
    return [jobs[i] for i in sorted(range(len(jobs)), key=turns.__getitem__)]


def _cards(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """A card for each mask, in order."""
    masks = {(job.cell.dataset, *job.cell.mask): job for job in jobs}
    return [mask_card(job.masked, *job.cell.mask).to_dict() for job in masks.values()]


def _provenance(method: Method, scoring: CodeVersion) -> Provenance:
    versions = {"python": platform.python_version(), **scoring.libraries, **method.version.libraries, **method.programs}
    return Provenance(commit(), dict(sorted(versions.items())), machine())


def _short(scoring: CodeVersion) -> str:
    return hashlib.sha256(json.dumps(asdict(scoring), sort_keys=True).encode()).hexdigest()[:8]


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
