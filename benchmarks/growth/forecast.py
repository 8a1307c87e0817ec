"""What a cell, and a run, will take, by the published growth of its imputers."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from math import ceil
from statistics import median

from benchmarks.growth.fit import Growth, fit_growth
from benchmarks.growth.kept import PUBLISHED, Measurement, newest, read
from benchmarks.growth.measuring import SCORING
from benchmarks.processes import Limits
from benchmarks.suite import Suite
from datasets.request import parse_request
from datasets.table import Dataset

START_SECONDS = 0.5  # of a cell, before its imputer begins
FAR = 10.0  # times the largest table measured, in cells: a forecast beyond is marked
PATIENCE_SECONDS = 600.0
USUAL = Limits(600.0, 4.0)  # of a cell whose forecast does not ask for more
MORE_TIME, MORE_MEMORY = 3.0, 1.5  # times what is predicted: forecasts are of another machine
SHOWN = 3
# methods that draw answers, as they stand on the published boards of gss, then quick ones
LEADING = (
    "mice-cart",
    "gbm",
    "latent-class",
    "mice",
    "mice-pmm",
    "stochastic-regression",
    "gaussian-em",
    "hot-deck",
    "knn",
)


@dataclass(frozen=True)
class Forecast:
    """Of one cell.

    Parameters
    ----------
    imputing, scoring : seconds of the sealed process, which the limit is for, and of its scoring.
    gigabytes : of memory at most.
    far : whether the table is much larger than those measured.
    """

    imputing: float
    scoring: float
    gigabytes: float
    far: bool

    @property
    def seconds(self) -> float:
        """Of the whole cell."""
        return START_SECONDS + self.imputing + self.scoring


@cache
def published() -> Mapping[str, Growth]:
    """Growth of every imputer that was measured for the published page, and of scoring."""
    return growth_of(newest(read(PUBLISHED)))


def growth_of(measurements: Iterable[Measurement]) -> dict[str, Growth]:
    """Growth of each imputer of some measurements."""
    found = {
        name: fit_growth(list(own))
        for name, own in groupby(sorted(measurements, key=lambda one: one.imputer), key=lambda one: one.imputer)
    }
    return {name: growth for name, growth in found.items() if growth is not None}


def forecast(request: str, n: int, p: int, m: int, known: Mapping[str, Growth]) -> Forecast | None:
    """What a cell will take on n rows and p items with m draws; None for what was not measured.

    The share of holes and the kinds of the items are taken to be those of the tables measured, and the machine as
    fast as the one that measured.
    """
    asked = parse_request(request)
    plain = not asked.positional and not asked.named
    growth, scoring = known.get(asked.name if plain else request), known.get(SCORING)
    if growth is None:
        return None
    return Forecast(
        growth.time(n, p, m),
        scoring.time(n, p, m) if scoring else 0.0,
        growth.memory(n, p),
        n * p > FAR * growth.largest[0] * growth.largest[1],
    )


def expected_seconds(cells: Iterable[tuple[str, int, int, int]], known: Mapping[str, Growth]) -> list[float]:
    """Seconds of each cell, by imputer, rows, items and draws; of an imputer not measured the median of the others."""
    found = [forecast(*cell, known) for cell in cells]
    usual = median([one.seconds for one in found if one is not None] or [1.0])
    return [usual if one is None else one.seconds for one in found]


def usual_limits(
    suite: Suite, tables: Mapping[str, Dataset | str], known: Mapping[str, Growth], n_jobs: int
) -> tuple[Limits, str]:
    """Limits of a cell where nobody states them, and a sentence where they are wider than usual; else empty.

    They leave room beyond the forecast of the dearest cell; memory ends where all cells that run at a time
    would take the machine's. Of methods that were not measured nothing is known, and the usual limits stand.

    Parameters
    ----------
    tables : by `Block.table`, see `run.load_tables`.
    n_jobs : cells at a time.
    """
    cells = {
        (imputer, len(table.values), len(table.schema), block.n_draws)
        for block in suite.blocks
        if isinstance(table := tables[block.table], Dataset)
        for imputer in block.imputers
    }
    found = [(cell[0], one) for cell in sorted(cells) if (one := forecast(*cell, known)) is not None]
    share = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 / n_jobs
    seconds, slowest = max([(USUAL.seconds, ""), *((MORE_TIME * one.imputing, name) for name, one in found)])
    memory, largest = max([(USUAL.memory_gb, ""), *((MORE_MEMORY * one.gigabytes, name) for name, one in found)])
    limits = Limits(float(ceil(seconds)), float(ceil(min(memory, max(share, USUAL.memory_gb)))))
    told = [
        *([f"{duration(limits.seconds)}, for {slowest} (--time-limit)"] if slowest else []),
        *([f"{limits.memory_gb:g} GB, for {largest} (--memory-limit)"] if largest else []),
    ]
    return limits, f"a cell may take, by what is predicted, {' and '.join(told)}" if told else ""


def plan_table(
    suite: Suite, tables: Mapping[str, Dataset | str], limits: Limits, known: Mapping[str, Growth]
) -> tuple[list[tuple[str, ...]], float]:
    """A line for each table and imputer of a suite, and the seconds of all cells whose imputers were measured.

    Parameters
    ----------
    tables : by `Block.table`, see `run.load_tables`.
    limits : of one cell.
    """
    lines: list[tuple[str, ...]] = []
    total = 0.0
    for block in suite.blocks:
        table = tables[block.table]
        if isinstance(table, str):
            continue
        n, p = table.values.shape
        for imputer in block.imputers:
            cells, found = len(block.masks), forecast(imputer, n, p, block.n_draws, known)
            own = (f"{table.title}, {n:,} × {p:,}", imputer, f"{cells}")
            if found is None:
                lines.append((*own, "not measured", "–", "–", ""))
                continue
            total += cells * found.seconds
            costs = duration(found.seconds), f"{found.gigabytes:.2g}", duration(cells * found.seconds)
            lines.append((*own, *costs, "; ".join(_remarks(found, limits))))
    return lines, total


def _remarks(found: Forecast, limits: Limits) -> Iterator[str]:
    if found.imputing > limits.seconds:
        yield f"beyond --time-limit {limits.seconds:g}"
    if found.gigabytes > limits.memory_gb:
        yield f"beyond --memory-limit {limits.memory_gb:g}"
    if found.far:
        yield "far beyond the tables measured"


def warning(n: int, p: int, m: int, imputers: Iterable[str], known: Mapping[str, Growth]) -> str:
    """A sentence on the methods that take more than ten minutes a cell, and three that do not; empty if none does."""
    slow = {
        imputer: found.seconds
        for imputer in imputers
        if (found := forecast(imputer, n, p, m, known)) is not None and found.seconds > PATIENCE_SECONDS
    }
    if not slow:
        return ""
    told = ", ".join(f"{name} {duration(seconds)}" for name, seconds in sorted(slow.items(), key=lambda one: -one[1]))
    quick = [
        name
        for name in LEADING
        if (found := forecast(name, n, p, m, known)) is not None and found.seconds <= PATIENCE_SECONDS
    ]
    instead = f"; within ten minutes: {', '.join(quick[:SHOWN])}" if quick else ""
    return f"predicted for each cell: {told}{instead} (`--plan` tells more; growth was measured on one machine)"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"
