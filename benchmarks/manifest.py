"""The manifest: everything needed to know what a result is, and to make it again."""

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path

from benchmarks.cells import parameters
from benchmarks.suites import Suite
from benchmarks.worker import Informed, Job
from datasets.request import parse_request
from datasets.table import Dataset
from imputers import IMPUTERS, make_imputer
from metrics import METRICS
from reports.facts import CellFacts, Facts, ImputerFacts, MetricFacts, PublishedFacts

LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "lightgbm",
    "torch",
    "transformers",
    "peft",
    "hyperimpute",
    "pyreadstat",
)

FOUNDING_EXPERIMENT: PublishedFacts = {
    "label": "Llama-2-13b, fine-tuned (founding experiment)",
    "values": {"income16": 5.0528, "educ": 1.9605, "letin1a": 1.0497, "finrela": 0.7122, "marhomo": 0.9068},
    "note": "published figures of the founding experiment; the masks and the split behind them are undocumented",
}


def describe_run(suite: Suite, dataset: Dataset, jobs: Sequence[Job], command: str) -> Facts:
    """Facts of a run as JSON can hold them; the report is made from these and the records alone."""
    facts: Facts = {
        "suite": suite.name,
        "command": command,
        "commit": _commit(),
        "versions": library_versions(),
        "draws": suite.n_draws,
        "data": {
            "title": dataset.title,
            "source": dataset.origin.get("file", "made by this package"),
            "sha256": dataset.origin.get("sha256", dataset.fingerprint),
            "rows": len(dataset.values),
            "columns": len(dataset.schema),
        },
        "metrics": {name: _metric_facts(name) for name in METRICS},
        "columns": {
            column.name: {"kind": column.kind.value, "role": column.role.value, "question": column.question}
            for column in dataset.schema
        },
        "imputers": {name: _imputer_facts(name) for name in suite.imputers},
        "cells": [_cell_facts(job) for job in jobs],
    }
    if not dataset.synthetic and set(FOUNDING_EXPERIMENT["values"]) <= set(dataset.schema.names):
        facts["published_targets"] = FOUNDING_EXPERIMENT
    return facts


def _metric_facts(name: str) -> MetricFacts:
    metric = METRICS[name]
    low, high, best = (value if isfinite(value) else str(value) for value in (*metric.span, metric.best))
    return {
        "summary": METRICS.summary(name),
        "reads": metric.reads.value,
        "better": metric.better,
        "low": low,
        "high": high,
        "best": best,
        "trivial": metric.trivial,
    }


def _family(module: str) -> str:
    """Folder of `imputers/` that a method lives in; methods from elsewhere are a family of their own."""
    package, *folders, _ = module.split(".") if "." in module else (module, "")
    return folders[0] if package == "imputers" and folders else "added"


def _imputer_facts(name: str) -> ImputerFacts:
    imputer = make_imputer(name)
    facts: ImputerFacts = {
        "summary": IMPUTERS.summary(parse_request(name).name),
        "family": _family(type(imputer).__module__),
        "deterministic": imputer.deterministic,
        "parameters": parameters(name),
    }
    if isinstance(imputer, Informed):
        facts["told"] = imputer.told
    return facts


def _cell_facts(job: Job) -> CellFacts:
    mechanism, rate, seed = job.cell.mask
    return {
        "mechanism": mechanism,
        "rate": rate,
        "seed": seed,
        "imputer": job.cell.imputer,
        "random_state": job.cell.random_state,
        "record": job.record_key,
    }


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide numbers."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


def _commit() -> str:
    """Commit of the checkout, with a mark if files differ from it; "unknown" outside a repository."""
    root = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()
