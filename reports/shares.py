"""Shares of the levels of items among hidden cells, true and imputed, read off the tidy scores."""

import pandas as pd

IMPUTED, TRUE = "level-share", "level-share-true"


def level_shares(scores: pd.DataFrame) -> pd.DataFrame:
    """Collect them: one row for an item, a level and an imputer, items and levels in order of the scores.

    Parameters
    ----------
    scores : tidy scores, with columns imputer, metric, column and value; columns are named ``"educ: 12"``, item
        and level.

    Returns
    -------
    DataFrame with columns item, level, imputer, share and truth, means over masks; empty if there are none.
    """
    rows = scores[scores["metric"].isin([IMPUTED, TRUE])]
    means = rows.groupby(["column", "imputer", "metric"], sort=False, observed=True)["value"].mean().unstack("metric")
    found = means.reindex(columns=[IMPUTED, TRUE]).set_axis(["share", "truth"], axis="columns").reset_index()
    named = found["column"].astype(str).str.split(": ", n=1, expand=True).reindex(columns=[0, 1])
    return found.assign(item=named[0], level=named[1])[["item", "level", "imputer", "share", "truth"]]
