"""Impossible rows: how often fills contradict what is to hold in every row."""

import numpy as np
import pandas as pd

from datasets.condition import Condition, Truth
from datasets.errors import InputError
from datasets.prediction import Prediction, complete
from datasets.schema import Floats, Schema
from datasets.table import Masked
from metrics import METRICS
from metrics.metric import TABLE, BoardName, Headline, Reads, metric


@METRICS.register("impossible-rows")
@metric(
    reads=Reads.FILLS,
    better="lower",
    span=(0, 1),
    best=0.0,
    trivial="the share when each item is drawn on its own",
    headline=Headline("impossible rows", place=8, board=BoardName.DISTRIBUTIONS),
)
def impossible_rows(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Share of logically impossible rows among those in which fills decide a check.

    Checks are stated as ``check`` in a schema file; they are edit rules (Fellegi & Holt 1976, J. American Statistical
    Association 71:353). The mean over draws and, for each check, over the rows in which hidden cells leave it open;
    rows in which other holes do are not counted. Left out without checks, and where fills decide none.
    """
    values = np.where(masked.hidden, np.nan, masked.truth.values)
    schema, draws = masked.truth.schema, prediction.draws
    if draws is None:
        raise InputError("impossible-rows: this method fills no holes, so no row of it is impossible")
    decided = failed = 0
    for check in schema.checks:
        known = np.logical_or(*_decide(check, schema, masked.truth.values))
        open_rows = known & ~np.logical_or(*_decide(check, schema, values))
        decided += int(open_rows.sum()) * len(draws)
        failed += sum(int(_decide(check, schema, complete(values, fills))[1][open_rows].sum()) for fills in draws)
    return {TABLE: failed / decided} if decided else {}


def _decide(check: Condition, schema: Schema, X: Floats) -> Truth:
    names = list(check.names)
    return check.decide(pd.DataFrame(X[:, [schema.index(name) for name in names]], columns=names))
