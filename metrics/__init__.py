"""The metrics: pure functions of a masked table and an answer."""

from datasets.registry import Registry
from metrics.metric import Metric

METRICS: Registry[Metric] = Registry("metric", package="metrics", variable="METRICS")
