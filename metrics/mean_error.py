"""Means of the items after imputation: what a mask did to them, and how much of it is left."""

from math import inf

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import Kind
from datasets.table import Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.energy import centre_and_scale
from metrics.metric import Reads, metric


@METRICS.register("mean-error")
@metric(reads=Reads.FILLS, better="lower", span=(0, inf), best=0.0, trivial="0.09 at 30 % hidden (mean, mode)")
def mean_error(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Error of each item's mean in the completed tables, pooled over draws, in SDs.

    ``√(Σ_c (ȳ_c - y_c)²) / s`` over the columns c of the item's design, y their means over the cells known in the
    truth, ȳ the same of the completed tables averaged over draws (Rubin 1987, section 3.1), s the total SD of the item:
    of a number its mean, of a nominal item the shares of its levels. Where missingness is not ignorable, this is what
    an analyst gets wrong. Items without hidden cells, and text, are left out.
    """
    true = masked.schema.design(masked.truth.values)
    _, scale = centre_and_scale(masked.schema, masked.truth.values)
    completed = np.mean(
        [np.nanmean(masked.schema.design(table), axis=0) for table in completed_tables(masked, prediction)], axis=0
    )
    off = ((completed - np.nanmean(true, axis=0)) / scale) ** 2
    return {
        column.name: float(np.sqrt(off[block].sum()))
        for j, (column, block) in enumerate(zip(masked.schema, masked.schema.blocks, strict=True))
        if masked.hidden[:, j].any() and column.kind is not Kind.TEXT
    }
