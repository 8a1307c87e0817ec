"""Facts: what a report must be told besides the records; all of it is kept in ``manifest.json``."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pandas as pd

from datasets.errors import InputError
from reports.measures import NOT_METRICS
from reports.results import CELL, MASK, Record, collect


class HeadlineFacts(TypedDict):
    """Where a metric stands on the boards.

    title : head of its column. place : columns stand from the lowest to the highest. kinds : of the items that it is
    averaged over, none for a metric of the whole table. board : the one that it stands on. primary : whether it orders
    that board. columns : of the metric that stand there one by one, e.g. ``"(numeric)"``.
    """

    title: str
    place: int
    kinds: Sequence[str]
    board: str
    primary: bool
    columns: NotRequired[Sequence[str]]


class MetricFacts(TypedDict):
    """How to read one metric.

    better : ``"lower"``, ``"higher"``, or a number to be near to, e.g. ``"1"``; of a metric of pairs, which is
    drawn and never ranked, any text. best, low, high : values
    of a perfect prediction and ends of the range; an infinite end may be the text ``"inf"``, as JSON has no
    such number. trivial : what a trivial guess gets. reads : the part of a prediction it needs
    (``"fills"``, ``"probabilities"``, ``"moments"``, ``"estimates"``). summary : one plain sentence. headline : its
    place on the boards, if it has one.
    """

    better: str
    best: float | str
    low: float | str
    high: float | str
    trivial: str
    reads: str
    summary: str
    headline: NotRequired[HeadlineFacts]


class ColumnFacts(TypedDict):
    """One column: kind (nominal, ordinal, numeric), role (driver, target, item), question, and its answers in order."""

    kind: str
    role: str
    question: str
    answers: NotRequired[Sequence[str]]


class ImputerFacts(TypedDict):
    """One method: a plain sentence, its family, whether it has no distribution to draw from, and its parameters.

    proper : whether its draws show all of its uncertainty, as it states itself. uses_weights : whether it uses survey
    weights. told : what it is told about why cells are missing, beyond what all are told; or empty. defaults : where
    its default settings were chosen; empty if it does not state that.
    """

    summary: str
    family: str
    deterministic: bool
    proper: bool
    uses_weights: bool
    told: str
    defaults: str
    parameters: Mapping[str, object]


class DataFacts(TypedDict):
    """The data: title (the `Record.dataset`), where the file came from, its sha256, its size, and if it is invented.

    clusters : what varies from sample to sample, in words. strata : stratum of each of these clusters. note : a
        sentence
    that stands at the top of every page, e.g. that the real file could not be had.
    """

    title: str
    source: str
    sha256: str
    rows: int
    columns: int
    clusters: str
    strata: Sequence[int]
    synthetic: NotRequired[bool]
    note: NotRequired[str]


class CellFacts(TypedDict):
    """One planned cell.

    dataset : title of its data. setting : the mechanism, or that of which it is a replicate. random_state : seed of the
    imputer. draws : of its prediction. record : name of the cell's record in the store.
    """

    dataset: str
    mechanism: str
    setting: str
    rate: float
    seed: int
    imputer: str
    random_state: NotRequired[int]
    draws: NotRequired[int]
    record: NotRequired[str]


class PublishedFacts(TypedDict):
    """Figures published elsewhere: label of the row, column or metric to value, and a caution."""

    label: str
    values: Mapping[str, float]
    note: str


class TableFacts(TypedDict, total=False):
    """One table of a suite: its data and its columns, or what is lacking where it could not be had."""

    data: DataFacts
    columns: Mapping[str, ColumnFacts]
    lacking: str


class Manifest(TypedDict):
    """All that the page of a suite is made of, besides the records.

    suite : name of the suite. page : name of its page. command : what was typed. draws : of each prediction. about :
    what the page is told by the suite: figures to meet, a question and its arms. tables : by what was asked for.
    metrics, imputers : by name. cells : every cell that was planned. cards : mask cards, as
    `datasets.mechanisms.card.MaskCard.to_dict` gives them. provenance : of all records, see `results.collect`.
    """

    suite: str
    page: str
    command: str
    draws: int
    about: Mapping[str, Any]
    tables: Mapping[str, TableFacts]
    metrics: Mapping[str, MetricFacts]
    imputers: Mapping[str, ImputerFacts]
    cells: Sequence[CellFacts]
    cards: Sequence[Mapping[str, Any]]
    provenance: Mapping[str, Any]


class Facts(TypedDict):
    """All that a board of one dataset is told besides the scores.

    suite : name of the suite. command : what was typed. commit, versions : of the code and packages that the
    records come from. draws : number of draws of each prediction. data, metrics, columns (in
    the order of the table), imputers : see above, by name. cells : every cell that was planned;
    those without a record are reported as not run. published_targets : RMSE of target items, the
    reference row of their table; published_metrics : the same for items with two answers, by metric; left out where
    they do not apply, as on synthetic data.
    """

    suite: str
    command: str
    commit: str
    versions: Mapping[str, str]
    draws: int
    data: DataFacts
    metrics: Mapping[str, MetricFacts]
    columns: Mapping[str, ColumnFacts]
    imputers: Mapping[str, ImputerFacts]
    cells: Sequence[CellFacts]
    published_targets: NotRequired[PublishedFacts]
    published_metrics: NotRequired[PublishedFacts]


def board_facts(manifest: Manifest, records: Sequence[Record], title: str) -> Facts:
    """Facts of the board of one dataset, by its title, from the manifest of a suite and the records of that dataset."""
    table = next(known for known in manifest["tables"].values() if "data" in known and known["data"]["title"] == title)
    made, cells = collect(records), [cell for cell in manifest["cells"] if cell["dataset"] == title]
    run = {cell["imputer"] for cell in cells}
    facts: Facts = {
        "suite": manifest["suite"],
        "command": manifest["command"],
        "commit": made.commit,
        "versions": made.versions,
        "draws": manifest["draws"],
        "data": table["data"],
        "metrics": manifest["metrics"],
        "columns": table["columns"],
        "imputers": {name: known for name, known in manifest["imputers"].items() if name in run},
        "cells": cells,
    }
    if table["data"].get("synthetic"):
        return facts
    targets, metrics = (manifest["about"].get(name) for name in ("published_targets", "published_metrics"))
    if targets is not None and set(targets["values"]) <= set(table["columns"]):
        facts["published_targets"] = targets
    if metrics is not None:
        facts["published_metrics"] = metrics
    return facts


def check_facts(facts: Facts, scores: pd.DataFrame, lost: pd.DataFrame) -> None:
    """Validate at the door that facts and results belong together.

    Raises
    ------
    InputError
        If a fact is missing, results are of other data, or a result was not planned or is not described.
    """
    absent = sorted(Facts.__required_keys__ - set(facts))
    if absent:
        raise InputError(f"the facts of a report lack {', '.join(absent)}; see reports.facts.Facts")
    results = pd.concat([scores[CELL], lost[CELL]]).drop_duplicates()
    title = facts["data"]["title"]
    others = sorted(set(results["dataset"]) - {title})
    if others:
        raise InputError(f"a report is of one dataset, here {title!r}; found results of {others}; report them apart")
    if results.empty:
        raise InputError(f"there are no results of {title!r} to report; run the suite first")
    planned = {(c["mechanism"], c["rate"], c["seed"], c["imputer"]) for c in facts["cells"]}
    for cell in results[[*MASK, "imputer"]].itertuples(index=False, name=None):
        if cell not in planned:
            raise InputError(f"there is a result of cell {cell}, which was not planned; report planned cells only")
    nameless = sorted(set(scores["metric"]) - set(facts["metrics"]) - set(NOT_METRICS))
    if nameless:
        raise InputError(f"the facts do not describe the metrics {nameless}; describe each metric that was scored")
    unknown = sorted({c["imputer"] for c in facts["cells"]} - set(facts["imputers"]))
    if unknown:
        raise InputError(f"the facts do not describe the imputers {unknown}; describe each imputer that was planned")
