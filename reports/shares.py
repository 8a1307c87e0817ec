"""Shares of the answers of items among hidden cells, true and imputed, read off the tidy scores."""

from collections.abc import Mapping, Sequence
from math import inf

import pandas as pd

from reports.facts import ColumnFacts

IMPUTED, TRUE = "level-share", "level-share-true"


def level_shares(scores: pd.DataFrame, columns: Mapping[str, ColumnFacts]) -> pd.DataFrame:
    """Collect them: one row for an item, a level and an imputer.

    Parameters
    ----------
    scores : tidy scores, with columns imputer, metric, column and value; columns are named ``"educ: 12"``, item and
        level, a level of a numeric item ``"21 to 29"``.
    columns : of the table; items stand in their order, levels in that of their answers, or of their numbers.

    Returns
    -------
    DataFrame with columns item, level, imputer, share and truth, means over masks; empty if there are none.
    """
    rows = scores[scores["metric"].isin([IMPUTED, TRUE])]
    means = rows.groupby(["column", "imputer", "metric"], sort=False, observed=True)["value"].mean().unstack("metric")
    found = means.reindex(columns=[IMPUTED, TRUE]).set_axis(["share", "truth"], axis="columns").reset_index()
    named = [str(column).partition(": ")[::2] for column in found["column"]]
    found = found.assign(item=[item for item, _ in named], level=[level for _, level in named])
    items = {name: k for k, name in enumerate(columns)}
    places = [(items[item], _place(level, columns[item].get("answers", ()))) for item, level in named]
    order = sorted(range(len(found)), key=places.__getitem__)
    return found.iloc[order][["item", "level", "imputer", "share", "truth"]].reset_index(drop=True)


def _place(level: str, answers: Sequence[str]) -> float:
    """Where a level stands: by its answer, or else by the number that its range starts with, or else last."""
    if level in answers:
        return answers.index(level)
    try:
        return float(level.partition(" to ")[0])
    except ValueError:
        return inf
