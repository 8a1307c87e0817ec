"""Describing a dataset: kinds, levels, and how many answers are there or missing for which reason."""

import numpy as np
import pandas as pd

from datasets.table import Dataset, Reason


def describe(dataset: Dataset) -> pd.DataFrame:
    """Table with one row a variable.

    Returns
    -------
    DataFrame with the columns ``variable``, ``kind``, ``role``, ``levels`` (answers on the scale, or
    different values seen of a numeric item), ``observed`` (rows), and one column for each reason that
    occurs in the dataset, in rows.
    """
    occurring = [reason for reason in Reason if reason is not Reason.OBSERVED and (dataset.reasons == reason).any()]
    rows = []
    for j, column in enumerate(dataset.schema):
        seen = dataset.values[~np.isnan(dataset.values[:, j]), j]
        rows.append(
            {
                "variable": column.name,
                "kind": str(column.kind),
                "role": str(column.role),
                "levels": len(column.labels) or len(np.unique(seen)),
                "observed": len(seen),
            }
            | {title(reason): int((dataset.reasons[:, j] == reason).sum()) for reason in occurring}
        )
    return pd.DataFrame(rows)


def title(reason: Reason) -> str:
    """Say a reason as a heading, e.g. "not asked"."""
    return "don't know" if reason is Reason.DONT_KNOW else reason.name.replace("_", " ").lower()
