"""Latent correlations: what ordinal items would correlate like if their scales were cuts of normal variables."""

from collections.abc import Callable
from itertools import combinations
from math import inf

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.comparison import ROWS_PER_PAIR
from metrics.metric import TABLE, Reads, metric

DRAWS = 5  # more draws change little and cost as much each
MOST = 0.99  # correlation that is looked for: beyond, the likelihood is flat in tables with empty cells
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@METRICS.register("latent-correlation-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="0.29 at 30 % hidden (mean, mode)")
def latent_correlation_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Relative error of polychoric and polyserial correlations, pooled over draws.

    ``‖ρ̄ - ρ₀‖ / ‖ρ₀‖`` over the pairs of items with levels, and of these with numbers, of which one has hidden cells;
    levels are those of ordinal items and of items with two answers. ρ₀ is of the truth, ρ̄ of the first five completed
    tables together, over the rows that the truth knows. Two-step maximum likelihood: thresholds from the margins, then
    the correlation (polychoric: Olsson 1979, Psychometrika 44; polyserial: Olsson, Drasgow & Dorans 1982, Psychometrika
    47). Unlike correlations of codes, these do not hang on how a scale is cut. Assumes normal latent variables. Own, as
    no library at hand has them.
    """
    pairs, true, found = _pairs(masked), [], []
    tables = [table for table, _ in zip(completed_tables(masked, prediction), range(DRAWS), strict=False)]
    for j, k in pairs:
        both = ~np.isnan(masked.truth.values[:, [j, k]]).any(axis=1)
        if both.sum() >= ROWS_PER_PAIR and np.ptp(masked.truth.values[both][:, [j, k]], axis=0).all():
            columns = masked.schema.columns[j], masked.schema.columns[k]
            true.append(latent_correlation(masked.truth.values[both][:, [j, k]], *columns))
            found.append(latent_correlation(np.vstack([table[both][:, [j, k]] for table in tables]), *columns))
    if not np.any(true):
        return {}
    return {TABLE: float(np.linalg.norm(np.subtract(found, true)) / np.linalg.norm(true))}


def _pairs(masked: Masked) -> list[tuple[int, int]]:
    """Positions of the pairs that are judged, one of which has levels."""
    levels = [j for j, column in enumerate(masked.schema) if _has_order(column)]
    touched = masked.hidden.any(axis=0)
    pairs = [*combinations(levels, 2), *((j, int(k)) for j in levels for k in masked.schema.where(Kind.NUMERIC))]
    return [(j, k) for j, k in pairs if touched[j] or touched[k]]


def _has_order(column: Column) -> bool:
    return column.kind is Kind.ORDINAL or (column.kind is Kind.NOMINAL and len(column.levels) == 2)


def latent_correlation(X: Floats, first: Column, second: Column) -> float:
    """Polychoric or polyserial correlation of two columns (n, 2), the first with levels; 0 if one does not vary."""
    if not np.ptp(X, axis=0).all():
        return 0.0
    return polyserial(X[:, 0], X[:, 1]) if second.kind is Kind.NUMERIC else polychoric(X[:, 0], X[:, 1])


def polychoric(x: Floats, y: Floats) -> float:
    """Correlation of two normal variables of which codes x and y (n,) are cuts; Olsson 1979, two-step."""
    (row, a), (column, b) = _cut(x), _cut(y)
    counts = np.zeros((len(a) + 1, len(b) + 1))
    np.add.at(counts, (row, column), 1)

    def loss(rho: float) -> float:
        below = np.pad(bivariate_normal(a[:, None], b, rho), ((1, 0), (1, 0)))
        full = np.pad(below, ((0, 1), (0, 1)))
        full[-1, 1:-1], full[1:-1, -1], full[-1, -1] = _normal(b), _normal(a), 1.0
        chance = np.diff(np.diff(full, axis=0), axis=1)
        return -float((counts * np.log(np.maximum(chance, 1e-12))).sum())

    return _minimum(loss)


def polyserial(x: Floats, y: Floats) -> float:
    """Correlation of a normal variable y (n,) with another of which codes x (n,) are a cut; two-step."""
    level, limits = _cut(x)
    ends = np.concatenate([[-inf], limits, [inf]])
    z = (y - y.mean()) / y.std()

    def loss(rho: float) -> float:
        spread = np.sqrt(1 - rho**2)
        upper, lower = (_normal((ends[level + step] - rho * z) / spread) for step in (1, 0))
        return -float(np.log(np.maximum(upper - lower, 1e-12)).sum())

    return _minimum(loss)


def bivariate_normal(a: Floats, b: Floats, rho: float) -> Floats:
    """P(X < a, Y < b) of standard normal variables with a correlation: Drezner & Wesolowsky 1990, Gauss-Legendre."""
    angle = np.arcsin(rho)
    theta = angle * (NODES + 1) / 2
    a, b = np.broadcast_arrays(a, b)
    exponent = (a**2 + b**2)[..., None] / 2 - (a * b)[..., None] * np.sin(theta)
    integral = np.exp(-exponent / np.cos(theta) ** 2) @ WEIGHTS * angle / 2
    return np.asarray(_normal(a) * _normal(b) + integral / (2 * np.pi))


def _cut(codes: Floats) -> tuple[np.ndarray, Floats]:
    """Number of each answer's level, and the normal thresholds between the levels that were given."""
    from scipy.special import ndtri

    _, position, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return position, ndtri(counts.cumsum()[:-1] / len(codes))


def _normal(z: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def _minimum(loss: Callable[[float], float]) -> float:
    from scipy.optimize import minimize_scalar

    return float(minimize_scalar(loss, bounds=(-MOST, MOST), method="bounded", options={"xatol": 1e-5}).x)
