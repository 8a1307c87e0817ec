"""The mixture of normals with missing cells: posteriors, EM, its size by BIC, and data augmentation.

scikit-learn's mixture of normals refuses missing cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from datasets.schema import Floats
from imputers.shared.levels import draw_level
from imputers.shared.normal_model import (
    Holes,
    Normal,
    conditionals,
    draw_holes,
    draw_model,
    find_holes,
    maximum_likelihood,
)

SHORT = 5  # steps of EM that tell a good start


@dataclass(frozen=True, eq=False)
class Mixture:
    """Normals of q numbers, the components, and the share of the rows that each describes (K,)."""

    shares: Floats
    normals: tuple[Normal, ...]

    @property
    def n_parameters(self) -> int:
        """Free parameters: K means and covariances, and shares that sum to one."""
        K, q = len(self.shares), len(self.normals[0].mean)
        return K * (q + q * (q + 1) // 2) + K - 1


@dataclass(frozen=True, eq=False)
class Search:
    """How EM is run.

    Parameters
    ----------
    ridge : observations of independent noise of variance 1 that every component is shrunk by.
    tol : EM of one normal stops when no mean or covariance moves by more, and that of a mixture when a step
        gains less log density a row.
    max_iter : EM stops here at the latest.
    n_init : random starts.
    """

    ridge: float
    tol: float
    max_iter: int
    n_init: int


@dataclass(frozen=True, eq=False)
class Prior:
    """Observations that every component is shrunk by: how many, and their scatter (q, q)."""

    rows: float
    scatter: Floats


def prior_like(table: Normal, ridge: float) -> Prior:
    """Observations q + 2 in number that vary as the whole table does, and the ridge of the single normal.

    The prior of Fraley & Raftery (2007), Journal of Classification 24, without their deflation of its
    scale by the number of components: so a single component, shrunk towards itself, is the single normal.
    """
    q = len(table.mean)
    return Prior(q + 2 + ridge, (q + 2) * table.covariance + ridge * np.eye(q))


@dataclass(frozen=True, eq=False)
class Expectation:
    """What a mixture expects of a design (n, q) with holes.

    Parameters
    ----------
    posterior : probability of each component given the observed cells of the row, shape (n, K).
    completed : the design with its holes at their conditional means within each component, shape (K, n, q).
    uncertain : conditional covariance of the holes, summed over rows by posterior, shape (K, q, q).
    log_density : of the observed cells of each row, shape (n,); 0 for a row without any.
    """

    posterior: Floats
    completed: Floats
    uncertain: Floats
    log_density: Floats


def group_rows(D: Floats) -> list[Holes]:
    """All rows of D (n, q), complete ones too, by how many cells they miss."""
    complete = np.flatnonzero(~np.isnan(D).any(axis=1))
    return [Holes(complete, np.empty((len(complete), 0), dtype=np.intp)), *find_holes(D)]


def expect(mixture: Mixture, D: Floats, groups: list[Holes]) -> Expectation:
    """E step of Ghahramani & Jordan (1994), NIPS 6, on rows grouped by `group_rows`.

    The components walk through the groups abreast, so that conditional covariances of one group are held at a time.
    """
    (n, q), K = D.shape, len(mixture.shares)
    posterior, log_density = np.empty((n, K)), (~np.isnan(D)).sum(axis=1) * -np.log(2 * np.pi) / 2
    completed, uncertain = np.repeat(D[None], K, axis=0), np.zeros((K, q * q))
    with np.errstate(divide="ignore"):  # a component that lost all rows has share 0 and stays without
        constants = np.log(mixture.shares) - [np.linalg.slogdet(each.covariance)[1] / 2 for each in mixture.normals]
    precisions = [np.linalg.inv(normal.covariance) for normal in mixture.normals]
    walks = [conditionals(normal, D, groups) for normal in mixture.normals]
    for group, *parts in zip(groups, *walks, strict=True):
        joint = np.empty((len(group.rows), K))
        for k, (_, mean, covariance) in enumerate(parts):
            completed[k, group.rows[:, None], group.missing] = mean
            gap = completed[k, group.rows] - mixture.normals[k].mean
            # the marginal of the observed cells from the joint density: with holes at their conditional means
            # both have the same exponent, and their determinants differ by that of the holes' covariance
            exponent = ((gap @ precisions[k]) * gap).sum(axis=1) - np.linalg.slogdet(covariance)[1]
            joint[:, k] = constants[k] - exponent / 2
        posterior[group.rows] = softmax(joint, axis=1)
        log_density[group.rows] += logsumexp(joint, axis=1)
        pairs = (group.missing[:, :, None] * q + group.missing[:, None, :]).ravel()
        for k, (_, _, covariance) in enumerate(parts):
            shared = posterior[group.rows, k, None, None] * covariance
            uncertain[k] += np.bincount(pairs, shared.ravel(), minlength=q * q)
    return Expectation(posterior, completed, uncertain.reshape(K, q, q), log_density)


def maximise(found: Expectation, prior: Prior) -> Mixture:
    """M step: weighted means, and covariances that count how uncertain the holes are."""
    sizes = found.posterior.sum(axis=0)
    normals = []
    for size, weights, completed, uncertain in zip(
        np.maximum(sizes, np.finfo(float).tiny), found.posterior.T, found.completed, found.uncertain, strict=True
    ):
        mean = weights @ completed / size
        gap = completed - mean
        scatter = (gap * weights[:, None]).T @ gap + uncertain + prior.scatter
        normals.append(Normal(mean, scatter / (size + prior.rows)))
    return Mixture(sizes / sizes.sum(), tuple(normals))


def climb(mixture: Mixture, D: Floats, prior: Prior, tol: float, max_iter: int) -> tuple[Mixture, list[float]]:
    """EM until a step gains less than ``tol`` a row; also tell the objective before each step.

    The objective is the log density of the observed cells of D (n, q) and of the prior, and no step lowers it.
    """
    groups = group_rows(D)
    objective: list[float] = []
    while len(objective) < 2 or (objective[-1] - objective[-2] >= tol * len(D) and len(objective) < max_iter):
        found = expect(mixture, D, groups)
        objective.append(float(found.log_density.sum()) + log_prior(mixture, prior))
        mixture = maximise(found, prior)
    return mixture, objective


def log_prior(mixture: Mixture, prior: Prior) -> float:
    """Log density of the components' covariances before any data, up to a constant."""
    return -0.5 * sum(
        prior.rows * np.linalg.slogdet(normal.covariance)[1]
        + np.trace(np.linalg.solve(normal.covariance, prior.scatter))
        for normal in mixture.normals
    )


def log_likelihood(mixture: Mixture, D: Floats) -> float:
    """Log density of the observed cells of D (n, q)."""
    return float(expect(mixture, D, group_rows(D)).log_density.sum())


def fit_mixture(D: Floats, n_components: int, search: Search, rng: np.random.Generator) -> tuple[Mixture, Prior]:
    """Fit to the observed cells of D (n, q): short runs of EM from several starts, the likeliest to convergence.

    A start shares the rows, completed by the single normal, out to components by k-means, which all have the
    covariance of the single normal at first. Also gives the prior of its components.
    """
    from sklearn.cluster import KMeans

    table, _ = maximum_likelihood(D, search.ridge, search.tol, search.max_iter)
    single = Mixture(np.ones(1), (table,))
    if n_components == 1 or not D.shape[1]:  # a table of rare levels leaves no column
        return single, Prior(search.ridge, search.ridge * np.eye(D.shape[1]))
    prior = prior_like(table, search.ridge)
    completed = expect(single, D, group_rows(D)).completed[0]
    runs = []
    for _ in range(search.n_init):
        groups = KMeans(n_components, n_init=1, random_state=int(rng.integers(2**31))).fit(completed)
        shares = np.bincount(groups.labels_, minlength=n_components) / len(D)
        start = Mixture(shares, tuple(Normal(centre, table.covariance) for centre in groups.cluster_centers_))
        runs.append(climb(start, D, prior, 0.0, SHORT))
    best, _ = max(runs, key=lambda run: run[1][-1])
    return climb(best, D, prior, search.tol, search.max_iter)[0], prior


def choose_size(D: Floats, sizes: tuple[int, ...], search: Search, rng: np.random.Generator) -> int:
    """Number of components, from ascending sizes, at which the BIC of the observed cells stops falling.

    Schwarz (1978), Annals of Statistics 6.
    """
    chosen, lowest = sizes[0], np.inf
    for size in sizes:
        mixture, _ = fit_mixture(D, size, search, rng)
        criterion = mixture.n_parameters * np.log(len(D)) - 2 * log_likelihood(mixture, D)
        if criterion >= lowest:
            break
        chosen, lowest = size, criterion
    return chosen


def draw_rows(
    mixture: Mixture, D: Floats, groups: list[Holes], rng: np.random.Generator
) -> tuple[Floats, NDArray[np.intp]]:
    """Draw for each row a component, by its posterior, and its holes within the component.

    Returns
    -------
    D completed (n, q), and the number of the component of each row (n,).
    """
    chosen = draw_level(expect(mixture, D, groups).posterior, rng)
    completed = D.copy()
    for k, normal in enumerate(mixture.normals):
        rows = np.flatnonzero(chosen == k)
        completed[rows] = draw_holes(normal, D[rows], find_holes(D[rows]), rng)
    return completed, chosen


def draw_mixture(
    mixture: Mixture, completed: Floats, chosen: NDArray[np.intp], prior: Prior, rng: np.random.Generator
) -> Mixture:
    """Draw shares and components from their posterior given complete rows (n, q) and their components (n,)."""
    counts = np.bincount(chosen, minlength=len(mixture.shares))
    normals = tuple(
        draw_model(completed[chosen == k], prior.rows, rng, prior.scatter) if count else mixture.normals[k]
        for k, count in enumerate(counts)
    )
    return Mixture(rng.dirichlet(counts + 1.0), normals)
