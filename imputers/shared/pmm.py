"""Predictive mean matching: holes get the codes of donors that are predicted alike, and levels their scores."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers.shared.chained import Fill
from imputers.shared.item import Item, Turn
from imputers.shared.linear import Sums, fit_linear, penalty
from imputers.shared.nearest import Donors, nearest_donors


def match(turn: Turn, sums: Sums, *, n_donors: int, ridge: float, rng: np.random.Generator) -> Fill:
    """Fill holes with the codes of donors that are predicted alike.

    Type-1 matching: predictions of the known rows use the estimated coefficients, those of the holes use
    coefficients drawn from their posterior; one of the nearest donors is taken at random (Little 1988, J. Business &
    Economic Statistics 6; van Buuren 2018, Flexible Imputation of Missing Data, algorithm 3.3).

    Parameters
    ----------
    turn : the item and its predictors.
    sums : its own, or those of d numbers that stand for the item.
    """
    fit = fit_linear(sums, ridge)
    coefficients, _ = fit.draw(rng)
    donors = nearest_donors(turn.at_known(fit.coefficients), turn.at_holes(coefficients), n_donors, rng)
    return lend(turn.item, donors, rng)


def lend(item: Item, donors: Donors, rng: np.random.Generator) -> Fill:
    """Fill each hole of an item with the code of one of its donors, which are known rows; all of them forecast."""
    lent = item.answers.take(donors.order)
    drawn = donors.to_holes(lent.take(donors.one(rng)))
    return Fill(item.levels[drawn] if len(item.levels) else drawn, partial(_forecast, donors, lent, len(item.levels)))


def forecast(item: Item, donors: Donors) -> NDArray[np.floating]:
    """Mean code of the donors of each hole (h,), or the shares of K levels among them (h, K)."""
    return _forecast(donors, item.answers.take(donors.order), len(item.levels))


def _forecast(donors: Donors, lent: NDArray, K: int) -> NDArray[np.floating]:
    each = [lent.take(places) for places in donors.each()]
    if not K:
        return np.sum(each, axis=0) / donors.count
    shares = np.empty((K, len(donors.holes)), dtype=np.float32)
    for k, share in enumerate(shares):
        counts = np.zeros(len(share), dtype=np.min_scalar_type(donors.count))
        for level in each:
            counts += level == k
        np.divide(counts, np.float32(donors.count), out=share)
    return shares.T


def canonical_scores(sums: Sums, counts: NDArray[np.integer], n_components: int, ridge: float) -> Floats:
    """Give unordered levels the numbers that predictors explain best, shape (K, min(n_components, K-1)).

    The first scores maximise the canonical correlation between the levels' dummies and the predictors, the next
    ones do so uncorrelated with the first (Hotelling 1936, Biometrika 28; Fisher 1940, Annals of Eugenics 10).
    Euclidean distance between predicted scores is then, but for the dimensions left out, the chi-square distance
    between level probabilities predicted by linear regression of the dummies.

    Parameters
    ----------
    sums : of predictors and the centred 0/1 columns of the K levels.
    counts : how often each level occurs, shape (K,), at least once.
    """
    from scipy.linalg import cholesky, solve_triangular

    root = cholesky(sums.xx + np.diag(np.maximum(penalty(len(sums.xx), ridge), 1e-8)))
    association = solve_triangular(root, sums.xy, trans="T") / np.sqrt(counts)
    _, _, directions = np.linalg.svd(association, full_matrices=False)
    return directions[: min(n_components, len(counts) - 1)].T * np.sqrt(sums.n / counts)[:, None]
