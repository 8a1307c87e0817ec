"""The manifest: everything needed to know what a result is, and to make it again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from benchmarks.cells import Method
from benchmarks.judge import Job
from benchmarks.suite import Suite
from datasets.clusters import clusters
from datasets.table import Dataset
from metrics import METRICS
from reports.facts import CellFacts, ImputerFacts, Manifest, MetricFacts, TableFacts
from reports.results import Record, collect


def describe_run(
    suite: Suite,
    tables: Mapping[str, Dataset | str],
    methods: Mapping[str, Method],
    jobs: Sequence[Job],
    cards: Sequence[Mapping[str, Any]],
    records: Sequence[Record],
    command: str,
) -> Manifest:
    """Facts of a run as JSON can hold them; its page is made from these and the records alone.

    Parameters
    ----------
    tables : by what the suite asks for: the dataset, or what is lacking.
    methods : by request.
    """
    return {
        "suite": suite.name,
        "page": suite.page,
        "command": command,
        "draws": max(block.n_draws for block in suite.blocks),
        "about": suite.about,
        "tables": {name: table_facts(table) for name, table in tables.items()},
        "metrics": {name: _metric_facts(name) for name in METRICS},
        "imputers": {request: _imputer_facts(method) for request, method in methods.items()},
        "cells": [_cell_facts(job) for job in jobs],
        "cards": cards,
        "provenance": asdict(collect(records)),
    }


def table_facts(table: Dataset | str) -> TableFacts:
    """What a page is told of a table, or of why it is lacking."""
    if isinstance(table, str):
        return {"lacking": table}
    units = clusters(table)
    return {
        "data": {
            "title": table.title,
            "source": table.origin.get("file", "made by this package"),
            "sha256": table.origin.get("sha256", table.fingerprint),
            "rows": len(table.values),
            "columns": len(table.schema),
            "clusters": str(units),
            "strata": units.stratum.tolist(),
            "synthetic": table.synthetic,
        },
        "columns": {
            column.name: {
                "kind": column.kind.value,
                "role": column.role.value,
                "question": column.question,
                "answers": list(column.labels.values()),
            }
            for column in table.schema
        },
    }


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
        facts["headline"] = {
            "title": known.title,
            "place": known.place,
            "kinds": kinds,
            "board": known.board.value,
            "primary": known.primary,
            "columns": list(known.columns),
        }
    return facts


def _imputer_facts(method: Method) -> ImputerFacts:
    facts: ImputerFacts = {**method.facts, "parameters": method.parameters}  # type: ignore[typeddict-item]
    return facts


def _cell_facts(job: Job) -> CellFacts:
    mechanism, rate, seed = job.cell.mask
    return {
        "dataset": job.cell.dataset,
        "mechanism": mechanism,
        "setting": job.setting,
        "rate": rate,
        "seed": seed,
        "imputer": job.cell.imputer,
        "random_state": job.cell.random_state,
        "draws": job.cell.n_draws,
        "record": job.record_key,
    }
