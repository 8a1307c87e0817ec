"""Growth as a page: a table of measurements and exponents, and a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tabulate import tabulate

from benchmarks.growth.fit import CONFIDENCE, HIDDEN_SECONDS, Exponent, fit_growth
from benchmarks.growth.forecast import duration
from benchmarks.growth.kept import Measurement
from benchmarks.growth.measuring import DRAWS, MASK, SCORING
from imputers import IMPUTERS
from reports.drawing import BLUE, INK, QUIET, name_points, png, single
from reports.folder import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEXT = """\
# Growth of time and memory with rows and items

Tables of {tables}; {rate:.0%} of the answers are hidden completely at random. Each measurement is a process of its
own with one thread: processor seconds to fit and to draw {draws} times, those of programs that the method calls
included, and peak resident memory in GB, libraries included. Exponents a and b are of seconds ∝ rowsᵃ · itemsᵇ by
least squares on logarithms, 1 is linear, with {confidence:.0%} intervals by Student's t where there are more
measurements than coefficients; – where one size alone was measured, and growth in proportion is assumed. What took
less than {hidden:g} s has no part in them. The last columns are predictions, in proportion at least beyond the sizes
measured. `scoring` is what the metrics take for five draws of any method. Measured on {machines}; it may have been
busy with other work.

{table}

{missing}

`python -m benchmarks growth` makes the page again, and measures what is not in `measurements.csv`; `run --plan`
predicts by it.

![seconds by cells of the table]({figure})
"""
FORESEEN = ((100_000, 24), (1_000_000, 24), (10_000, 200))  # rows and items
FIGURE = "growth.png"


def write_page(folder: Path, measurements: Sequence[Measurement]) -> Path:
    """Write ``growth.md`` and its figure to a folder."""
    names = list(dict.fromkeys(one.imputer for one in measurements))
    heads = ["imputer", "measured", "largest of them", "a, rows", "b, items", *[f"{n:,} × {p}" for n, p in FORESEEN]]
    rows = [_row(name, [one for one in measurements if one.imputer == name]) for name in names]
    others = [name for name in IMPUTERS if name not in names]
    text = TEXT.format(
        tables=" and ".join(dict.fromkeys(one.table for one in measurements)),
        rate=MASK[1],
        draws=DRAWS,
        confidence=CONFIDENCE,
        hidden=HIDDEN_SECONDS,
        machines=" and ".join(dict.fromkeys(one.machine for one in measurements)),
        table=tabulate(rows, headers=heads, tablefmt="pipe", colalign=["left", *["right"] * (len(heads) - 1)]),
        missing=f"Not measured: {', '.join(others)}." if others else "All methods are measured.",
        figure=FIGURE,
    )
    write_whole(folder / FIGURE, png(_figure(measurements)))
    path = folder / "growth.md"
    write_whole(path, text.encode())
    return path


def _row(name: str, own: Sequence[Measurement]) -> list[str]:
    growth = fit_growth(own)
    late = [f"{one.rows:,} × {one.items}" for one in own if one.too_long]
    told = f"{sum(not one.costs.failure for one in own)}" + (f"; too long: {', '.join(late)}" if late else "")
    if growth is None:
        return [name, told, *["–"] * (3 + len(FORESEEN))]
    top = next(one for one in own if (one.rows, one.items) == growth.largest and not one.costs.failure)
    largest = f"{top.rows:,} × {top.items}: {top.seconds:.3g} s, {top.costs.peak / 1000:.2g} GB"
    foreseen = [f"{duration(growth.time(n, p, DRAWS))}, {growth.memory(n, p):.2g} GB" for n, p in FORESEEN]
    return [name, told, largest, _slope(growth.seconds.rows), _slope(growth.seconds.items), *foreseen]


def _slope(found: Exponent) -> str:
    if not found.measured:
        return "–"
    interval = "" if found.low != found.low else f" ({found.low:.2f} to {found.high:.2f})"
    return f"{found.value:.2f}{interval}"


def _figure(measurements: Sequence[Measurement]) -> "Figure":
    """Seconds on cells, one line for each method's growth with rows, and points for its growth with items."""
    figure, axes = single(8, 5, "Processor seconds to fit and to draw five times")
    axes.set_xscale("log")
    axes.set_yscale("log")
    done = [one for one in measurements if not one.costs.failure]
    names = list(dict.fromkeys(one.imputer for one in done))
    ends: list[Measurement] = []
    for name in names:
        own = sorted((one for one in done if one.imputer == name), key=lambda one: (one.rows, one.items))
        base, first = min(one.items for one in own), own[0].rows
        line = [one for one in own if one.items == base]
        wide = [one for one in own if one.rows == first and one.items > base]
        ink = QUIET if name == SCORING else BLUE
        axes.plot([one.rows * one.items for one in line], [one.seconds for one in line], marker="o", ms=3, color=ink)
        points = [one.rows * one.items for one in wide], [one.seconds for one in wide]
        axes.plot(*points, linestyle="none", marker="s", ms=4, mfc="white", mec=ink)
        ends.append(line[-1])
    axes.set_xlabel("cells of the table: rows × items (lines: more rows; squares: more items)", color=INK)
    axes.set_ylabel("seconds", color=INK)
    axes.set_xmargin(0.1)
    x, y = np.array([(one.rows * one.items, one.seconds) for one in ends]).T
    name_points(figure, axes, x, y, names)
    return figure
