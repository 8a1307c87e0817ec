"""Figures of a board: skill with its intervals, skill against cost, and shares of levels, observed and imputed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from datasets.schema import Floats
from reports.drawing import BLUE, INK, LINE, QUIET, SMALL, name_points, panels, single

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = 28  # letters that fit below a panel
BAND = "#e5eaf0"
MARKS = (("o", BLUE), ("s", "#d55e00"), ("^", "#009e73"), ("D", "#cc79a7"), ("v", "#e69f00"))  # Okabe & Ito 2008


def skill(table: pd.DataFrame, floor: float, title: str, label: str) -> "Figure":
    """Skill of each method with its 95 % interval, in order, methods that share a place on one band.

    Parameters
    ----------
    table : one row per method, best first, with columns ``place``, ``score``, ``low`` and ``high``; those without a
        place are left out, and NaN intervals are not drawn.
    floor : the smallest gap that can be told from zero, drawn as a length; NaN if there is none.
    label : what is on the axis.
    """
    ranked = table[table["place"].notna()]
    count, score = len(ranked), ranked["score"].to_numpy(dtype=float)
    figure, axes = single(6.1, 1.5 + 0.25 * count, title)
    y, edge = np.arange(count), _edge(score)
    _bands(axes, ranked["place"].to_numpy())
    axes.hlines(y, ranked["low"], ranked["high"], color=BLUE, alpha=0.45, linewidth=3.5, capstyle="round")
    axes.plot(score, y, "o", color=BLUE, markersize=5.5)
    axes.set_yticks(y, ranked.index)
    axes.set_ylim(count + 0.6, -0.6)
    ends = ranked.loc[score >= edge, ["score", "low", "high"]]
    _limits(axes, float(ends.min(axis=None)), float(ends.max(axis=None)))
    for k in np.flatnonzero(score < axes.get_xlim()[0]):
        _beyond(axes, float(score[k]), k)
    if np.isfinite(floor):
        _ruler(axes, floor, float(score.max()), count + 0.1)
    axes.set_xlabel(f"{label}; line: 95 % interval")
    axes.grid(axis="x", color=LINE)
    axes.tick_params(axis="y", length=0)
    return figure


def _edge(score: Floats) -> float:
    """The lowest score that an axis is made for; one far out of the range of the others would squeeze them."""
    best, lower = score.max(), np.quantile(score, 0.25)
    return float(score[score >= lower - 3 * (best - lower)].min())


def _limits(axes: "Axes", low: float, high: float) -> None:
    spare = 0.06 * (high - low) or 0.1
    axes.set_xlim(low - 1.5 * spare, high + spare)


def _bands(axes: "Axes", places: Sequence[object]) -> None:
    """Shade the rows that share a place, and write every place at the right of its rows."""
    found = pd.Series(range(len(places))).groupby(np.asarray(places)).agg(["min", "max"])
    at_right: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": SMALL,
        "color": INK,
    }
    for place, first, last in found.itertuples(name=None):
        if last > first:
            axes.axhspan(first - 0.44, last + 0.44, color=BAND, linewidth=0, zorder=0)
        axes.text(1.01, (first + last) / 2, str(place), **at_right)
    axes.text(1.01, -0.9, "place", **at_right)


def _beyond(axes: "Axes", value: float, y: float) -> None:
    """Say what lies left of the axis."""
    text = f"◂ {value:.2f}".replace("-", "−")
    axes.text(0.01, y, text, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL, color=INK)


def _ruler(axes: "Axes", length: float, right: float, y: float) -> None:
    """Draw a length, up to the best score: gaps that are shorter cannot be told from zero."""
    axes.plot([right - length, right], [y, y], "|-", color=INK, linewidth=1, markersize=6)
    text = f"resolution floor {length:.3f} "
    axes.text(right - length, y, text, ha="right", va="center", fontsize=SMALL, color=INK)


def cost(table: pd.DataFrame, title: str, label: str) -> "Figure":
    """Skill against seconds, upper left is best; the line joins the methods that none beats in both.

    Parameters
    ----------
    table : one row per method, with columns ``place``, ``score`` and ``seconds``; only those with all three are drawn.
        A method far below the others stands at the lower edge with its value.
    label : what is on the axis of skill.
    """
    known = table[["place", "score", "seconds"]].dropna()
    score, seconds = known["score"].to_numpy(dtype=float), known["seconds"].clip(lower=1e-3).to_numpy()
    figure, axes = single(6.1, 4.6, title)
    edge = _edge(score)
    shown, front = np.maximum(score, edge - 0.06 * (score.max() - edge)), _front(seconds, -score)
    axes.step(seconds[front], shown[front], where="post", color=QUIET, linewidth=1, zorder=1)
    axes.scatter(seconds, shown, color=BLUE, s=30, zorder=2)
    axes.set_xscale("log")
    axes.margins(0.13, 0.08)
    _plain_powers(axes, seconds)
    axes.set_xlabel("seconds per cell of the experiment, to fit and draw")
    axes.set_ylabel(label)
    axes.grid(color=LINE)
    beyond = np.where(score < shown, [f" ({value:.2f})".replace("-", "−") for value in score], "")
    names = [name + told for name, told in zip(known.index, beyond, strict=True)]
    steps = np.repeat(np.column_stack([seconds[front], shown[front]]), 2, axis=0)
    name_points(figure, axes, seconds, shown, names, np.column_stack([steps[1:, 0], steps[:-1, 1]]))
    return figure


def _plain_powers(axes: "Axes", values: Floats) -> None:
    """Label a logarithmic axis by plain numbers: powers of ten, and twice and five times these where it is short."""
    from matplotlib.ticker import LogLocator, NullFormatter

    subs = (1.0,) if values.max() > 100 * values.min() else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _front(x: Floats, y: Floats) -> list[int]:
    """Positions of the points that no other beats in both, lower is better, by x."""
    found: list[int] = []
    for i in np.lexsort((y, x)):
        if not found or y[i] < y[found[-1]]:
            found.append(int(i))
    return found


def shares(table: pd.DataFrame, imputers: Sequence[str], title: str) -> "Figure":
    """Shares of the levels of each item among the hidden cells: bars as answered, marks as imputed.

    Parameters
    ----------
    table : columns ``item``, ``level``, ``imputer``, ``share`` and ``truth``, see `shares.level_shares`; items and
        levels are drawn in order of appearance.
    imputers : at most five, whose marks are drawn.
    """
    items, columns = list(dict.fromkeys(table["item"])), 4
    figure, grid = panels(-(-len(items) // columns), columns, 2.4, 0.9, title)
    for axes, item in zip(grid.flat, items, strict=False):
        _levels(axes, table[table["item"] == item], imputers)
        axes.set_title(item, fontsize=9.5, color=INK)
    for axes in grid.flat[len(items) :]:
        axes.set_axis_off()
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles), fontsize=SMALL + 1, frameon=False)
    return figure


def _levels(axes: "Axes", table: pd.DataFrame, imputers: Sequence[str]) -> None:
    """Draw the levels of one item."""
    truth = table.drop_duplicates("level").set_index("level")["truth"]
    x = np.arange(len(truth))
    axes.bar(x, truth, width=0.85, color="#d1d5db", label="answered")
    for k, (name, (mark, colour)) in enumerate(zip(imputers, MARKS, strict=False)):
        own = table[table["imputer"] == name].set_index("level")["share"].reindex(truth.index)
        aside = 0.7 * (k - (len(imputers) - 1) / 2) / len(imputers)
        axes.plot(x + aside, own, mark, color=colour, markersize=3, linestyle="none", label=name)
    _name_levels(axes, list(truth.index))
    axes.set_ylim(0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
    axes.tick_params(labelsize=SMALL - 1, length=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylabel("%", fontsize=SMALL - 1)


def _name_levels(axes: "Axes", levels: Sequence[str]) -> None:
    """Name the levels below their bars, aslant where that makes room for all, else as many as fit."""
    x, names = np.arange(len(levels)), [_short(level, 11) for level in levels]
    letters = len(names) * (1 + max(map(len, names)))
    if letters > WIDE and len(names) <= 10:
        whole = [_short(level, 18) for level in levels]
        axes.set_xticks(x, whole, fontsize=SMALL - 1, rotation=35, ha="right", rotation_mode="anchor")
    else:
        every = -(-letters // WIDE)
        axes.set_xticks(x[::every], names[::every], fontsize=SMALL - 1)


def _short(level: str, letters: int) -> str:
    """A level in so many letters: of a range the number that it starts with."""
    try:
        return f"{float(level.partition(' to ')[0]):.4g}".replace("-", "−")
    except ValueError:
        return level if len(level) <= letters else f"{level[: letters - 1].rstrip()}…"
