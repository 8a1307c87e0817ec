"""Figures of the covariances of the target items."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from datasets.schema import Floats
from reports.covariances import Covariances
from reports.drawing import INK, SMALL, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

DIVERGING = "RdBu_r"  # ColorBrewer, safe for the colour-blind; white is no covariance, or no change


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
