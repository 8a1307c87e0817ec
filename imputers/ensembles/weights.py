"""Weights of a linear pool: those of least energy score on cells whose answers are known."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats, Kind

PRIOR = 1000  # average validation cells that each item's own are added to


class Distances(NamedTuple):
    """How far K members' draws for r validation cells of one item lie from the answers and from each other.

    The unit is the mean distance of two people's answers.

    Parameters
    ----------
    rows : of the cells, shape (r,).
    to_truth : mean distance of a draw of each member from the answer, shape (r, K).
    between : mean distance of draws of each two members, of two draws where they are the same, shape (r, K, K).
    """

    rows: NDArray[np.intp]
    to_truth: Floats
    between: Floats


def distances(column: Column, codes: Floats, rows: NDArray[np.intp], fills: Floats) -> Distances:
    """Distances of fills (K, m, r) of the cells of some rows (r,) of an item with codes (n,), NaN where missing."""
    K, m, r = fills.shape
    unit = _between_people(column, codes[~np.isnan(codes)])
    between = np.empty((r, K, K))
    for k in range(K):
        for other in range(K):
            total = _distance(column, fills[k][:, None], fills[other]).sum(axis=(0, 1))
            between[:, k, other] = total / (m * (m - 1) if k == other else m * m)
    return Distances(rows, _distance(column, fills, codes[rows]).mean(axis=1).T / unit, between / unit)


def joined(parts: Sequence[Distances]) -> Distances:
    """Distances of several sets of cells of one item."""
    return Distances(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def best_weights(found: Sequence[Distances], counts: Floats) -> Floats:
    """Weights (p, K) of least energy score, from the distances of each item.

    Those of an item are for its own cells and `PRIOR` average ones of all items.

    Parameters
    ----------
    counts : how much each respondent counts, shape (n,).
    """
    number = np.array([counts[own.rows].sum() for own in found])
    a = np.stack([counts[own.rows] @ own.to_truth for own in found])
    B = np.stack([np.tensordot(counts[own.rows], own.between, 1) for own in found])
    a, B = (total + PRIOR * total.sum(axis=0) / number.sum() for total in (a, B))
    number = number + PRIOR
    return np.stack([least_score(*each) for each in zip(a / number[:, None], B / number[:, None, None], strict=True)])


def least_score(a: Floats, B: Floats) -> Floats:
    """Weights (K,), not negative and of sum one, that minimise w'a - w'B w / 2."""
    from scipy.optimize import minimize

    solution = minimize(
        lambda w: w @ a - w @ B @ w / 2,
        np.full(len(a), 1 / len(a)),
        jac=lambda w: a - B @ w,
        bounds=[(0, 1)] * len(a),
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-10},
    )
    weights = np.clip(solution.x, 0, 1)
    return np.asarray(weights / weights.sum())


def _distance(column: Column, one: Floats, other: Floats) -> Floats:
    """Distances of codes that broadcast."""
    return (one != other).astype(float) if column.kind is Kind.NOMINAL else np.abs(one - other)


def _between_people(column: Column, known: Floats) -> float:
    """Mean distance of two answers drawn from those known (n,): Gini's index, or his mean difference."""
    values, counts = np.unique(known, return_counts=True)
    shares = counts / len(known)
    if column.kind is Kind.NOMINAL:
        return float(1 - shares @ shares)
    below = shares.cumsum()[:-1]
    return float(2 * np.diff(values) @ (below * (1 - below)))
