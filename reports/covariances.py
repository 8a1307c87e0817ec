"""Covariances of the target items, true and imputed, read off the tidy scores."""

from dataclasses import dataclass

import numpy as np

from datasets.schema import Floats
from reports.boards import Contest

IMPUTED, TRUE = "target-covariance", "target-covariance-true"


@dataclass(frozen=True, eq=False)
class Covariances:
    """Covariance matrices of T target items, means over masks, in units of the true standard deviations.

    So the truth is the correlation matrix, and the diagonal of a method its ratio of variances.

    Parameters
    ----------
    targets : names of the items.
    truth : shape (T, T).
    imputed : imputer to matrix (T, T); only of those that have all pairs of all masks.
    """

    targets: tuple[str, ...]
    truth: Floats
    imputed: dict[str, Floats]


def target_covariances(contest: Contest, order: list[str]) -> Covariances | None:
    """Collect the matrices, of these imputers in this order; None if the metrics were not scored.

    Pairs are named ``"age~income"``, variances ``"age~age"``; either order of a pair will do.
    """
    rows = contest.scores[
        contest.scores["metric"].isin([IMPUTED, TRUE]) & contest.scores["imputer"].isin(contest.whole)
    ]
    named = {name for pair in rows["column"].unique() for name in pair.split("~")}
    targets = tuple(name for name in contest.facts["columns"] if name in named)
    truth_rows = rows[rows["metric"] == TRUE]
    if not targets or truth_rows.empty:
        return None
    truth = _matrix(truth_rows.groupby("column")["value"].mean().to_dict(), targets)
    scale = np.sqrt(np.outer(np.diag(truth), np.diag(truth)))
    means = rows[rows["metric"] == IMPUTED].groupby(["imputer", "column"])["value"].mean()
    found = {name: _matrix(means[name].to_dict(), targets) / scale for name in order if name in means.index}
    return Covariances(targets, truth / scale, {name: m for name, m in found.items() if np.isfinite(m).all()})


def _matrix(pairs: dict[str, float], targets: tuple[str, ...]) -> Floats:
    return np.array([[pairs.get(f"{a}~{b}", pairs.get(f"{b}~{a}", np.nan)) for b in targets] for a in targets])
