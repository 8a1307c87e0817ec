"""Correlations averaged over the draws, as an analyst pools them, and what single draws are further off."""

from math import inf

import numpy as np

from datasets.prediction import Prediction
from datasets.table import Masked
from metrics import METRICS
from metrics.comparison import compare
from metrics.metric import TABLE, BoardName, Headline, Reads, metric


@METRICS.register("pooled-correlation-error")
@metric(
    reads=Reads.MOMENTS,
    better="lower",
    span=(0, inf),
    best=0.0,
    trivial="0.31 at 30 % hidden (mean, mode)",
    headline=Headline("pooled correlation error", place=3, board=BoardName.DISTRIBUTIONS),
)
def pooled_correlation_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Relative Frobenius error of the correlations averaged over the draws.

    ``‖R̄ - R₀‖ / ‖R₀ - I‖``, R̄ the mean of the correlation matrices of the completed tables: the estimate that Rubin's
    rules (1987, section 3.1) give. All items, as in `design-correlation-error`. The noise that proper draws must have
    averages out, so that what remains is how far relations are bent.
    """
    errors = _errors(masked, prediction)
    return {} if errors is None else {TABLE: errors[0]}


@METRICS.register("correlation-excess")
@metric(
    reads=Reads.MOMENTS,
    better="lower",
    span=(0, inf),
    best=0.0,
    trivial="0 (mean, mode)",
    headline=Headline("excess of single draws", place=4, board=BoardName.DISTRIBUTIONS),
)
def correlation_excess(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """What the correlations of a single draw are further off than those averaged.

    `design-correlation-error` less `pooled-correlation-error`: what it costs to analyse one completed table in place
    of all. Equal draws, and methods that fill nothing, have none.
    """
    errors = _errors(masked, prediction)
    return {} if errors is None else {TABLE: max(errors[1] - errors[0], 0.0)}  # rounding may leave -1e-17


def _errors(masked: Masked, prediction: Prediction) -> tuple[float, float] | None:
    """Relative error of the mean correlations and mean relative error of the correlations of a draw."""
    comparison = compare(masked, prediction, range(len(masked.schema)))
    true = comparison.truth.correlation[comparison.pairs]
    if not true.any():
        return None
    off = (comparison.correlation[:, comparison.pairs] - true) / np.linalg.norm(true)
    return float(np.linalg.norm(off.mean(axis=0))), float(np.linalg.norm(off, axis=1).mean())
