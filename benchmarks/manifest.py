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

TWO_ANSWERS: PublishedFacts = {
    "label": "Kim and Lee 2023",
    "values": {"pooled-auc": 0.87},
    "note": "pooled AUC .87 for the imputation of missing cells in ten folds, by a network on a frozen language "
    "model's reading of the questions (Kim and Lee 2023, arXiv 2305.09620). What differs: theirs are 3,110 opinions of "
    "68,846 respondents of 1972–2021, these are items of all sorts, opinions and facts, of the one year 2022; which "
    "answer counts as the second one is coded otherwise, and pooled AUC depends on it; their figure comes from the "
    "training checkpoint that did best on the very fold it is scored on, ours from methods that never saw the hidden "
    "cells. And the holes of this table speak: whoever was asked about a spouse's job has a spouse. Methods that see "
    "open holes (gbm in one iteration) profit from that, and all do from items that are close to each other.",
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
    if dataset.title.startswith("gss2022-binary"):
        facts["published_metrics"] = TWO_ANSWERS
    return facts


def _metric_facts(name: str) -> MetricFacts:
    metric = METRICS[name]
    low, high, best = (value if isfinite(value) else str(value) for value in (*metric.span, metric.best))
    facts: MetricFacts = {
        "summary": METRICS.summary(name),
        "reads": metric.reads.value,
        "better": metric.better,
        "low": low,
        "high": high,
        "best": best,
        "trivial": metric.trivial,
    }
    if metric.headline is not None:
        known, kinds = metric.headline, [kind.value for kind in metric.headline.kinds]
        facts["headline"] = {"title": known.title, "place": known.place, "kinds": kinds, "family": known.family}
    return facts


def _imputer_facts(name: str) -> ImputerFacts:
    imputer = make_imputer(name)
    facts: ImputerFacts = {
        "summary": IMPUTERS.summary(parse_request(name).name),
        "family": imputer.family,
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
