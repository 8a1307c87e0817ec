"""Scoring: every metric that applies to a prediction."""

from datasets.prediction import Prediction
from datasets.table import Masked
from metrics import METRICS
from metrics.metric import Reads


def score(masked: Masked, prediction: Prediction) -> list[tuple[str, str, float]]:
    """Every metric that applies to a prediction, as (metric, column, value)."""
    has = {
        Reads.FILLS: prediction.draws is not None,
        Reads.PROBABILITIES: bool(prediction.probabilities),
        Reads.MOMENTS: prediction.draws is not None or prediction.moments is not None,
        Reads.ESTIMATES: prediction.draws is not None or prediction.estimates is not None,
    }
    applicable = {name: METRICS[name] for name in METRICS if has[METRICS[name].reads]}
    return [
        (name, column, float(value))
        for name, metric in applicable.items()
        for column, value in metric.score(masked, prediction).items()
    ]
