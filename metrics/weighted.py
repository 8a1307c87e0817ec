"""Covariance, correlation and association of the population, not of the sample: rows count by survey weight."""

from math import inf

from datasets.prediction import Prediction
from datasets.table import Masked
from metrics import METRICS
from metrics.association import association_distance
from metrics.correlation import correlation_distance
from metrics.covariance import covariance_distance
from metrics.hidden import SCALE
from metrics.metric import Reads, metric


@METRICS.register("weighted-covariance-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="as covariance-error")
def weighted_covariance_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """`covariance-error` with every row counted by its survey weight.

    True and imputed covariances are weighted alike, pairwise, in units of the weighted true SDs (Lumley
    2010, Complex Surveys, section 2.2). Left out for a table without weights.
    """
    weights = masked.truth.weights
    return {} if weights is None else covariance_distance(masked, prediction, weights)


@METRICS.register("weighted-correlation-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="as correlation-error")
def weighted_correlation_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """`correlation-error` with every row counted by its survey weight.

    Left out for a table without weights.
    """
    weights = masked.truth.weights
    return {} if weights is None else correlation_distance(masked, prediction, masked.schema.where(*SCALE), weights)


@METRICS.register("weighted-design-correlation-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="as design-correlation-error")
def weighted_design_correlation_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """`design-correlation-error` with every row counted by its survey weight.

    Left out for a table without weights.
    """
    weights = masked.truth.weights
    return {} if weights is None else correlation_distance(masked, prediction, range(len(masked.schema)), weights)


@METRICS.register("weighted-association-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="as association-error")
def weighted_association_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """`association-error` with every row counted by its survey weight.

    Ranks, means and cross tables are weighted alike.     Left out for a table without weights.
    """
    weights = masked.truth.weights
    return {} if weights is None else association_distance(masked, prediction, weights)
