"""The manifest: everything needed to know what a result is, and to make it again."""

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any

from benchmarks.cells import parameters
from benchmarks.suites import Suite
from benchmarks.worker import Job
from datasets.table import Dataset
from imputers import IMPUTERS
from metrics import METRICS

LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "torch", "hyperimpute", "pyreadstat")

FOUNDING_EXPERIMENT = {
    "name": "Llama-2-13b, fine-tuned (founding experiment)",
    "note": "published figures; the masks and the split behind them are undocumented",
    "rmse": {"income16": 5.0528, "educ": 1.9605, "letin1a": 1.0497, "finrela": 0.7122, "marhomo": 0.9068},
}


def describe_run(suite: Suite, dataset: Dataset, jobs: Sequence[Job], command: str) -> dict[str, Any]:
    """Facts of a run as JSON can hold them; the report is made from these and the records alone."""
    return {
        "suite": suite.name,
        "command": command,
        "commit": _commit(),
        "versions": {"python": platform.python_version(), **_versions()},
        "data": {
            "title": dataset.title,
            "synthetic": dataset.synthetic,
            "rows": len(dataset.values),
            "columns": len(dataset.schema),
            "fingerprint": dataset.fingerprint,
            **dataset.origin,
        },
        "columns": {
            column.name: {"kind": column.kind.value, "role": column.role.value, "question": column.question}
            for column in dataset.schema
        },
        "metrics": {name: _metric_facts(name) for name in METRICS},
        "imputers": {
            name: {
                "summary": IMPUTERS.summaries()[name],
                "deterministic": IMPUTERS[name].deterministic,
                "parameters": parameters(name),
            }
            for name in suite.imputers
        },
        "published_targets": FOUNDING_EXPERIMENT,
        "plan": {
            "mechanisms": list(suite.mechanisms),
            "rates": list(suite.rates),
            "seeds": list(suite.seeds),
            "n_draws": suite.n_draws,
        },
        "cells": [{**asdict(job.cell), "record": job.record_key} for job in jobs],
    }


def _metric_facts(name: str) -> dict[str, Any]:
    metric = METRICS[name]
    return {
        "summary": METRICS.summaries()[name],
        "reads": metric.reads.value,
        "better": metric.better,
        "low": metric.span[0] if isfinite(metric.span[0]) else None,
        "high": metric.span[1] if isfinite(metric.span[1]) else None,
        "best": metric.best if isfinite(metric.best) else None,
        "trivial": metric.trivial,
    }


def _versions() -> dict[str, str]:
    found = {}
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
