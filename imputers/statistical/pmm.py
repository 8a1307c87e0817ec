"""Predictive mean matching: donors whose predicted value is nearest, and scores for unordered levels."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind
from imputers.shared.chained import Fill, Item
from imputers.shared.linear import fit_linear, penalty


def match(
    item: Item, known: Floats, holes: Floats, scores: Floats, *, n_donors: int, ridge: float, rng: np.random.Generator
) -> Fill:
    """Fill holes with the codes of donors that are predicted alike.

    Type-1 matching: predictions of the known rows use the estimated coefficients, those of the holes use
    coefficients drawn from their posterior; one of the nearest donors is taken at random (Little 1988, J. Business &
    Economic Statistics 6; van Buuren 2018, Flexible Imputation of Missing Data, algorithm 3.3).

    Parameters
    ----------
    known, holes : predictors of rows with the item observed (n, q) and missing (h, q).
    scores : numbers to be predicted for the known rows, shape (n, d): the codes, or scores of unordered levels.
    """
    fit = fit_linear(known, scores, ridge)
    drawn, _ = fit.draw(rng)
    near = nearest_donors(known @ fit.coefficients, holes @ drawn, n_donors, rng)
    taken = near[np.arange(len(near)), rng.integers(near.shape[1], size=len(near))]
    if item.column.kind is Kind.NUMERIC:
        return Fill(item.codes[taken], item.codes[near].mean(axis=1))
    return Fill(item.codes[taken], (item.positions[near][:, :, None] == np.arange(len(item.levels))).mean(axis=1))


def nearest_donors(offered: Floats, wanted: Floats, n_donors: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Row numbers of the nearest offered predictions (n, d) for each wanted one (h, d): shape (h, n_donors).

    Ties are broken at random, anew for each wanted row, so that a popular prediction does not always
    call on the same people. With fewer rows on offer than donors asked for, all are donors.
    """
    n_donors = min(n_donors, len(offered))
    jitter = 1e-7 * max(float(np.ptp(offered)), 1e-9)  # far below any difference that means something
    offered, wanted = (values + jitter * rng.standard_normal(values.shape) for values in (offered, wanted))
    return (
        _nearest_on_line(offered[:, 0], wanted[:, 0], n_donors)
        if offered.shape[1] == 1
        else _nearest_in_space(offered, wanted, n_donors)
    )


def _nearest_on_line(offered: Floats, wanted: Floats, n_donors: int) -> NDArray[np.intp]:
    """The nearest of a sorted list are among the few on either side."""
    order = np.argsort(offered)
    ranked = offered[order]
    width = min(2 * n_donors, len(offered))
    first = np.clip(np.searchsorted(ranked, wanted) - n_donors, 0, len(offered) - width)
    window = first[:, None] + np.arange(width)
    apart = np.abs(ranked[window] - wanted[:, None])
    closest = np.argpartition(apart, n_donors - 1, axis=1)[:, :n_donors]
    return order[np.take_along_axis(window, closest, axis=1)]


def _nearest_in_space(offered: Floats, wanted: Floats, n_donors: int) -> NDArray[np.intp]:
    from scipy.spatial import cKDTree

    found = cKDTree(offered, balanced_tree=False, compact_nodes=False).query(wanted, k=n_donors)[1]
    return found.reshape(len(wanted), n_donors)


def canonical_scores(X: Floats, positions: NDArray[np.intp], K: int, n_components: int, ridge: float) -> Floats:
    """Give unordered levels the numbers that predictors explain best, shape (K, min(n_components, K-1)).

    The first scores maximise the canonical correlation between the levels' dummies and the predictors, the next
    ones do so uncorrelated with the first (Hotelling 1936, Biometrika 28; Fisher 1940, Annals of Eugenics 10).
    Euclidean distance between predicted scores is then, but for the dimensions left out, the chi-square distance
    between level probabilities predicted by linear regression of the dummies.

    Parameters
    ----------
    X : predictors (n, q), the first of them constant.
    positions : level number 0…K-1 of each row, shape (n,); every level must occur.
    """
    from scipy.linalg import cholesky, solve_triangular

    counts = np.bincount(positions, minlength=K)
    sums = (positions == np.arange(K)[:, None]).astype(float) @ X - np.outer(counts / len(X), X.sum(axis=0))
    root = cholesky(X.T @ X + np.diag(np.maximum(penalty(X.shape[1], ridge), 1e-8)))
    association = solve_triangular(root, sums.T, trans="T") / np.sqrt(counts)
    _, _, directions = np.linalg.svd(association, full_matrices=False)
    return directions[: min(n_components, K - 1)].T * np.sqrt(len(X) / counts)[:, None]
