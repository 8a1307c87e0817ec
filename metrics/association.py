"""Association of items of any kind, after imputation against the truth."""

from itertools import islice
from math import inf

import numpy as np

from datasets.moments import pairwise_moments
from datasets.prediction import Prediction
from datasets.schema import Floats, Kind, Schema
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import SCALE, completed_tables
from metrics.comparison import ROWS_PER_PAIR, Weights
from metrics.metric import TABLE, Reads, metric

DRAWS = 5  # more draws change little and cost as much each


@METRICS.register("association-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="0.32 at 30 % hidden (mean, mode)")
def association_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Relative Frobenius error of the associations between items of any kind.

    ``‖A - A₀‖ / ‖A₀‖`` over pairs of different items, per draw, then averaged over the first five; A₀ true, A
    imputed, over the rows that know both items in the truth. An entry lies between 0 and 1: |Spearman's ρ|
    (1904) between ordinal or numeric items, the correlation ratio η (Pearson 1905) of one on a nominal
    item, Cramér's V (1946, section 21.9) between nominal items. Ranks are those among all rows that
    know the item. Pairs known together in fewer than 30 rows are not scored; association with an item
    that the fills made constant is 0.
    """
    return association_distance(masked, prediction, None)


def association_distance(masked: Masked, prediction: Prediction, weights: Weights) -> dict[str, float]:
    """`association_error` with rows weighted (n,), or not."""
    known = ~np.isnan(masked.truth.values)
    often = known.T.astype(float) @ known >= ROWS_PER_PAIR
    true = associations(masked.schema, masked.truth.values, weights)
    scored = np.triu(often & np.isfinite(true), 1)
    if not true[scored].any():
        return {}
    distances = [
        np.linalg.norm(np.nan_to_num(associations(masked.schema, table, weights))[scored] - true[scored])
        for table in islice(completed_tables(masked, prediction), DRAWS)
    ]
    return {TABLE: float(np.mean(distances) / np.linalg.norm(true[scored]))}


@METRICS.register("weighted-association-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="as association-error")
def weighted_association_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """`association-error` with every row counted by its survey weight.

    Ranks, means and cross tables are weighted alike. Left out for a table without weights.
    """
    weights = masked.truth.weights
    return {} if weights is None else association_distance(masked, prediction, weights)


def associations(schema: Schema, X: Floats, weights: Weights = None) -> Floats:
    """Associations (p, p) between the columns of a table of codes, by kind; NaN where one does not vary.

    Own, as scipy's `spearmanr` and `contingency.association` take one pair at a time and no weights.
    """
    w = np.ones(len(X)) if weights is None else weights
    scale, nominal = schema.where(*SCALE), schema.where(Kind.NOMINAL)
    Y = X[:, scale]
    items = schema.take(nominal)
    G = np.nan_to_num(items.design(X[:, nominal]))  # unknown: in no level
    member = np.repeat(np.eye(len(nominal)), [block.stop - block.start for block in items.blocks], axis=0)
    A = np.empty((len(schema), len(schema)))
    A[np.ix_(scale, scale)] = np.abs(pairwise_moments(_ranks(Y, w), w).correlation)
    A[np.ix_(nominal, nominal)] = _cramers_v(G, member, w)
    A[np.ix_(nominal, scale)] = _correlation_ratio(G, member, Y, w)
    A[np.ix_(scale, nominal)] = A[np.ix_(nominal, scale)].T
    return A


def _ranks(Y: Floats, w: Floats) -> Floats:
    """Weighted mid-ranks of each column (n, p): the weight below, and half of that of the ties."""
    R = np.full(Y.shape, np.nan)
    for j, y in enumerate(Y.T):
        known = ~np.isnan(y)
        _, level = np.unique(y[known], return_inverse=True)
        ties = np.bincount(level, w[known])
        R[known, j] = (ties.cumsum() - ties / 2)[level]
    return R


def _correlation_ratio(G: Floats, member: Floats, Y: Floats, w: Floats) -> Floats:
    """η of each column of Y (n, s) on each nominal item: root of the share of variance between its levels.

    G (n, g) holds the dummies of all items, member (g, items) tells whose they are.
    """
    known = ~np.isnan(Y)
    Z = np.where(known, Y - np.nanmean(Y, axis=0), 0.0)
    Gw = G * w[:, None]
    count, total, square = Gw.T @ known, Gw.T @ Z, member.T @ (Gw.T @ Z**2)  # per level, per level, per item
    with np.errstate(invalid="ignore", divide="ignore"):
        levels = member.T @ np.where(count > 0, total**2 / count, 0.0)
        whole = (member.T @ total) ** 2 / (member.T @ count)
        within = square - whole
        varies = (within > 1e-12 * square.max(axis=0, initial=0)) & (member.T @ (count > 0) > 1)
        return np.sqrt(np.clip(np.where(varies, (levels - whole) / within, np.nan), 0, 1))


def _cramers_v(G: Floats, member: Floats, w: Floats) -> Floats:
    """Cramér's V between all nominal items; levels that nobody chose do not count."""
    O = (G * w[:, None]).T @ G  # noqa: E741  observed weight of each pair of levels
    margin = O @ member  # margin[k, b]: weight of level k among the rows that know item b
    margins = margin @ member.T  # margins[k, l]: the same with b the item of level l
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(O > 0, O**2 / (margins * margins.T), 0.0)
        phi2 = member.T @ share @ member - 1  # χ² / weight
        levels = member.T @ (margin > 0)
        least = np.minimum(levels, levels.T) - 1
        return np.sqrt(np.clip(np.where(least > 0, phi2 / least, np.nan), 0, 1))
