"""Correlation after imputation: how far it moved, in all, at worst, and across zero."""

from collections.abc import Iterable
from math import inf

import numpy as np

from datasets.prediction import Prediction
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import SCALE
from metrics.comparison import compare
from metrics.metric import TABLE, Reads, metric


@METRICS.register("correlation-error")
@metric(reads=Reads.MOMENTS, better="lower", span=(0, inf), best=0.0, trivial="0.31 at 30 % hidden (mean)")
def correlation_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Relative Frobenius error of the correlation matrix of ordinal and numeric items.

    ``‖R - R₀‖ / ‖R₀ - I‖`` per draw, then averaged over draws; R₀ the true correlations (Pearson, of the
    codes), R the imputed ones, both pairwise over the cells known in the truth. Pairs that cannot be
    judged are left out of both norms (see `Comparison`). A method that calls everything uncorrelated
    gets 1.
    """
    return correlation_distance(masked, prediction, masked.schema.where(*SCALE))


@METRICS.register("design-correlation-error")
@metric(
    reads=Reads.MOMENTS,
    better="lower",
    span=(0, inf),
    best=0.0,
    trivial="0.31 at 30 % hidden (mean, mode)",
)
def design_correlation_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Relative Frobenius error of the correlations of all items, nominal as dummies.

    As `correlation-error`, over the columns of the design: every level of a nominal item but the first is
    a dummy, and dummies of the same item count as pairs too.
    """
    return correlation_distance(masked, prediction, range(len(masked.schema)))


def correlation_distance(
    masked: Masked, prediction: Prediction, positions: Iterable[int], *, weighted: bool = False
) -> dict[str, float]:
    """`correlation_error` over some columns of the table, with rows counted by their weights, or not."""
    comparison = compare(masked, prediction, positions, weighted=weighted)
    true = comparison.truth.correlation[comparison.pairs]
    if not true.any():
        return {}
    found = comparison.correlation[:, comparison.pairs]
    return {TABLE: float(np.mean(np.linalg.norm(found - true, axis=1)) / np.linalg.norm(true))}


@METRICS.register("weighted-correlation-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="as correlation-error")
def weighted_correlation_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """`correlation-error` with every row counted by its survey weight.

    Left out for a table without weights.
    """
    if masked.truth.weights is None:
        return {}
    return correlation_distance(masked, prediction, masked.schema.where(*SCALE), weighted=True)


@METRICS.register("weighted-design-correlation-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="as design-correlation-error")
def weighted_design_correlation_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """`design-correlation-error` with every row counted by its survey weight.

    Left out for a table without weights.
    """
    if masked.truth.weights is None:
        return {}
    return correlation_distance(masked, prediction, range(len(masked.schema)), weighted=True)


@METRICS.register("largest-correlation-change")
@metric(reads=Reads.MOMENTS, better="lower", span=(0, 2), best=0.0, trivial="0.28 at 30 % hidden (mean)")
def largest_correlation_change(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Largest change of a single correlation between two ordinal or numeric items.

    ``max_jk |r_jk - r⁰_jk|`` per draw, then averaged over draws; over the pairs that can be judged (see
    `Comparison`). A norm can be small while one finding is ruined; this cannot.
    """
    comparison = compare(masked, prediction, masked.schema.where(*SCALE))
    if not comparison.pairs.any():
        return {}
    change = (comparison.correlation - comparison.truth.correlation)[:, comparison.pairs]
    return {TABLE: float(np.abs(change).max(axis=1).mean())}


@METRICS.register("sign-flips")
@metric(reads=Reads.MOMENTS, better="lower", span=(0, 1), best=0.0, trivial="near 0 (mean)")
def sign_flips(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of the real correlations whose sign is reversed.

    ``mean_jk 1{r_jk · r⁰_jk < 0}`` per draw, then averaged over draws; over the pairs that can be judged
    (see `Comparison`) and whose true correlation differs from zero at the 5 % level by Fisher's (1921,
    Metron 1) z: ``|atanh r⁰| √(n_jk - 3) > 1.96``. Others have no sign to lose. Ordinal and numeric items.
    Without any such pair it is left out.
    """
    comparison = compare(masked, prediction, masked.schema.where(*SCALE))
    true = comparison.truth.correlation[comparison.pairs]
    rows = comparison.truth.pairs[comparison.pairs]
    real = np.arctanh(np.clip(np.abs(true), 0, 1 - 1e-15)) * np.sqrt(rows - 3) > 1.96
    if not real.any():
        return {}
    found = comparison.correlation[:, comparison.pairs]
    return {TABLE: float(np.mean(found[:, real] * true[real] < 0))}


@METRICS.register("pairs-scored")
@metric(reads=Reads.MOMENTS, better="higher", span=(0, 1), best=1.0, trivial="1 (all that fill)")
def pairs_scored(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of the ordinal and numeric item pairs that could be judged.

    Of the pairs that the truth shows, those the prediction says something of. Below one only for methods that
    estimate moments without filling and lack some; their other scores then rest on fewer pairs.
    """
    comparison = compare(masked, prediction, masked.schema.where(*SCALE))
    possible = np.triu(np.isfinite(comparison.truth.correlation), 1)
    return {TABLE: float(comparison.pairs.sum() / possible.sum())} if possible.any() else {}
