"""Measure how time and memory of imputers grow with the number of rows.

Usage: ``python -m scripts.scaling --imputers knn,gmm --times 1,4,16``; the table is shown and, with ``--out``, written.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from rich.console import Console
from tabulate import tabulate

from benchmarks.cells import make_mask
from benchmarks.data import load
from benchmarks.threads import THREAD_VARIABLES
from datasets.request import split_requests
from datasets.schema import Floats, Schema
from imputers import make_imputer

LEGEND = """\
Rows are drawn with replacement from the core table, 30 % of the cells hidden completely at random. Each measurement is
a process of its own with one thread: processor seconds to fit and to draw five times, and peak resident memory. The
exponent is the slope of log seconds on log rows; 1 is linear. What took longer than the limit is left out of it."""

Table = tuple[Floats, Schema, Floats | None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every imputer at every size and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--imputers", required=True, help="comma-separated; parameters in brackets: knn(k=5)")
    parser.add_argument("--times", default="1,4,16", help="sizes, in multiples of the core table")
    parser.add_argument("--limit", type=float, default=900, help="seconds for one measurement")
    parser.add_argument("--data", type=Path, help="NORC's GSS2022.dta or its zip")
    parser.add_argument("--out", type=Path, help="markdown file; by default the table is only shown")
    options = parser.parse_args(arguments)
    requests, sizes = split_requests(options.imputers), [int(size) for size in options.times.split(",")]
    for request in requests:
        make_imputer(request)  # a wrong name is told before anything runs
    dataset = load("gss2022", options.data, strict=False, console=Console(stderr=True))
    masked = make_mask(dataset, "mcar", 0.3, 1)
    rows = []
    for request in requests:
        measured = [
            measure(request, times, (masked.values, masked.schema, dataset.weights), options.limit) for times in sizes
        ]
        rows.append([request, *[f"{s:.1f} s, {mb:.0f} MB" if s else f"> {options.limit:g} s" for s, mb in measured]])
        rows[-1].append(exponent(sizes, [seconds for seconds, _ in measured]))
        sys.stderr.write(f"{rows[-1]}\n")
    n = len(masked.values)
    heads = ["imputer", *[f"{n * size:,} × {len(masked.schema)}" for size in sizes], "exponent"]
    told = tabulate(rows, headers=heads, tablefmt="pipe", floatfmt=".2f", missingval="–")
    text = f"# {dataset.title}: seconds and memory as rows grow\n\n{LEGEND}\n\n{told}\n"
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


def measure(request: str, times: int, table: Table, limit: float) -> tuple[float | None, float]:
    """Processor seconds (None beyond the limit) and peak MB of fitting and drawing in a process of its own."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(request, times, table, there))
    process.start()
    there.close()
    try:
        return here.recv() if here.poll(limit) else (None, float("nan"))
    finally:
        process.kill()
        process.join()


def work(request: str, times: int, table: Table, answer: Connection) -> None:
    """Fit and draw on a resampled table; send seconds and megabytes."""
    values, schema, weights = table
    rows = np.random.default_rng(1).integers(0, len(values), len(values) * times)
    resampled = values[rows]
    start = time.process_time()
    imputer = make_imputer(request).fit(resampled, schema=schema, weights=None if weights is None else weights[rows])
    imputer.impute(resampled, n_draws=5)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer.send((seconds, peak / (2**20 if sys.platform == "darwin" else 2**10)))


def exponent(sizes: Sequence[int], seconds: Sequence[float | None]) -> float | None:
    """Slope of log seconds on log size by least squares; None with fewer than two measurements."""
    known = [(size, spent) for size, spent in zip(sizes, seconds, strict=True) if spent]
    if len(known) < 2:
        return None
    x, y = np.log(np.array(known)).T
    return float(np.polyfit(x, y, 1)[0])


if __name__ == "__main__":
    main()
