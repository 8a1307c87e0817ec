"""Latent-class models: respondents fall into unseen classes, within which their answers are independent.

A class k has a share s_k and, for every item j, a profile P_k: the probability of each level. The answers of one
person have probability sum_k s_k prod_j P_k(x_j), a mixture of product-multinomials, so every marginal, every
conditional and every moment is a closed form. Missing cells simply drop out of the product, which is right if they
are missing at random. All items lie end to end in an indicator matrix Z (n, q) of zeros and ones, a missing item
being all zeros; then log-likelihoods of all classes are the one product ``Z @ log(P).T``.

References: Vermunt, van Ginkel, van der Ark & Sijtsma 2008, Sociological Methodology 38, 369-397 (latent classes
for imputation, eq. 1-3); Si & Reiter 2013, J. Educational and Behavioral Statistics 38, 499-521 (the Bayesian
relative); Silverman, Jones, Wilson & Nychka 1990, JRSS B 52, 271-324 (EM with a smoothing step).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind, Schema

Numbers = NDArray[np.floating]  # single precision where that is enough


@dataclass(frozen=True, eq=False)
class Levels:
    """The values that each item can take, item by item laid end to end; q in all.

    Parameters
    ----------
    values : ascending values of each of the p items.
    ordered : whether neighbouring levels of an item resemble each other.
    """

    values: tuple[Floats, ...]
    ordered: tuple[bool, ...]

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Which of the q positions belong to each item."""
        ends = np.cumsum([len(values) for values in self.values], dtype=int)
        return tuple(slice(int(end) - len(v), int(end)) for end, v in zip(ends, self.values, strict=True))

    @property
    def size(self) -> int:
        """Number q of levels of all items."""
        return self.blocks[-1].stop

    def indicate(self, X: Floats) -> Numbers:
        """Table of values (n, p) to indicators (n, q), all zeros where an item is missing (NaN).

        A value between or beyond the known ones counts as the nearest.
        """
        Z = np.zeros((len(X), self.size), dtype=np.float32)
        for j, (values, block) in enumerate(zip(self.values, self.blocks, strict=True)):
            known = np.flatnonzero(~np.isnan(X[:, j]))
            nearest = np.searchsorted((values[1:] + values[:-1]) / 2, X[known, j])
            Z[known, block.start + nearest] = 1
        return Z

    def normalise(self, T: Numbers) -> Numbers:
        """Divide (…, q) by its sum within each item, so that each item's levels sum to one."""
        starts = [block.start for block in self.blocks]
        widths = [len(values) for values in self.values]
        return T / np.repeat(np.add.reduceat(T, starts, axis=-1), widths, axis=-1)

    def kernel(self, bandwidth: float) -> Numbers:
        """Gaussian smoother (q, q) over neighbouring levels of ordered items; rows sum to one.

        Its standard deviation is ``bandwidth`` times the number of levels of the item, so that 72 ages borrow
        from each other, and the steps of a short scale hardly do.
        """
        smoother = np.eye(self.size, dtype=np.float32)
        for values, ordered, block in zip(self.values, self.ordered, self.blocks, strict=True):
            if ordered and bandwidth:
                steps = np.arange(len(values)) / (bandwidth * len(values))
                weights = np.exp(-0.5 * (steps[:, None] - steps) ** 2)
                smoother[block, block] = weights / weights.sum(axis=1, keepdims=True)
        return smoother


def levels_of(X: Floats, schema: Schema) -> Levels:
    """Levels of a table (n, p): the codes of categorical items, the distinct observed values of numeric ones."""
    values = tuple(
        np.unique(X[~np.isnan(X[:, j]), j]) if column.kind is Kind.NUMERIC else column.levels
        for j, column in enumerate(schema)
    )
    return Levels(values, tuple(column.kind is not Kind.NOMINAL for column in schema))


@dataclass(frozen=True, eq=False)
class LatentClasses:
    """A fitted model of K classes.

    Parameters
    ----------
    levels : the items and their q levels.
    shares : share of each class, shape (K,).
    profiles : probability of each level in each class, shape (K, q); each item's levels sum to one.
    """

    levels: Levels
    shares: Numbers
    profiles: Numbers

    @cached_property
    def _logs(self) -> tuple[Numbers, Numbers]:
        tiny = np.finfo(np.float32).tiny  # a probability of zero is then next to impossible, not NaN
        shares = np.log(np.maximum(self.shares, tiny)).astype(self.profiles.dtype)
        return np.log(np.maximum(self.profiles, tiny)).T, shares


def classify(model: LatentClasses, Z: Numbers) -> tuple[Numbers, Numbers]:
    """Posterior probability of each class given the observed cells (n, K), and log-likelihood of each row (n,).

    A row without any observed cell gets the class shares and log-likelihood 0.
    """
    profiles, shares = model._logs
    return _normalised(Z @ profiles + shares)


def posterior(model: LatentClasses, X: Floats, evidence: Floats) -> Numbers:
    """Posterior probability of each class (n, K) given the observed cells of X (n, p) and something else.

    Parameters
    ----------
    evidence : log-likelihood of that in each class, shape (n, K) or (n, 1), independent of the answers given the class.
    """
    profiles, shares = model._logs
    return _normalised(model.levels.indicate(X) @ profiles + shares + evidence)[0]


def _normalised(joint: Numbers) -> tuple[Numbers, Numbers]:
    """Divide exp of logarithms (n, K) by its sum over classes; and the logarithm of that sum (n,)."""
    largest = joint.max(axis=1, keepdims=True)
    shares = np.exp(joint - largest)
    total = shares.sum(axis=1, keepdims=True)
    return shares / total, (largest + np.log(total))[:, 0]


def conditional(model: LatentClasses, Z: Numbers) -> Numbers:
    """Exact probability of every level of every item given the observed cells of a row, shape (n, q).

    It answers for the item as asked anew: in an observed item it is not the observed level.
    """
    return classify(model, Z)[0] @ model.profiles


def conditional_levels(model: LatentClasses, X: Floats, classes: Numbers | None = None) -> dict[int, Numbers]:
    """Give each item with holes in X (n, p) the exact probability of its levels, shape (holes of the item, K_j).

    Parameters
    ----------
    classes : probability of each class (n, K) where more is known than the observed cells, which else decide it.
    """
    holes = np.isnan(X)
    shares = classify(model, model.levels.indicate(X))[0] if classes is None else classes
    return {
        int(j): shares[holes[:, j]] @ model.profiles[:, model.levels.blocks[j]]
        for j in np.flatnonzero(holes.any(axis=0))
    }


def draw_rows(probabilities: Numbers, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw one position from each row of (n, K) probabilities, by inversion of the distribution function."""
    cumulative = np.cumsum(probabilities, axis=1, dtype=float)
    reached = cumulative < rng.random((len(cumulative), 1)) * cumulative[:, -1:]
    return np.minimum(reached.sum(axis=1), probabilities.shape[1] - 1)


def draw_levels(
    model: LatentClasses, classes: NDArray[np.intp], rng: np.random.Generator, wanted: NDArray[np.bool_]
) -> Floats:
    """Draw the wanted cells (n, p) of rows whose classes (n,) are known; the other cells are NaN."""
    X = np.full(wanted.shape, np.nan)
    for j, (values, block) in enumerate(zip(model.levels.values, model.levels.blocks, strict=True)):
        rows = np.flatnonzero(wanted[:, j])
        X[rows, j] = values[draw_rows(model.profiles[classes[rows], block], rng)]
    return X


def indicator_moments(model: LatentClasses) -> tuple[Numbers, Numbers]:
    """Mean (q,) and covariance (q, q) of the indicators in the population, in closed form.

    Items depend on each other only through the class: cov(a, b) = sum_k s_k P_k(a) P_k(b) - P(a) P(b). Within an
    item it is that of a multinomial, diag(P) - PP'.
    """
    profiles = model.profiles.astype(float)
    mean = model.shares @ profiles
    second = (profiles.T * model.shares) @ profiles
    for block in model.levels.blocks:
        second[block, block] = np.diag(mean[block])
    return mean, second - np.outer(mean, mean)
