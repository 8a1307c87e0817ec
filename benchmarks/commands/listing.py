"""``list``: everything that is registered."""

import hashlib
import json
from importlib.metadata import entry_points
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.commands.plugins import Plugins, load_plugins

ROOT = Path(__file__).resolve().parents[2]
Entries = dict[str, dict[str, str]]


def list_everything(load: Plugins = None) -> None:
    """List suites, datasets, mechanisms, imputers and metrics.

    To know them all, every file that registers something is imported, which takes seconds. So the listing is kept in
    the user's cache folder, and made again when a source file or an installed package with entries has changed.
    """
    load_plugins(load)
    listing = read_everything() if load else _cached()
    console = Console()
    for noun, entries in listing.items():
        table = Table(noun, "what it is", title=f"{noun.title()}s", title_justify="left", box=None)
        for name, summary in entries.items():
            table.add_row(name, summary)
        console.print(table)
        console.print()


def read_everything() -> Entries:
    """Noun to names to summaries; of suites the cells, too."""
    from benchmarks.suites import SUITES
    from datasets import DATASETS
    from datasets.mechanisms import MECHANISMS
    from imputers import IMPUTERS
    from metrics import METRICS

    suites = {name: f"{SUITES.summary(name)} {SUITES[name]().n_cells} cells." for name in SUITES}
    registries = (DATASETS, MECHANISMS, IMPUTERS, METRICS)
    return {"suite": suites} | {r.noun: {name: r.summary(name) for name in r} for r in registries}


def _cached() -> Entries:
    from platformdirs import user_cache_path

    path = user_cache_path("imputation-benchmark") / f"listing-{_state()}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    listing = read_everything()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob("listing-*.json"):
            old.unlink()
        path.write_text(json.dumps(listing), encoding="utf-8")
    except OSError:  # a cache that cannot be written is made each time
        pass
    return listing


def _state() -> str:
    """Hash of what decides the listing: paths, sizes and times of the source files, and entry points of others."""
    digest = hashlib.sha256()
    for package in ("benchmarks", "datasets", "imputers", "metrics"):
        for path in sorted((ROOT / package).rglob("*.py")):
            known = path.stat()
            digest.update(repr((str(path), known.st_size, known.st_mtime_ns)).encode())
    groups = [f"imputation_benchmark.{noun}s" for noun in ("suite", "dataset", "mechanism", "imputer", "metric")]
    found = [str(entry) for group in groups for entry in entry_points(group=group)]
    digest.update(repr(sorted(found)).encode())
    return digest.hexdigest()[:16]
