"""Tipping points: how far the missing may differ from the observed before a conclusion changes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from datasets.schema import Floats
from reports.drawing import BLUE, INK, LINE, QUIET, single

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Tipping:
    """Where the verdict on one estimand changes, in units of delta.

    Parameters
    ----------
    at_random : verdict without departure: ``"above"``, ``"below"`` or ``"not told from"`` the value.
    below, above : the departures nearest to 0 on either side at which it is another; None if none was tried.
    """

    at_random: str
    below: float | None
    above: float | None


def tipping(curve: pd.DataFrame, value: float) -> Tipping:
    """Find where the 95 % interval of an estimand begins or ceases to hold a value.

    Yan, Lee & Li (2009), Journal of Biopharmaceutical Statistics 19. Between departures that were tried, ends of the
    interval are taken as linear.

    Parameters
    ----------
    curve : of one estimand, columns ``delta`` (0 among them), ``low``, ``high``.
    """
    points = curve.sort_values("delta")
    delta, low, high = (points[name].to_numpy() for name in ("delta", "low", "high"))
    own = int(np.abs(delta).argmin())
    up = _first(delta[own:], low[own:] - value, high[own:] - value)
    down = _first(delta[own::-1], low[own::-1] - value, high[own::-1] - value)
    return Tipping(_verdict(low[own] - value, high[own] - value), down, up)


def _verdict(low: float, high: float) -> str:
    return "above" if low > 0 else "below" if high < 0 else "not told from"


def _first(delta: Floats, low: Floats, high: Floats) -> float | None:
    """The first departure from the start at which the verdict is another; ends cross zero linearly in between."""
    verdicts = [_verdict(a, b) for a, b in zip(low, high, strict=True)]
    changed = next((i for i, verdict in enumerate(verdicts) if verdict != verdicts[0]), None)
    if changed is None:
        return None
    before = changed - 1
    crossed = [
        before_end / (before_end - end)
        for before_end, end in ((low[before], low[changed]), (high[before], high[changed]))
        if before_end * end <= 0 and before_end != end
    ]
    return float(delta[before] + min(crossed) * (delta[changed] - delta[before]))


def told(curve: pd.DataFrame, value: float, of: str) -> str:
    """Say of one estimand what departures do to it, and where it tips.

    Parameters
    ----------
    of : whose departure it is, e.g. ``"income"``.
    """
    found, name = tipping(curve, value), curve["estimand"].iloc[0]
    own = curve.iloc[int(curve["delta"].abs().argmin())]
    text = (
        f"{name}: {own['estimate']:.3f} [{own['low']:.3f}, {own['high']:.3f}] without departure, {found.at_random} "
        f"{value:g}."
    )
    ends = [f"{end:+.2f}" for end in (found.below, found.above) if end is not None]
    if not ends:
        span = f"{curve['delta'].min():+g} to {curve['delta'].max():+g}"
        return f"{text} No departure of {of} from {span} changes that."
    return f"{text} That changes where the missing of {of} depart by {' or '.join(ends)}."


def figure(curve: pd.DataFrame, value: float | None, of: str, unit: str) -> "Figure":
    """Draw the curve of one estimand with its 95 % interval, the value and the tipping points."""
    points = curve.sort_values("delta")
    picture, axes = single(6.4, 4.0, str(curve["estimand"].iloc[0]))
    axes.fill_between(points["delta"], points["low"], points["high"], color=BLUE, alpha=0.18, linewidth=0)
    axes.plot(points["delta"], points["estimate"], color=BLUE, marker="o", markersize=3.5, linewidth=1.6)
    axes.axvline(0, color=QUIET, linewidth=0.8, linestyle=":")
    axes.grid(color=LINE, linewidth=0.6)
    if value is not None:
        axes.axhline(value, color=INK, linewidth=0.9)
        found = tipping(curve, value)
        for end in (found.below, found.above):
            if end is not None:
                axes.plot([end], [value], color=INK, marker="D", markersize=6)
                axes.annotate(f"{end:+.2f}", (end, value), (5, 6), textcoords="offset points", fontsize=9, color=INK)
    axes.set_xlabel(f"departure of {of}, {unit}; 0: missing at random given all other answers", fontsize=9)
    axes.set_ylabel("estimate, 95 %", fontsize=9)
    return picture
