"""The metrics: pure functions of a masked table and a prediction."""

from typing import TYPE_CHECKING

from datasets.registry import Registry

if TYPE_CHECKING:
    from metrics.metric import Metric

METRICS: Registry["Metric"] = Registry("metric", package="metrics", variable="METRICS")
