"""Rules that hold in every row, kept in draws: a row that fills make break one is drawn again, given its answers."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Schema

TRIES = 5  # times that rows are drawn again; what then breaks a rule stays, and is counted by who asks


def broken(schema: Schema, X: Floats, filled: Floats) -> NDArray[np.bool_]:
    """Tell in which rows (n,) of a completed table it is the fills that break a check of the schema.

    Parameters
    ----------
    X, filled : the table (n, p) with holes and completed.
    """
    found = np.zeros(len(X), dtype=bool)
    for check in schema.checks:
        places = [schema.index(name) for name in check.names]
        before, after = (pd.DataFrame(table[:, places], columns=list(check.names)) for table in (X, filled))
        decided = np.logical_or(*check.decide(before))
        found |= ~decided & check.decide(after)[1]
    return found


def keep_checks(
    ask: Callable[[Floats, int], Prediction], X: Floats, prediction: Prediction, schema: Schema
) -> Prediction:
    """Draw rows anew in which a draw breaks a check, all holes of a row together, `TRIES` times at most.

    This is rejection sampling: accepted rows have the method's own distribution of a row's holes given its answers and
    the checks. What the method states beside its draws is of the distribution without checks, and is left out of what
    comes back if a row was drawn anew: the expectations, and the probabilities of the columns of checks.

    Parameters
    ----------
    ask : gives a prediction with so many draws for some rows.
    X : table (n, p) with holes.
    prediction : of its holes; without draws it comes back as it is.
    schema : of its columns, with checks.
    """
    if prediction.draws is None:
        return prediction
    holes = np.isnan(X)
    draws = np.tile(X, (len(prediction.draws), 1, 1))  # completed, (m, n, p)
    draws[:, holes] = prediction.draws
    bad = np.stack([broken(schema, X, filled) for filled in draws])  # (m, n)
    if not bad.any():
        return prediction
    for _ in range(TRIES):
        rows = np.flatnonzero(bad.any(axis=0))
        proposed = np.tile(X[rows], (len(draws), 1, 1))
        proposed[:, holes[rows]] = ask(X[rows], len(draws)).draws
        fine = ~np.stack([broken(schema, X[rows], filled) for filled in proposed])
        for place, i in enumerate(rows):
            wanted, offered = np.flatnonzero(bad[:, i]), np.flatnonzero(fine[:, place])
            number = min(len(wanted), len(offered))
            draws[wanted[:number], i] = proposed[offered[:number], place]
            bad[wanted[:number], i] = False
        if not bad.any():
            break
    asked = {schema.index(name) for check in schema.checks for name in check.names}
    probabilities = {j: shares for j, shares in prediction.probabilities.items() if j not in asked}
    return Prediction(draws[:, holes], None, probabilities)
