"""The multivariate normal with missing cells: conditionals, maximum likelihood by EM, data augmentation."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats

CHUNK = 2_000_000  # numbers in a stack of conditional covariances, 16 MB


@dataclass(frozen=True, eq=False)
class Normal:
    """A normal distribution of q numbers: mean (q,) and covariance (q, q)."""

    mean: Floats
    covariance: Floats


@dataclass(frozen=True, eq=False)
class Holes:
    """Rows that miss the same number of cells: their row numbers (r,) and which cells they miss (r, h)."""

    rows: NDArray[np.intp]
    missing: NDArray[np.intp]


def find_holes(D: Floats) -> list[Holes]:
    """Group the rows of D (n, q) by how many cells they miss, so that linear algebra runs in stacks.

    Nearly every row of a survey has a pattern of its own, but not a number of holes of its own.
    """
    empty = np.isnan(D)
    counts = empty.sum(axis=1)
    groups = []
    for count in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == count)
        for part in np.array_split(rows, 1 + len(rows) * count**2 // CHUNK):
            groups.append(Holes(part, np.nonzero(empty[part])[1].reshape(len(part), count)))
    return groups


def conditionals(model: Normal, D: Floats, holes: list[Holes]) -> Iterator[tuple[Holes, Floats, Floats]]:
    """Mean (r, h) and covariance (r, h, h) of the missing cells of each row given its observed ones.

    With P the inverse covariance, the missing cells h given the others have covariance inv(P_hh) and mean
    mean_h - inv(P_hh) P_ho (x_o - mean_o), so only matrices as large as the row's holes are inverted.
    """
    precision = np.linalg.inv(model.covariance)
    pull = np.nan_to_num(D - model.mean) @ precision
    for group in holes:
        within = precision[group.missing[:, :, None], group.missing[:, None, :]]
        covariance = np.linalg.inv(within)
        drawn = np.take_along_axis(pull[group.rows], group.missing, axis=1)
        yield group, model.mean[group.missing] - np.einsum("rij,rj->ri", covariance, drawn), covariance


def maximum_likelihood(D: Floats, ridge: float, tol: float, max_iter: int) -> tuple[Normal, int]:
    """Fit by EM from the observed means and a diagonal covariance; also tell the number of steps taken.

    Dempster, Laird & Rubin (1977), JRSS B 39, section 4.1.3; Schafer (1997), Analysis of Incomplete
    Multivariate Data, section 5.3. ``ridge`` is how many observations of independent noise of variance 1
    the covariance is shrunk by (Schafer 1997, section 5.2.3). EM stops when no mean or covariance moves by ``tol``,
    and after ``max_iter`` steps at the latest. Own code, because scikit-learn and statsmodels take no holes.
    """
    holes, q = find_holes(D), D.shape[1]
    model = Normal(np.nanmean(D, axis=0), np.diag(np.nanvar(D, axis=0)) + ridge / len(D) * np.eye(q))
    completed = np.where(np.isnan(D), model.mean, D)
    steps, moved = 0, np.inf
    while moved >= tol and steps < max_iter:
        uncertain = np.zeros(q * q)
        for group, mean, covariance in conditionals(model, D, holes):
            completed[group.rows[:, None], group.missing] = mean
            pairs = group.missing[:, :, None] * q + group.missing[:, None, :]
            uncertain += np.bincount(pairs.ravel(), covariance.ravel(), minlength=q * q)
        centre = completed.mean(axis=0)
        scatter = (completed - centre).T @ (completed - centre) + uncertain.reshape(q, q) + ridge * np.eye(q)
        update = Normal(centre, scatter / (len(D) + ridge))
        moved = max(  # initial: rare levels only leave no column
            np.abs(update.mean - model.mean).max(initial=0),
            np.abs(update.covariance - model.covariance).max(initial=0),
        )
        model, steps = update, steps + 1
    return model, steps


def draw_holes(model: Normal, D: Floats, holes: list[Holes], rng: np.random.Generator) -> Floats:
    """Complete D with one draw of its missing cells from their conditional distribution."""
    completed = D.copy()
    for group, mean, covariance in conditionals(model, D, holes):
        noise = rng.standard_normal(mean.shape)
        root = np.linalg.cholesky(covariance)
        completed[group.rows[:, None], group.missing] = mean + np.einsum("rij,rj->ri", root, noise)
    return completed


def draw_model(completed: Floats, ridge: float, rng: np.random.Generator, prior: Floats | None = None) -> Normal:
    """Draw mean and covariance from their posterior given complete data.

    Schafer (1997), section 5.4.1: the inverse covariance is Wishart with n - 1 (and the prior's) degrees of
    freedom, by Bartlett's decomposition; the mean is normal given the covariance. ``prior`` (q, q) is the scatter
    of the ``ridge`` observations; by default that of independent noise of variance 1.
    """
    n, q = completed.shape
    centre = completed.mean(axis=0)
    scatter = (completed - centre).T @ (completed - centre) + (ridge * np.eye(q) if prior is None else prior)
    bartlett = np.tril(rng.standard_normal((q, q)), -1)
    freedom = max(n - 1 + ridge, q + 1)
    bartlett[np.diag_indices(q)] = np.sqrt(rng.chisquare(freedom - np.arange(q)))
    root = np.linalg.solve(bartlett, np.linalg.cholesky(scatter).T)  # covariance = root' root
    return Normal(centre + rng.standard_normal(q) @ root / np.sqrt(n), root.T @ root)
