"""Verifying: some cells of a run are computed anew, and their scores compared with those that its results hold."""

import re
import tempfile
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from math import ceil, isclose, isnan
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.computing import Settings, compute
from benchmarks.manifest import table_facts
from benchmarks.methods import describe_methods, trusted
from benchmarks.processes import Limits
from benchmarks.progress import Progress
from benchmarks.run import Tables, check_suite, load_tables, plan
from benchmarks.store import Store
from benchmarks.suite import Block, Suite
from datasets.errors import InputError
from metrics import METRICS
from reports.facts import CellFacts, Manifest
from reports.results import COSTS, Record
from reports.results_file import from_parquet

RELATIVE, ABSOLUTE = 1e-6, 1e-9  # that sums in another order, on another machine, may differ by
Key = tuple[str, str, float, int, str]


@dataclass(frozen=True)
class Verdict:
    """What became of a cell that was computed anew: the first score that differs, both values; None if none does."""

    record: Record
    differs: str | None


def verify(
    results: Path,
    data: Path | None,
    plugins: Sequence[Path],
    share: float,
    seed: int,
    imputers: Sequence[str],
    limits: Limits,
    console: Console,
) -> list[Verdict]:
    """Compute a random share of the cells anew, at least one; costs, and metrics that came later, are not compared.

    Parameters
    ----------
    results : a results.parquet.
    data : data file of the suite, as for `run.load_tables`.
    imputers : those whose cells are drawn from; all if there are none.

    Raises
    ------
    InputError
        If the file is no results, none of its cells is done, or the data are not those of the run.
    """
    records, manifest = from_parquet(results)
    done = [record for record in records if record.status == "done" and (not imputers or record.imputer in imputers)]
    if not done:
        raise InputError(f"{results} has no cell that is done" + (f" by {', '.join(imputers)}" if imputers else ""))
    drawn = np.random.default_rng(seed).choice(len(done), max(1, ceil(share * len(done))), replace=False)
    chosen = [done[place] for place in sorted(drawn)]
    again = _computed(chosen, manifest, data, plugins, limits, console)
    later = {*METRICS} - {*manifest["metrics"]}
    return [Verdict(record, _difference(record, again.get(_key(record)), {*COSTS, *later})) for record in chosen]


def _computed(
    chosen: Sequence[Record],
    manifest: Manifest,
    data: Path | None,
    plugins: Sequence[Path],
    limits: Limits,
    console: Console,
) -> Mapping[Key, Record]:
    """The records of the same cells, computed in a store of their own."""
    suite = check_suite(Suite("verified", tuple(_block(record, manifest) for record in chosen)))
    tables = load_tables(suite, data, strict=True, console=console)
    _check_tables(tables, manifest)
    methods = describe_methods(suite, plugins)
    with tempfile.TemporaryDirectory() as folder:
        files = (data,) if data else ()
        settings = Settings(Path(folder), 1, limits, "verify", files, tuple(plugins), trusted(plugins))
        jobs = plan(suite, tables, methods, settings)
        store = Store(settings.out / "store")
        with store.in_use():
            found, _ = compute(jobs, store, settings, Progress(console))
    return {_key(record): record for record in found}


def _block(record: Record, manifest: Manifest) -> Block:
    """A cell as a block of its own."""
    titles = {facts["data"]["title"]: name for name, facts in manifest["tables"].items() if "data" in facts}
    table = titles.get(record.dataset)
    if table is None:
        raise InputError(f"the results do not say which dataset {record.dataset!r} was; run the suite again")
    written = re.fullmatch(r"(.+), (\d+) rows", table)
    dataset, rows = (written[1], int(written[2])) if written else (table, None)
    facts = next(cell for cell in manifest["cells"] if _key_of_facts(cell) == _key(record))
    return Block(
        dataset,
        (record.imputer,),
        (record.mechanism,),
        (record.rate,),
        (record.seed,),
        facts.get("draws", manifest["draws"]),
        rows,
    )


def _check_tables(tables: Tables, manifest: Manifest) -> None:
    for name, table in tables.items():
        if isinstance(table, str):
            raise InputError(f"the cells cannot be computed again: {table}")
        found, wanted = (facts.get("data") for facts in (table_facts(table), manifest["tables"][name]))
        if not (found and wanted) or (found["sha256"], found["rows"]) != (wanted["sha256"], wanted["rows"]):
            raise InputError(f"{name}: the data are not those of the run; give the same file with --data")


def _difference(record: Record, again: Record | None, left_out: Set[str]) -> str | None:
    """The first score that differs, and how, but for metrics that are left out; None if all are equal."""
    if again is None or again.status != "done":
        return "it was done, and now is not" + (f": {again.message}" if again else "")
    old, new = ({score[:2]: score[2] for score in one.scores if score[0] not in left_out} for one in (record, again))
    if old.keys() != new.keys():
        metric, column = sorted(old.keys() ^ new.keys())[0]
        return f"{metric} of {column} stands in one of them alone"
    for (metric, column), value in old.items():
        other = new[metric, column]
        equal = isclose(value, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE) or (isnan(value) and isnan(other))
        if not equal:
            return f"{metric} of {column} is {value:.9g} there, and {other:.9g} when computed again"
    return None


def _key(record: Record) -> Key:
    return record.dataset, record.mechanism, record.rate, record.seed, record.imputer


def _key_of_facts(cell: CellFacts) -> Key:
    return cell["dataset"], cell["mechanism"], cell["rate"], cell["seed"], cell["imputer"]
