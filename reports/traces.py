"""Traces of chains drawn: means and spreads of what each iteration filled, a line for each chain."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from datasets.schema import Floats
from reports.drawing import BLUE, LINE, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 12  # items


def trace_figure(traces: Mapping[str, Floats], r_hats: Mapping[str, tuple[float, float]]) -> "Figure":
    """Draw the chains of the items that are furthest from agreement.

    Parameters
    ----------
    traces : by item, means and SDs of its fills, shape (2, chains, iterations).
    r_hats : by item, of the means and of the SDs.
    """
    worst = sorted(traces, key=lambda name: -np.nanmax([*r_hats[name], -np.inf]))[:MOST]
    figure, axes = panels(len(worst), 2, 2.2, 0.6, "Fills by iteration, a line for each chain: mean, and SD")
    for row, name in zip(axes, worst, strict=True):
        for axis, chains, found, what in zip(row, traces[name], r_hats[name], ("mean", "SD"), strict=True):
            axis.plot(np.arange(1, chains.shape[1] + 1), chains.T, color=BLUE, alpha=0.5, linewidth=0.9)
            axis.set_title(f"{name}, {what}: R-hat {found:.2f}", fontsize=8, loc="left")
            axis.grid(color=LINE, linewidth=0.5)
            axis.tick_params(labelsize=7)
    return figure
