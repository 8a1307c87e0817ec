"""Laws of growth: time and memory as powers of the number of rows and of items, with intervals of the exponents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from benchmarks.growth.kept import Measurement
from benchmarks.growth.measuring import DRAWS
from datasets.schema import Floats

CONFIDENCE = 0.95
HIDDEN_SECONDS = 0.03  # below, what does not grow hides what does
HIDDEN_MB = 10.0
LINEAR = 1.0  # exponent where one size alone was measured


@dataclass(frozen=True)
class Exponent:
    """Slope of a logarithm on that of a size, with its confidence interval.

    Parameters
    ----------
    low, high : NaN where there are no more measurements than coefficients.
    measured : False where one size alone was measured, and growth in proportion is assumed.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")
    measured: bool = True


@dataclass(frozen=True)
class Law:
    """``exp(constant) · rows^a · items^b``, and in proportion at least beyond the sizes measured.

    What grows more slowly than its table still has parts that do not grow, which a larger table outgrows.

    Parameters
    ----------
    most : largest number of rows, and of items, that was measured.
    """

    constant: float
    rows: Exponent
    items: Exponent
    most: tuple[int, int]

    def at(self, n: int, p: int) -> float:
        """What it gives for n rows and p items."""
        value = self.constant
        for size, most, exponent in zip((n, p), self.most, (self.rows.value, self.items.value), strict=True):
            value += exponent * np.log(min(size, most))
            value += max(exponent, LINEAR) * np.log(max(size / most, 1.0))
        return float(np.exp(value))


@dataclass(frozen=True)
class Growth:
    """How an imputer grows.

    Parameters
    ----------
    seconds : to fit and to draw five times.
    draw_share : share of drawing in it at the largest size measured.
    base_mb : memory before there is a table.
    megabytes : memory beyond that.
    largest : rows and items of the largest table measured, by cells.
    n : measurements in the law of time.
    """

    imputer: str
    seconds: Law
    draw_share: float
    base_mb: float
    megabytes: Law
    largest: tuple[int, int]
    n: int

    def time(self, n: int, p: int, m: int) -> float:
        """Seconds on n rows and p items with m draws."""
        return self.seconds.at(n, p) * (1 - self.draw_share + self.draw_share * m / DRAWS)

    def memory(self, n: int, p: int) -> float:
        """GB on n rows and p items."""
        return (self.base_mb + self.megabytes.at(n, p)) / 1000


def fit_growth(measurements: Sequence[Measurement]) -> Growth | None:
    """The growth of one imputer; None if no measurement of it came to an end."""
    done = sorted((one for one in measurements if not one.costs.failure), key=lambda one: one.rows * one.items)
    if not done:
        return None
    largest = done[-1]
    seconds = [(one.rows, one.items, max(one.seconds, 1e-3)) for one in done]
    base = float(np.mean([one.costs.base for one in done]))
    beyond = [(one.rows, one.items, max(one.costs.peak - one.costs.base, 1.0)) for one in done]
    visible = [point for point in seconds if point[2] >= HIDDEN_SECONDS] or seconds[-1:]
    return Growth(
        largest.imputer,
        fit_law(visible),
        largest.costs.draw / max(largest.seconds, 1e-9),
        base,
        fit_law([point for point in beyond if point[2] >= HIDDEN_MB] or beyond[-1:]),
        (largest.rows, largest.items),
        len(visible),
    )


def fit_law(points: Sequence[tuple[int, int, float]]) -> Law:
    """Least squares of log values on log rows and log items; Student intervals of the slopes.

    Where one number of rows, or of items, alone was measured, growth in proportion to it is assumed.

    Parameters
    ----------
    points : rows, items and a positive value of each.
    """
    table = np.log(np.array(points, dtype=float))
    y, sizes = table[:, 2].copy(), table[:, :2]
    varied = np.ptp(sizes, axis=0) > 0
    if varied.all() and np.linalg.matrix_rank(sizes - sizes.mean(axis=0)) < 2:  # both grew at once
        varied[1] = False
    y -= LINEAR * sizes[:, ~varied].sum(axis=1)
    design = np.column_stack([np.ones(len(y)), sizes[:, varied]])
    found, _, _, _ = np.linalg.lstsq(design, y, rcond=None)
    reach = _reach(design, y - design @ found)
    slopes = iter(zip(found[1:].tolist(), reach[1:].tolist(), strict=True))
    exponents = [
        Exponent(b, b - r, b + r) if one else Exponent(LINEAR, measured=False)
        for one in varied.tolist()
        for b, r in [next(slopes) if one else (0.0, 0.0)]
    ]
    most = int(max(point[0] for point in points)), int(max(point[1] for point in points))
    return Law(float(found[0]), exponents[0], exponents[1], most)


def _reach(design: Floats, residuals: Floats) -> Floats:
    """Half widths of the confidence intervals of coefficients; NaN without degrees of freedom."""
    free = len(design) - design.shape[1]
    if free < 1:
        return np.full(design.shape[1], np.nan)
    variance = residuals @ residuals / free
    errors = np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design)))
    return np.asarray(stdtrit(free, (1 + CONFIDENCE) / 2) * errors)
