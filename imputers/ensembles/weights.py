"""Weights of a linear pool: those of least energy score on cells whose answers are known."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats, Kind

PULL = 25.0  # how strongly weights are held to a centre, over the number of cells


class Distances(NamedTuple):
    """How far K members' draws for r validation cells of one item lie from the answers and from each other.

    The unit is the mean distance of two people's answers.

    Parameters
    ----------
    to_truth : mean distance of a draw of each member from the answer, shape (r, K).
    between : mean distance of draws of each two members, of two draws where they are the same, shape (r, K, K).
    """

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
    return Distances(_distance(column, fills, codes[rows]).mean(axis=1).T / unit, between / unit)


def joined(parts: Sequence[Distances]) -> Distances:
    """Distances of several sets of cells of one item."""
    return Distances(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def best_weights(found: Sequence[Distances]) -> Floats:
    """Weights (p, K) of least energy score, from the distances of each item.

    Members that predict alike leave the score flat, and what is best for a few thousand cells is then chance: common
    weights are held to equal ones, which are hard to beat (Smith & Wallis 2009, Oxford Bulletin of Economics and
    Statistics 71, 331–355), and those of an item to the common ones.
    """
    K = found[0].to_truth.shape[1]
    common = _held(joined(found), np.full(K, 1 / K))
    return np.stack([_held(own, common) for own in found])


def _held(found: Distances, centre: Floats) -> Floats:
    """Best weights (K,) for some cells, held to a centre (K,), which they are where there are none."""
    N = len(found.to_truth)
    return least_score(found.to_truth.mean(axis=0), found.between.mean(axis=0), centre, PULL / N) if N else centre


def least_score(a: Floats, B: Floats, centre: Floats, pull: float) -> Floats:
    """Weights w (K,), not negative and of sum one, that minimise w'a - w'B w / 2 + pull ‖w - centre‖² / 2."""
    from scipy.optimize import minimize

    a, B = a - pull * centre, B - pull * np.eye(len(a))
    solution = minimize(
        lambda w: w @ a - w @ B @ w / 2,
        centre,
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
