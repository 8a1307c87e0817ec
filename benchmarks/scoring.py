"""Scoring: every metric that applies to a prediction."""

from collections.abc import Iterator
from typing import NamedTuple

from datasets.prediction import Prediction
from datasets.schema import Floats
from datasets.table import Masked
from metrics import METRICS
from metrics.coverage import coverage
from metrics.metric import Measured, Metric, Reads


class Scored(NamedTuple):
    """One value of a metric, for a column or the table, and the influence (C,) of each cluster on it where known."""

    metric: str
    column: str
    value: float
    influence: Floats | None = None


def score(masked: Masked, prediction: Prediction) -> list[Scored]:
    """Every metric that applies to a prediction; of replicates, what the intervals of all estimands hold."""
    if masked.truth.replicates is not None:
        return [Scored(*found) for found in coverage(masked, prediction)]
    has = {
        Reads.FILLS: prediction.draws is not None,
        Reads.PROBABILITIES: bool(prediction.probabilities),
        Reads.MOMENTS: prediction.draws is not None or prediction.moments is not None,
        Reads.ESTIMATES: prediction.draws is not None or prediction.estimates is not None,
    }
    applicable = {name: METRICS[name] for name in METRICS if has[METRICS[name].reads]}
    return [found for name, metric in applicable.items() for found in _scored(name, metric, masked, prediction)]


def _scored(name: str, metric: Metric, masked: Masked, prediction: Prediction) -> Iterator[Scored]:
    for column, found in metric.score(masked, prediction).items():
        if isinstance(found, Measured):
            yield Scored(name, column, float(found.value), found.influence)
        else:
            yield Scored(name, column, float(found))
