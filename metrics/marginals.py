"""The trivial forecast of a hidden cell: the observed answers of its item, whoever gave them."""

from itertools import product

import numpy as np

from datasets.schema import Floats
from metrics.energy_scores import fair_score
from metrics.scaled import ScaledCells, ScaledItem

DRAWS, LAGS = 32, 8  # of a set, and of the other set that each of them is held against
SEED = 2007


def marginal_energy(item: ScaledItem, truth: Floats) -> Floats:
    """Energy score (h,) of the observed marginal P of an item against scaled truths (h,), in closed form.

    ``E|X - t| - ½ E|X - X'|`` under P with an order, ``½ (1 - 2 p_t + Σ p²)`` without (Gneiting and Raftery 2007,
    equations 20 and 21 and section 3.1): the score of infinitely many draws.
    """
    if item.unordered:
        values, counts = np.unique(item.observed, return_counts=True)
        shares = counts / counts.sum()
        at = np.minimum(np.searchsorted(values, truth), len(values) - 1)
        return (1 + shares @ shares) / 2 - np.where(values[at] == truth, shares[at], 0.0)
    n, x = len(item.observed), item.observed
    below = np.concatenate([[0.0], np.cumsum(x)])
    k = np.searchsorted(x, truth, side="right")
    from_truth = (truth * k - below[k] + below[n] - below[k] - truth * (n - k)) / n
    return from_truth - ((2 * np.arange(n) - n + 1) @ x) / n**2


def marginal_row_energy(cells: ScaledCells) -> Floats:
    """Row energy score (rows,) of independent draws from the observed marginals.

    Of two independent sets of draws, each spread evenly over the marginal of every cell (Latin hypercube: McKay,
    Beckman and Conover 1979, Technometrics 21): both are held against the truth, and those of one against those of the
    other. The draws are the same whenever a mask is scored, so what noise they leave is common to all methods.
    """
    rng = np.random.default_rng(SEED)
    draws = np.empty((2, DRAWS, len(cells.rows)))
    for item in cells.items:
        draws[..., item.at] = _spread_evenly(item.observed, len(item.at), rng)
    pairs = ((k, DRAWS + (k + lag) % DRAWS) for k, lag in product(range(DRAWS), range(LAGS)))
    return fair_score(draws.reshape(2 * DRAWS, -1), cells.truth, cells.row_distance, pairs)


def _spread_evenly(observed: Floats, size: int, rng: np.random.Generator) -> Floats:
    """Draws (2, DRAWS, size) of ascending observed answers; each set has one from every DRAWS-th part of them."""
    order = np.broadcast_to(np.arange(DRAWS)[:, None], (2, DRAWS, size))
    quantile = (rng.permuted(order, axis=1) + rng.random(order.shape)) / DRAWS
    return observed[(quantile * len(observed)).astype(np.intp)]
