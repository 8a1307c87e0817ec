"""Figures: ranks with their intervals, what quality costs, and covariances of the target items."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from datasets.schema import Floats
from reports.covariances import Covariances
from reports.drawing import BLUE, INK, QUIET, SMALL, name_points, panels, single
from reports.leaderboard import Board, headlines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

DIVERGING = "RdBu_r"  # ColorBrewer, safe for the colour-blind; white is no covariance, or no change


def ranks(board: Board, title: str) -> "Figure":
    """Mean rank of each ranked imputer, with its 95 % interval."""
    table = board.table.loc[list(board.contest.ranked)]
    figure, axes = single(5.6, 1.2 + 0.25 * len(table), title)
    y = np.arange(len(table))
    axes.hlines(y, table["low"], table["high"], color=BLUE, alpha=0.45, linewidth=3.5, capstyle="round")
    axes.plot(table["rank"], y, "o", color=BLUE, markersize=6)
    axes.set_yticks(y, table.index)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(0.5, len(table) + 0.5)
    axes.set_xlabel("mean rank, 1 is best; line: 95 % interval")
    axes.grid(axis="x", color="#e5e7eb")
    return figure


def trade_off(board: Board, title: str, across: str, up: str) -> "Figure":
    """Two kinds of error, lower left is best, coloured by seconds; the line joins those that none beats in both."""
    from matplotlib.colors import LogNorm

    table = board.table[[across, up, "seconds"]].dropna()
    x, y = table[across].to_numpy(), table[up].to_numpy()
    seconds = table["seconds"].clip(lower=1e-3).to_numpy()
    figure, axes = single(5.9, 4.9, title)
    front = _front(x, y)
    axes.plot(x[front], y[front], color=QUIET, linewidth=1, zorder=1)
    colour = LogNorm(seconds.min(), max(seconds.max(), seconds.min() * 1.01))
    points = axes.scatter(x, y, c=seconds, norm=colour, cmap="cividis", s=55, edgecolor=INK, linewidth=0.4, zorder=2)
    axes.margins(0.12)
    bar = figure.colorbar(points, ax=axes, label="seconds per cell", pad=0.02, format="{x:g}")
    bar.outline.set_visible(False)
    known = headlines(board.contest.facts)
    axes.set_xlabel(f"{known[across]['title']}, lower is better")
    axes.set_ylabel(f"{known[up]['title']}, lower is better")
    axes.grid(color="#e5e7eb")
    name_points(figure, axes, x, y, list(table.index))
    return figure


def covariance_triptych(found: Covariances, imputer: str, title: str) -> "Figure":
    """Truth, imputed, and the difference, of one imputer."""
    figure, grid = panels(1, 3, 2.7, 0.7, title)
    truth, imputed, names = found.truth, found.imputed[imputer], found.targets
    _heat(grid[0, 0], truth, 1.0, "truth (correlations)", down=names, along=names)
    _heat(grid[0, 1], imputed, 1.0, imputer, along=names)
    image = _heat(grid[0, 2], imputed - truth, _reach(found), "difference", along=names, form="{:+.2f}")
    bar = figure.colorbar(image, ax=grid[0, 2], shrink=0.75)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=SMALL)
    return figure


def covariance_overview(found: Covariances, title: str) -> "Figure":
    """Show the truth once, and how far each imputer is from it, on one colour scale."""
    columns, count = 5, 1 + len(found.imputed)
    figure, grid = panels(-(-count // columns), columns, 2.1, 1.5, title)
    maps = [("truth (correlations)", found.truth, 1.0, "{:.2f}")]
    maps += [(name, matrix - found.truth, _reach(found), "{:+.2f}") for name, matrix in found.imputed.items()]
    images = []
    for k, (axes, (name, matrix, reach, form)) in enumerate(zip(grid.flat, maps, strict=False)):
        down = found.targets if k % columns == 0 else ()
        along = found.targets if k + columns >= count else ()  # the lowest of its column carries the names
        images.append(_heat(axes, matrix, reach, name, down=down, along=along, form=form))
    for axes in grid.flat[count:]:
        axes.set_axis_off()
    if found.imputed:
        bar = figure.colorbar(images[-1], ax=grid, shrink=0.5, aspect=40, location="bottom", pad=0.02)
        bar.set_label("imputed less true covariance, in true SDs", fontsize=SMALL + 1)
        bar.ax.tick_params(labelsize=SMALL)
        bar.outline.set_visible(False)
    return figure


def _heat(
    axes: "Axes",
    matrix: Floats,
    reach: float,
    title: str,
    *,
    down: Sequence[str] = (),
    along: Sequence[str] = (),
    form: str = "{:.2f}",
) -> "AxesImage":
    """Draw a matrix (T, T) with its numbers, colours from -reach to reach, names down and along it where given."""
    image = axes.imshow(matrix, cmap=DIVERGING, vmin=-reach, vmax=reach)
    size = min(SMALL, 36 / len(matrix))
    for i, j in np.ndindex(matrix.shape):
        text = form.format(matrix[i, j]).replace("0.", ".", 1).replace("-", "−")
        text = "0" if text in ("+.00", "−.00", ".00") else text
        ink = "white" if abs(matrix[i, j]) > 0.5 * reach else INK
        note = axes.text(j, i, text, ha="center", va="center", fontsize=size, color=ink)
        note.set_in_layout(False)  # it lies inside its map; to tell the layout so would double the time
    axes.set_xticks(range(len(along)), along, rotation=45, ha="right", rotation_mode="anchor", fontsize=SMALL)
    axes.set_yticks(range(len(down)), down, fontsize=SMALL)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=9.5, color=INK)
    return image


def _reach(found: Covariances) -> float:
    """One colour scale for all differences: the largest, but no less than 0.05, so that noise stays pale."""
    return max([0.05, *(float(np.abs(matrix - found.truth).max()) for matrix in found.imputed.values())])


def _front(x: Floats, y: Floats) -> list[int]:
    """Positions of the points that no other beats in both, by x."""
    found: list[int] = []
    for i in np.lexsort((y, x)):
        if not found or y[i] < y[found[-1]]:
            found.append(int(i))
    return found
