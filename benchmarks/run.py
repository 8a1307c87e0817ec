"""Running a suite: load its tables, plan the cells, compute what is missing, write the page."""

import hashlib
import json
import platform
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.cells import Cell, Method, make_mask, prediction_key, scoring_version
from benchmarks.computing import Settings, compute
from benchmarks.data import load
from benchmarks.judge import Job
from benchmarks.manifest import describe_run
from benchmarks.methods import Methods
from benchmarks.progress import Progress
from benchmarks.shards import dealt
from benchmarks.sparse import without_sparse
from benchmarks.store import Store
from benchmarks.suite import Block, Suite
from benchmarks.versions import CodeVersion, commit, machine
from datasets import DATASETS
from datasets.errors import DataUnavailableError, InputError, MethodUnavailableError
from datasets.mechanisms import MECHANISMS, setting
from datasets.mechanisms.card import mask_card
from datasets.surveys.thinning import thinned
from datasets.table import Dataset, Masked
from reports.folder import check_folder
from reports.results import Provenance
from reports.write import CARDED, check_page, write_report

Tables = Mapping[str, Dataset | str]
NAME = re.compile(r"\w[-.\w]{0,119}")


@dataclass(frozen=True)
class Outcome:
    """How a run ended: where the page is, and how many cells were planned, done, failed and unavailable."""

    report: Path | None
    planned: int
    done: int
    failed: int
    unavailable: int


def check_suite(suite: Suite) -> Suite:
    """Give a suite back whose every name but those of imputers is resolved, before any work starts.

    Raises
    ------
    InputError
        If a dataset, a mechanism or a parameter of them does not exist, a rate is outside (0, 1), something stands
        twice, nothing is planned, there is no such page, the name is no name of a folder, or the suite lacks something.
    """
    check_page(suite.page)
    if not NAME.fullmatch(suite.name) or suite.name.casefold() == "store":
        raise InputError(f"a suite cannot have the name {suite.name!r}, which is that of its folder; choose another")
    for block in suite.blocks:
        DATASETS.resolve(block.dataset)
        for name in block.mechanisms:
            MECHANISMS.resolve(name)
        for rate in block.rates:
            if not isinstance(rate, int | float):
                raise InputError(f"rate {rate!r} is no number; give the share of cells to hide, e.g. 0.3")
            if not 0 < rate < 1:
                raise InputError(f"rate {rate:g} is not between 0 and 1; it is the share of cells to hide, e.g. 0.3")
        for seed in block.seeds:
            if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
                raise InputError(f"seed {seed!r} is no whole number from 0 on")
        for choice in (block.imputers, block.mechanisms, block.rates, block.seeds):
            twice = [each for each, number in Counter(choice).items() if number > 1]
            if twice:
                raise InputError(f"suite {suite.name!r} has {twice[0]!r} twice in a block; give it once")
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
        If a file is unusable, two tables have the same title, or one is of many samples and the page of one alone.
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
            table = table if block.rows is None else thinned(table, block.rows)
            tables[block.table] = _hideable(table, suite, block, console) if block.is_own_file else table
        except (DataUnavailableError, MethodUnavailableError) as unavailable:
            tables[block.table], lacking = str(unavailable), unavailable
    found = [table for table in tables.values() if isinstance(table, Dataset)]
    if lacking is not None and not found:
        raise lacking
    prints = {table.title: table.fingerprint for table in found}
    for table in found:
        if prints[table.title] != table.fingerprint:
            raise InputError(f"two datasets of the suite have the title {table.title!r}; rename one")
        if table.replicates is not None and suite.page != "inference":
            raise InputError(
                f"dataset {table.title!r} is many samples, one below the other, and the page of suite {suite.name!r} "
                "compares methods on one; run --suite gss-inference-quick with --imputers instead, or take one table"
            )
    return tables


def _hideable(table: Dataset, suite: Suite, block: Block, console: Console) -> Dataset:
    """A file of the user's without columns that have too few answers for the rates of the suite, which are named."""
    rates = [rate for other in suite.blocks if other.table == block.table for rate in other.rates]
    part, told = without_sparse(table, rates)
    if told:
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    return part


def run(suite: Suite, tables: Tables, methods: Methods, settings: Settings, progress: Progress) -> Outcome:
    """Run the missing cells of a suite and write its page to ``out/<suite>/``.

    A stopped run loses the cells that were under way and nothing else: run it again. With ``fail_fast``
    the first failure stops the run, and no page is written.

    Parameters
    ----------
    methods : by request, see `methods.describe_methods`.

    Raises
    ------
    InputError
        If the folder of the page is somebody else's, or records are gone when the page is to be written.
    """
    folder = settings.out / suite.name
    check_folder(folder)
    jobs = plan(suite, tables, methods, settings)
    jobs = jobs if settings.shard is None else dealt(jobs, settings.shard)
    store = Store(settings.out / "store")
    with store.in_use():
        records, stopped = compute(jobs, store, settings, progress)
        counts = Counter(record.status for record in records)
        told = len(jobs), counts["done"], counts["failed"], counts["unavailable"]
        if stopped or settings.shard is not None:
            return Outcome(None, *told)
        gone = len(jobs) - sum(job.record_path.exists() for job in jobs)
        if gone or len(records) < len(jobs):
            raise InputError(
                f"{max(gone, len(jobs) - len(records))} of {len(jobs)} records are gone from {store.folder}, where "
                "something else has removed them; no page is written: give the same command again"
            )
        cards = _cards(jobs) if suite.page in CARDED else []
        manifest = describe_run(suite, tables, methods, jobs, cards, records, settings.command)
        return Outcome(write_report(folder, records, manifest), *told)


def plan(suite: Suite, tables: Tables, methods: Methods, settings: Settings) -> list[Job]:
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
                jobs[record] = Job(
                    cell,
                    setting(mask[0]),
                    masked,
                    key,
                    record,
                    store,
                    settings.plugins,
                    origin,
                    method.added,
                    bool(method.facts["by_row"]),
                    method.version.modules,
                )
    return list(jobs.values())


def _cards(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """A card for each mask, in order."""
    masks = {(job.cell.dataset, *job.cell.mask): job for job in jobs}
    return [mask_card(job.masked, *job.cell.mask).to_dict() for job in masks.values()]


def _provenance(method: Method, scoring: CodeVersion) -> Provenance:
    versions = {"python": platform.python_version(), **scoring.libraries, **method.version.libraries, **method.programs}
    return Provenance(commit(), dict(sorted(versions.items())), machine())


def _short(scoring: CodeVersion) -> str:
    return hashlib.sha256(json.dumps(scoring.decides, sort_keys=True).encode()).hexdigest()[:8]
