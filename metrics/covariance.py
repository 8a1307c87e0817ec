"""Covariance after imputation: how far it moved, by rows and by survey weights, and its values for target items."""

from itertools import combinations_with_replacement
from math import inf, nan

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import Floats, Role
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import SCALE
from metrics.comparison import compare, true_moments
from metrics.metric import TABLE, Reads, metric


@METRICS.register("covariance-error")
@metric(reads=Reads.MOMENTS, better="lower", span=(0, inf), best=0.0, trivial="0.39 at 30 % hidden (mean)")
def covariance_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Relative Frobenius error of the covariance matrix of ordinal and numeric items.

    ``‖C - C₀‖ / ‖C₀‖`` per draw, then averaged over draws; C₀ the true covariance, C the imputed one,
    both pairwise over the cells known in the truth and both in units of the true SDs (c_jk / s_j s_k), or
    an item with a wide scale would decide alone. Variances are included, each pair counts twice. Pairs
    that cannot be judged are left out of both norms (see `Comparison`). A method that
    calls everything constant gets 1.
    """
    return covariance_distance(masked, prediction)


def covariance_distance(masked: Masked, prediction: Prediction, *, weighted: bool = False) -> dict[str, float]:
    """`covariance_error` with rows counted by their weights, or not."""
    comparison = compare(masked, prediction, masked.schema.where(*SCALE), weighted=weighted)
    if not comparison.scored.any():
        return {}
    unit = _unit(comparison.truth.covariance)
    true = (comparison.truth.covariance / unit)[comparison.scored]
    found = (comparison.covariance / unit)[:, comparison.scored]
    return {TABLE: float(np.mean(np.linalg.norm(found - true, axis=1)) / np.linalg.norm(true))}


@METRICS.register("weighted-covariance-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="as covariance-error")
def weighted_covariance_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """`covariance-error` with every row counted by its survey weight.

    True and imputed covariances are weighted alike, pairwise, in units of the weighted true SDs (Lumley
    2010, Complex Surveys, section 2.2). Left out for a table without weights.
    """
    return {} if masked.truth.weights is None else covariance_distance(masked, prediction, weighted=True)


@METRICS.register("target-covariance")
@metric(
    reads=Reads.MOMENTS,
    better="target-covariance-true",
    span=(-inf, inf),
    best=1.0,
    trivial="0.7 on the diagonal at 30 % hidden (mean)",
)
def target_covariance(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Covariance of each pair of target items after imputation, for the heat map.

    ``c_jk / (s_j s_k)``, c the mean over draws of the covariances (Rubin 1987's point estimate, section 3.1),
    s the true SDs, so that the diagonal shows the share of the variance that is kept, at best 1. Names are
    ``first~second`` in column order. Better is nearer to `target-covariance-true`. Pairs that cannot be
    judged are left out, and nominal targets.
    """
    comparison = compare(masked, prediction, _targets(masked))
    ratio = comparison.covariance.mean(axis=0) / _unit(comparison.truth.covariance)
    return _named(masked, np.where(comparison.scored, ratio, nan))


@METRICS.register("target-covariance-true")
@metric(
    reads=Reads.MOMENTS, better="target-covariance-true", span=(-inf, inf), best=1.0, trivial="the same for all methods"
)
def target_covariance_true(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """True covariance of each pair of target items, for the heat map.

    ``c_jk / (s_j s_k)`` of the cells known in the truth, pair by pair; names as in `target-covariance`.
    The same for every prediction: a fact about the data, kept beside the results that are read against it.
    """
    truth = true_moments(masked, _targets(masked))
    ratio = truth.covariance / _unit(truth.covariance)
    return _named(masked, np.where(np.isfinite(truth.correlation), ratio, nan))


def _targets(masked: Masked) -> list[int]:
    scale = masked.schema.where(*SCALE)
    return [int(j) for j in masked.schema.having(Role.TARGET) if j in scale]


def _unit(covariance: Floats) -> Floats:
    """Product of the SDs of each pair, shape (q, q); NaN where one of them does not vary."""
    variance = np.diag(covariance)
    sd = np.sqrt(np.where(variance > 0, variance, nan))
    return np.outer(sd, sd)


def _named(masked: Masked, matrix: Floats) -> dict[str, float]:
    """Finite entries of the upper triangle of a matrix over the targets, by names of the pair."""
    names = [masked.schema.columns[j].name for j in _targets(masked)]
    return {
        f"{names[a]}~{names[b]}": float(matrix[a, b])
        for a, b in combinations_with_replacement(range(len(names)), 2)
        if np.isfinite(matrix[a, b])
    }
