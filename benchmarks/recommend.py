"""A recommendation for one's own file: its own silence is put upon observed cells, and methods are tried on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.cells import make_mask
from benchmarks.computing import Settings, compute
from benchmarks.methods import Methods, describe_methods
from benchmarks.own_suite import of_file
from benchmarks.processes import Limits
from benchmarks.progress import Progress
from benchmarks.run import Outcome, Tables, check_suite, load_tables, plan, run
from benchmarks.sparse import without_sparse
from benchmarks.store import Store
from benchmarks.suite import Suite
from datasets.errors import InputError
from datasets.mechanisms.own_holes import silent
from datasets.request import parse_request
from datasets.schema import Kind, Regression, Schema
from datasets.surveys.thinning import thinned
from datasets.table import Dataset
from imputers import IMPUTERS, make_imputer
from reports.results import Record

CANDIDATES = (
    "mean",
    "hot-deck",
    "knn",
    "gaussian-em",
    "latent-class",
    "mice-pmm",
    "mice",
    "mice-cart",
    "gbm",
    "gbm-pmm",
    "miwae",
    "masked-transformer",
)
AGAIN = "mice-pmm#2"  # how much chance within a method does
OWN, USUAL = ("replay", "observed-patterns"), ("mar", "mcar")
LEAST_ROWS, ROWS = 100, 2000
LEAST_ANSWERS, LEAST_SHARE = 30, 0.2  # of a column; masks that copy the file's own silence may hide all of fewer
LOWEST, HIGHEST = 0.1, 0.3  # rates between which the file's own is taken
FEWEST, MOST = 5, 100  # masks of a mechanism
FIRST = 0.5  # share of the time that first masks may take
DRAWS = 10


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Parameters
    ----------
    data, schema : a file, and the schema file that goes with it or None.
    analysis : a regression such as ``"income ~ age + educ"``, or empty.
    seconds : time that it may take, about.
    imputers : the candidates, as requests.
    rows : of a larger file so many are taken, evenly spaced.
    """

    data: Path
    schema: Path | None
    analysis: str
    seconds: float
    imputers: tuple[str, ...] = CANDIDATES
    rows: int = ROWS


def recommend(wish: Wish, settings: Settings, console: Console) -> Outcome:
    """Try methods on masks like the file's own holes, as many as the time allows, and write the page.

    The first mask of every method shows what it costs. Those that would take too long for `FEWEST` masks are left out,
    the dearest first; the others share the time that is left.

    Raises
    ------
    InputError
        If the file has fewer than 100 rows, the analysis is no regression of its columns, or no method ends in time.
    """
    progress = Progress(console)
    suite, tables = prepared(wish, console)
    methods = describe_methods(suite, settings.plugins)
    records = _first_masks(suite, tables, methods, settings, wish.seconds, progress)
    costs, lost = judged(records)
    left_out = {**suite.about["left_out"], **lost}
    spent = sum(record.seconds for record in records)
    kept, masks = affordable(costs, wish.seconds * settings.n_jobs - spent)
    for name in costs.keys() - kept:
        left_out[name] = f"a mask of each kind takes {costs[name]:.1f} s, too long for {FEWEST}"
    for name, reason in sorted(left_out.items()):
        progress.say(f"left out: {name}, {reason}")
    if not kept:
        raise InputError(f"recommend: no method is done in {wish.seconds:g} s; give a longer --budget or fewer --rows")
    block = replace(suite.blocks[0], imputers=tuple(kept), seeds=tuple(range(1, masks + 1)))
    minutes = sum(costs[name] for name in kept) * (masks - 1) / settings.n_jobs / 60
    progress.say(f"{masks} masks of each kind for {len(kept)} methods; about {minutes:.1f} minutes more")
    whole = replace(
        suite,
        blocks=(block,),
        about={**suite.about, "left_out": left_out, "load": [path.name for path in settings.plugins]},
    )
    return run(whole, tables, {name: methods[name] for name in kept}, settings, progress)


def prepared(wish: Wish, console: Console) -> tuple[Suite, Tables]:
    """The suite of first masks, and its table with the analysis.

    Raises
    ------
    InputError
        As `recommend`.
    """
    named = of_file(wish.data, wish.schema)
    block = replace(named.blocks[0], rates=(LOWEST, HIGHEST), n_draws=DRAWS)
    table, whole, blank = _table(replace(named, blocks=(block,)), wish, console)
    if wish.analysis:
        asked = regression_of(wish.analysis, table.schema)
        table = replace(table, schema=replace(table.schema, regression=asked))
    rate = own_rate(table)
    mechanisms, refused = possible(table, rate)
    too_small = wanting_rows(wish.imputers, len(table.values))
    about = {
        "file": wish.data.name,
        "schema": "" if wish.schema is None else wish.schema.name,
        "analysis": wish.analysis,
        "seconds": wish.seconds,
        "rows": whole,
        "silent": blank,
        "refused": refused,
        "left_out": too_small,
    }
    imputers = tuple(name for name in wish.imputers if name not in too_small)
    again = [AGAIN] if AGAIN.partition("#")[0] in imputers else []
    block = replace(block, imputers=(*imputers, *again), mechanisms=mechanisms, rates=(rate,), seeds=(1,))
    return Suite(named.name, (block,), page="recommendation", about=about), {block.table: table}


def _table(suite: Suite, wish: Wish, console: Console) -> tuple[Dataset, int, int]:
    """What methods are tried on, of a large file an even sample of rows; and rows and silent cells of the whole."""
    block = suite.blocks[0]
    table = load_tables(check_suite(suite), None, strict=True, console=console)[block.table]
    if isinstance(table, str):
        raise InputError(table)
    whole, blank = len(table.values), int(silent(table).sum())
    if whole > wish.rows:
        table, told = without_sparse(thinned(table, wish.rows), block.rates)
        _say(console, f"tried on {wish.rows:,} of {whole:,} rows, evenly spaced; --rows changes that", told)
    if len(table.values) < LEAST_ROWS:
        raise InputError(f"recommend: {wish.data} has {len(table.values)} rows; {LEAST_ROWS} can tell methods apart")
    answers = (~np.isnan(table.values)).sum(axis=0)
    kept = answers >= max(LEAST_ANSWERS, LEAST_SHARE * len(table.values))
    few = [name for name, keeps in zip(table.schema.names, kept, strict=True) if not keeps]
    if few:
        _say(console, f"not tried, as fewer than {LEAST_SHARE:.0%} answered or {LEAST_ANSWERS}: {', '.join(few)}")
    places = np.flatnonzero(kept)
    if not len(places):
        raise InputError(f"recommend: no column of {wish.data} has the answers that it takes to try a method")
    values, reasons = table.values[:, places], table.reasons[:, places]
    return replace(table, schema=table.schema.take(places), values=values, reasons=reasons), whole, blank


def _say(console: Console, *sentences: str) -> None:
    for sentence in filter(None, sentences):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def regression_of(text: str, schema: Schema) -> Regression:
    """The regression that a text such as ``income ~ age + educ`` asks for.

    Raises
    ------
    InputError
        If it is none, a column is not there, or the outcome has no order.
    """
    outcome, _, right = (part.strip() for part in text.partition("~"))
    covariates = tuple(name.strip() for name in right.split("+") if name.strip())
    if not outcome or not covariates:
        raise InputError(f"--analysis {text!r} is no regression; write 'outcome ~ covariate + covariate'")
    found = Regression(outcome, covariates)
    for name in found.names:
        if name not in schema.names:
            raise InputError(
                f"--analysis names {name!r}, which is no column in use; those are {', '.join(schema.names)}; a schema "
                "file brings back one that was set aside, see `describe`"
            )
    if schema[outcome].kind not in (Kind.ORDINAL, Kind.NUMERIC):
        raise InputError(f"--analysis has the outcome {outcome!r}, whose answers have no order; take one that has")
    texts = [name for name in covariates if schema[name].kind is Kind.TEXT]
    if texts:
        raise InputError(f"--analysis has the text {texts[0]!r} as covariate; leave it out or make it nominal")
    return found


def wanting_rows(imputers: Sequence[str], rows: int) -> dict[str, str]:
    """Methods of this project whose draws lose the relations between columns in so few rows, and what they need."""
    least = {name: make_imputer(name).least_rows for name in imputers if IMPUTERS.owns(parse_request(name).name)}
    return {name: f"needs {number:,} rows" for name, number in least.items() if number > rows}


def own_rate(table: Dataset) -> float:
    """Share of the asked cells that people left blank, in columns where anybody did, kept within .1 and .3."""
    blank, observed = silent(table), ~np.isnan(table.values)
    some = blank.any(axis=0)
    counts = blank[:, some].sum(), observed[:, some].sum()
    share = counts[0] / sum(counts) if some.any() else LOWEST
    return float(np.clip(np.round(share, 2), LOWEST, HIGHEST))


def possible(table: Dataset, rate: float) -> tuple[tuple[str, ...], dict[str, str]]:
    """The mechanisms that resemble the file's own holes, else the usual ones; and why some cannot be had.

    Raises
    ------
    InputError
        If none can hide cells of this table.
    """
    refused: dict[str, str] = {}
    for family in (OWN, USUAL):
        kept = []
        for mechanism in family:
            try:
                make_mask(table, mechanism, rate, 1)
            except InputError as error:
                refused[mechanism] = str(error)
            else:
                kept.append(mechanism)
        if kept:
            return tuple(kept), refused
    raise InputError("recommend can hide nothing of this file: " + "; ".join(refused.values()))


def judged(records: Sequence[Record]) -> tuple[dict[str, float], dict[str, str]]:
    """What a mask of every kind takes each method that did its first ones, cheapest first; and why others did not.

    Seconds are those of the fastest mask times the kinds: the first cell of all waits for processes to start.
    """
    lost = {record.imputer: record.message.splitlines()[0] for record in records if record.status != "done"}
    done: dict[str, list[float]] = {}
    for record in records:
        if record.imputer not in lost:
            done.setdefault(record.imputer, []).append(record.seconds)
    costs = {name: min(seconds) * len(seconds) for name, seconds in done.items()}
    return dict(sorted(costs.items(), key=lambda pair: pair[1])), lost


def affordable(costs: Mapping[str, float], seconds: float) -> tuple[list[str], int]:
    """The methods that can have `FEWEST` masks in a time beyond the first ones, cheapest first, and how many they get.

    Parameters
    ----------
    costs : seconds of a mask of every kind, cheapest first.
    seconds : of computing that are left.
    """
    kept = list(costs)
    while kept and seconds < (FEWEST - 1) * sum(costs[name] for name in kept):
        kept.pop()
    if not kept:
        return [], 0
    more = int(seconds / max(sum(costs[name] for name in kept), 1e-9))
    return kept, min(1 + more, MOST)


def _first_masks(
    suite: Suite, tables: Tables, methods: Methods, settings: Settings, seconds: float, progress: Progress
) -> list[Record]:
    """Records of the first mask of every kind, each with an even part of half the time as its limit."""
    even = FIRST * seconds * settings.n_jobs / suite.n_cells
    limited = replace(settings, limits=Limits(even, settings.limits.memory_gb))
    jobs, store = plan(suite, tables, methods, limited), Store(settings.out / "store")
    progress.say(f"first masks ({', '.join(suite.blocks[0].mechanisms)}): {even:.0f} s each at most")
    with store.in_use():
        return compute(jobs, store, limited, progress)[0]
