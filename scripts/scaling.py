"""Measure how time and memory of imputers grow with the number of rows.

Usage: ``python -m scripts.scaling --imputers knn,gmm --rows 3544,14176,56704``; the table is shown and, with ``--out``,
written. ``--table ordinal --imputers mice-pmm,r-mice --draws 1`` sets chained equations beside R's on a made-up survey.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from rich.console import Console
from tabulate import tabulate

from benchmarks.cells import make_mask
from benchmarks.data import load
from datasets.request import split_requests
from datasets.schema import Column, Floats, Kind, Schema
from imputers import make_imputer
from imputers.threads import THREAD_VARIABLES

LEGEND = """\
{rows}, 30 % of the cells hidden completely at random. Each measurement is
a process of its own with one thread: processor seconds to {done}, those of R included where the
method calls it, and the peak of resident memory above that of libraries and table, which stands in brackets.
The exponent is the slope of log seconds on log rows; 1 is linear. What took longer than the limit is left out of it."""

Table = tuple[Floats, Schema, Floats | None]
COLUMNS, COMPLETE, FACTORS = 24, 4, 4  # of a made-up survey; its first columns have no holes
SCALES = (3, 5, 7, 4, 9)  # levels of its items in turn


@dataclass(frozen=True, eq=False)
class Resampled:
    """Rows drawn with replacement from a table with holes (n, p).

    Parameters
    ----------
    values, schema, weights : of the table.
    """

    values: Floats
    schema: Schema
    weights: Floats | None

    def take(self, n: int) -> Table:
        """Draw n rows."""
        rows = np.random.default_rng(1).integers(0, len(self.values), n)
        return self.values[rows], self.schema, None if self.weights is None else self.weights[rows]


@dataclass(frozen=True)
class MadeUp:
    """A survey of 24 items on four factors, twenty of them with holes, all of one kind or, as "mixed", of all kinds.

    Parameters
    ----------
    kind : of the items.
    """

    kind: str

    def take(self, n: int) -> Table:
        """Draw n respondents."""
        rng = np.random.default_rng(1)
        X = rng.normal(size=(n, FACTORS), scale=0.5) @ rng.normal(size=(FACTORS, COLUMNS))
        X += rng.normal(size=X.shape, scale=0.8)
        columns = []
        for j, x in enumerate(X.T):
            kind = Kind(("numeric", "nominal", "ordinal")[j % 3] if self.kind == "mixed" else self.kind)
            K = SCALES[j % len(SCALES)]
            labels = {} if kind is Kind.NUMERIC else {float(code): f"answer {code}" for code in range(1, K + 1)}
            columns.append(Column(f"item{j}", kind, labels, decimals=None if labels else 3))
            cuts = np.quantile(x[:10_000], np.arange(1, K) / K)
            x[:] = np.searchsorted(cuts, x) + 1 if labels else np.round(x, 3)
            x[rng.random(n) < (0.3 if j >= COMPLETE else 0)] = np.nan
        return X, Schema(tuple(columns)), None


@dataclass(frozen=True)
class Measured:
    """What an imputer took.

    Parameters
    ----------
    seconds : of the processor; None if it was stopped at the limit.
    before : resident MB of libraries and table.
    above : resident MB beyond that at the peak, R's included.
    """

    seconds: float | None
    before: float
    above: float


Source = Resampled | MadeUp
WARM = 300  # rows that a method is tried on first, so that what it imports is not counted
PAUSE = 0.1  # seconds between two looks at its memory
KINDS = ("numeric", "ordinal", "nominal", "mixed")
ORIGINS = {True: "Rows are drawn with replacement from the core table", False: "A made-up survey, its items {kind}"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every imputer at every size and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--imputers", required=True, help="comma-separated; parameters in brackets: knn(k=5)")
    parser.add_argument("--rows", default="3544,14176,56704", help="sizes")
    parser.add_argument("--table", choices=["core", *KINDS], default="core", help="the core table, or a made-up survey")
    parser.add_argument("--draws", type=int, default=5, help="how many draws; ignored with --door")
    parser.add_argument("--door", action="store_true", help="fit and transform a DataFrame of labels, schema inferred")
    parser.add_argument("--limit", type=float, default=900, help="seconds for one measurement")
    parser.add_argument("--data", type=Path, help="NORC's GSS2022.dta or its zip")
    parser.add_argument("--out", type=Path, help="markdown file; by default the table is only shown")
    options = parser.parse_args(arguments)
    requests, sizes = split_requests(options.imputers), [int(size) for size in options.rows.split(",")]
    for request in requests:
        make_imputer(request)  # a wrong name is told before anything runs
    source = core(options.data) if options.table == "core" else MadeUp(options.table)
    draws = None if options.door else options.draws
    rows: list[list[object]] = []
    for request in requests:
        measured = [measure(request, size, source, draws, options.limit) for size in sizes]
        rows.append([request, *[told(one, options.limit) for one in measured]])
        rows[-1].append(exponent(sizes, [one.seconds for one in measured]))
        sys.stderr.write(f"{rows[-1]}\n")
    heads = ["imputer", *[f"{size:,} × {COLUMNS}" for size in sizes], "exponent"]
    table = tabulate(rows, headers=heads, tablefmt="pipe", floatfmt=".2f", missingval="–")
    done = "fit and complete a DataFrame of labels" if options.door else f"fit and to draw {options.draws} times"
    legend = LEGEND.format(rows=ORIGINS[options.table == "core"].format(kind=options.table), done=done)
    text = f"# {options.table}: seconds and memory as rows grow\n\n{legend}\n\n{table}\n"
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


def told(measured: Measured, limit: float) -> str:
    """A cell of the table."""
    seconds, before, above = measured.seconds, measured.before, measured.above
    return f"{seconds:.1f} s, {above:.0f} MB ({before:.0f})" if seconds else f"> {limit:g} s"


def core(path: Path | None) -> Resampled:
    """Rows of the core table, 30 % of its cells hidden."""
    dataset = load("gss2022", path, strict=False, console=Console(stderr=True))
    masked = make_mask(dataset, "mcar", 0.3, 1)
    return Resampled(masked.values, masked.schema, dataset.weights)


def measure(request: str, n: int, source: Source, draws: int | None, limit: float) -> Measured:
    """Fit and draw in a process of its own.

    Parameters
    ----------
    n : rows.
    draws : how many; None to complete a DataFrame of labels instead.
    """
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(request, n, source, draws, there))
    process.start()
    there.close()
    try:
        here.recv()  # libraries and table are there
        own, end = psutil.Process(process.pid), time.monotonic() + limit
        before = peak = resident(own)
        while (left := end - time.monotonic()) > 0 and not here.poll(min(PAUSE, left)):
            peak = max(peak, resident(own))
        return Measured(here.recv() if here.poll() else None, before, peak - before)
    finally:
        process.kill()
        process.join()


def resident(process: psutil.Process) -> float:
    """Resident MB of a process and those that it has started.

    Not the system's own peak: of a program just started that counts what the process had that started it.
    """
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += each.memory_info().rss / 2**20
    return total


def work(request: str, n: int, source: Source, draws: int | None, answer: Connection) -> None:
    """Fit and draw on n rows; tell when libraries and table are there, and the processor seconds from then on."""
    values, schema, weights = source.take(n)
    imputer, small = make_imputer(request), source.take(WARM)
    imputer.fit(small[0], schema=small[1], weights=small[2]).impute(small[0], n_draws=1)  # imports what it uses
    if draws is None:
        frame = labels_of(values, schema)
        del values
    answer.send(None)
    start = spent()
    if draws is None:
        imputer.fit(frame).transform(frame)
    else:
        imputer.fit(values, schema=schema, weights=weights).impute(values, n_draws=draws)
    answer.send(spent() - start)


def labels_of(values: Floats, schema: Schema) -> pd.DataFrame:
    """A table of codes (n, p) as a DataFrame of categories, ordered where the items are, and numbers."""
    columns: dict[str, object] = {}
    for column, x in zip(schema, values.T, strict=True):
        numbers = np.where(np.isnan(x), 0, x).astype(int) - 1  # codes of a made-up survey count from one
        labels = list(column.labels.values())
        ordered = column.kind is Kind.ORDINAL
        columns[column.name] = pd.Categorical.from_codes(numbers, labels, ordered=ordered) if labels else x
    return pd.DataFrame(columns)


def spent() -> float:
    """Processor seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def exponent(sizes: Sequence[int], seconds: Sequence[float | None]) -> float | None:
    """Slope of log seconds on log size by least squares; None with fewer than two measurements."""
    known = [(size, spent) for size, spent in zip(sizes, seconds, strict=True) if spent]
    if len(known) < 2:
        return None
    x, y = np.log(np.array(known)).T
    return float(np.polyfit(x, y, 1)[0])


if __name__ == "__main__":
    main()
