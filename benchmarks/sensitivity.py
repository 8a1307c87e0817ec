"""Sensitivity: an estimand under departures from missingness at random, and where its conclusion tips."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from datasets.errors import InputError
from datasets.prediction import complete
from datasets.schema import Floats, Schema
from datasets.table import Dataset
from imputers import IMPUTERS
from imputers.shared.delta import DeltaAdjusted
from imputers.threads import one_thread
from metrics.design import Design
from metrics.estimands import FISHER, LOGIT, Analysis, Scale, estimated
from metrics.pooling import pool

BACK: Mapping[Scale, Callable[[Floats], Floats]] = {LOGIT: lambda q: 1 / (1 + np.exp(-q)), FISHER: np.tanh}


def curve(
    dataset: Dataset, imputer: str, key: str, deltas: Sequence[float], analysis: Analysis, n_draws: int, seed: int
) -> pd.DataFrame:
    """Pool an analysis over completed tables at each departure of one item, all with the same seed.

    Rubin's rules (1987) on design-based estimates, on the scale where these are nearly normal; a departure is
    `DeltaAdjusted`'s ``delta``.

    Parameters
    ----------
    imputer : name of a delta-adjusted method.
    key : item, or item and answer, as in its parameter ``delta``.

    Returns
    -------
    DataFrame, a row for each departure and estimand: ``delta``, ``estimand``, ``estimate``, ``low``, ``high`` (95 %).

    Raises
    ------
    InputError
        If the method is not delta-adjusted, the item is not there or has no holes, or fewer than two draws are asked.
    """
    method = IMPUTERS.resolve(imputer)
    if not isinstance(method, type) or not issubclass(method, DeltaAdjusted):
        known = [name for name in IMPUTERS if name.startswith("narfcs")]
        raise InputError(f"sensitivity: {imputer!r} has no delta; take one of {', '.join(known)}")
    _check_holes(dataset, key)
    design, rows, read = Design.of(dataset), [], BACK.get(analysis.scale, np.asarray)
    for delta in deltas:
        with one_thread():
            fitted = method(delta={key: delta}).fit(dataset.values, schema=dataset.schema, random_state=seed)
            draws = fitted.impute(dataset.values, n_draws=n_draws).draws
        tables = [] if draws is None else [complete(dataset.values, fills) for fills in draws]
        found = [estimated(analysis, dataset.schema, table, design) for table in tables]
        pooled = pool([one.estimates for one in found], [one.variances for one in found], found[0].freedom)
        shown = (read(part) for part in (pooled.estimate, *pooled.interval()))
        rows += list(zip(np.full(len(analysis.names), delta), analysis.names, *shown, strict=True))
    return pd.DataFrame(rows, columns=["delta", "estimand", "estimate", "low", "high"])


def _check_holes(dataset: Dataset, key: str) -> None:
    name = _item(dataset.schema, key)
    if not np.isnan(dataset.values[:, dataset.schema.index(name)]).any():
        raise InputError(f"sensitivity: {name!r} of {dataset.name!r} has no holes, so nothing depends on them")


def _item(schema: Schema, key: str) -> str:
    return key if key in schema.names else key.partition(": ")[0]
