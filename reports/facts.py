"""Facts: what a report must be told besides the scores; all of it is kept in ``manifest.json``."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pandas as pd

from datasets.errors import InputError
from reports.measures import NOT_METRICS
from reports.results import CELL, MASK


class HeadlineFacts(TypedDict):
    """Where a metric stands on the boards.

    title : head of its column. place : columns stand from the lowest to the highest. kinds : of the items that it is
    averaged over, none for a metric of the whole table. family : of metrics, for the rank; empty: shown, not ranked.
    """

    title: str
    place: int
    kinds: Sequence[str]
    family: str


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
    """One column: kind (nominal, ordinal, numeric), role (driver, target, item) and question."""

    kind: str
    role: str
    question: str


class ImputerFacts(TypedDict):
    """One method: a plain sentence, its family, whether it has no distribution to draw from, and its parameters.

    told : what it is told about why cells are missing, if it is told more than the others.
    """

    summary: str
    family: str
    deterministic: bool
    parameters: Mapping[str, object]
    told: NotRequired[str]


class DataFacts(TypedDict):
    """The data: title (the `Record.dataset`), where the file came from, its sha256, and its size.

    note : a sentence that stands at the top of every page, e.g. that the real file could not be had.
    """

    title: str
    source: str
    sha256: str
    rows: int
    columns: int
    note: NotRequired[str]


class CellFacts(TypedDict):
    """One planned cell.

    random_state : seed of the imputer. record : name of the cell's record in the store.
    """

    mechanism: str
    rate: float
    seed: int
    imputer: str
    random_state: NotRequired[int]
    record: NotRequired[str]


class PublishedFacts(TypedDict):
    """Figures published elsewhere: label of the row, column or metric to value, and a caution."""

    label: str
    values: Mapping[str, float]
    note: str


class Facts(TypedDict):
    """All that a report is told besides the scores.

    suite : name of the suite. command : what was typed. commit : of the code, or ``"unknown"``.
    versions : package to version. draws : number of draws of each prediction. data, metrics, columns (in
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
