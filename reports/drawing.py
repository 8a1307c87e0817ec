"""Drawing: the ground that figures stand on: colours safe for the colour-blind, quiet axes, names beside points."""

import io
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets.schema import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    AxesGrid = NDArray[Any]  # of Axes

INK, BLUE, QUIET, LINE = "#1f2937", "#2166ac", "#9ca3af", "#e5e7eb"
SMALL = 8
DPI = 160
LINE_HEIGHT = 0.18  # of a title, in inches
NEAR = 8  # places beside the point; those after them need a line to it
AROUND = [(1, 0), (-1, 0), (0, 11), (0, -11), (1, 9), (1, -9), (-1, 9), (-1, -9)]
AROUND += [(3, 20), (3, -20), (-3, 20), (-3, -20), (4, 32), (4, -32), (-4, 32), (-4, -32)]


def png(figure: "Figure") -> bytes:
    """Render a figure; the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    figure.set_dpi(DPI)
    _settle(figure)
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def _settle(figure: "Figure") -> None:
    """Lay a figure out once and for all, without drawing it, which costs as much again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def single(width: float, height: float, title: str) -> tuple["Figure", "Axes"]:
    """One pair of axes, sizes in inches."""
    from matplotlib.figure import Figure

    lines = _lines(title, width)
    figure = Figure(figsize=(width, height + LINE_HEIGHT * (len(lines) - 1)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title("\n".join(lines), fontsize=11, color=INK, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)
    return figure, axes


def panels(rows: int, columns: int, size: float, margin: float, title: str) -> tuple["Figure", "AxesGrid"]:
    """Rows and columns of square axes of a size in inches, below a title that takes the margin."""
    from matplotlib.figure import Figure

    lines, width = _lines(title, columns * size), columns * size + 0.6
    figure = Figure(figsize=(width, rows * size + margin + LINE_HEIGHT * (len(lines) - 1)), layout="constrained")
    figure.suptitle("\n".join(lines), fontsize=11, color=INK)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _lines(title: str, width: float) -> list[str]:
    """A title in lines that fit above axes of a width in inches, with their names beside them."""
    return textwrap.wrap(title, max(round(8.5 * width), 20)) or [""]


def name_points(
    figure: "Figure", axes: "Axes", x: Floats, y: Floats, names: list[str], steps: Floats | None = None
) -> None:
    """Name the points, each where it covers least of the points, of the names before it and of a line.

    Parameters
    ----------
    steps : corners (k, 2) of a line of steps; None if there is none.
    """
    from matplotlib.patheffects import withStroke
    from matplotlib.textpath import TextPath

    _settle(figure)  # so that places on the page are known
    scale = 72 / figure.dpi  # lengths are in points
    marks = axes.transData.transform(np.column_stack([x, y])) * scale
    left, low, right, high = np.array(axes.get_window_extent().extents) * scale
    taken = [(a - 4, b - 4, a + 4, b + 4) for a, b in marks]
    corners = np.empty((0, 2)) if steps is None else axes.transData.transform(steps) * scale
    taken += [(*np.minimum(a, b) - 1, *np.maximum(a, b) + 1) for a, b in pairwise(corners)]
    taken += [(left - 999, low, left, high), (right, low, right + 999, high)]  # nothing beyond the frame
    for i in np.argsort(-y, kind="stable"):
        wide, tall = TextPath((0, 0), names[i], size=SMALL).get_extents().width, 9.0
        starts = [(dx * 7 - (wide if dx < 0 else 0 if dx else wide / 2), dy - tall / 2) for dx, dy in AROUND]
        boxes = [
            (marks[i, 0] + dx, marks[i, 1] + dy, marks[i, 0] + dx + wide, marks[i, 1] + dy + tall) for dx, dy in starts
        ]
        covered = [sum(_overlap(box, other) for other in taken) + 0.1 * k for k, box in enumerate(boxes)]
        best = int(np.argmin(covered))
        taken.append(boxes[best])
        note = axes.annotate(
            names[i],
            (x[i], y[i]),
            (starts[best][0], starts[best][1] + 1.5),
            textcoords="offset points",
            fontsize=SMALL,
            color=INK,
            arrowprops={"arrowstyle": "-", "color": QUIET, "linewidth": 0.6} if best >= NEAR else None,
        )
        note.set_path_effects([withStroke(linewidth=2, foreground="white")])
        note.set_in_layout(False)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(high, 0)
