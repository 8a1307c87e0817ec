"""A multivariate normal population of eight numeric items, with its exact conditional distributions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from datasets.moments import Moments
from datasets.populations import POPULATIONS, Sample
from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind, Regression, Role, Schema

NAME = "gaussian"
NAMES = ("age", "schooling", "income", "trust", "health", "hours", "height", "score")
DRIVERS, TARGETS = ("age", "schooling"), ("income", "trust")
MEANS = np.array([0.0, 1.0, 2.0, -1.0, 0.5, 4.0, 10.0, 0.0])
SDS = np.array([1.0, 2.0, 1.5, 1.0, 0.5, 3.0, 2.0, 1.0])
LOADINGS = np.array(  # of the standardised items on two standard normal factors
    [[0.5, -0.4], [0.7, 0.3], [0.8, 0.1], [0.2, 0.7], [-0.3, 0.6], [0.5, -0.5], [0.1, 0.0], [0.6, 0.6]]
)


@dataclass(frozen=True, eq=False)
class GaussianPopulation:
    """Rows are jointly normal, unrounded.

    Given its observed cells o, a row's holes h are normal with mean μ_h + Σ_ho Σ_oo⁻¹ (x_o − μ_o) and covariance
    Σ_hh − Σ_ho Σ_oo⁻¹ Σ_oh (Anderson 2003, An Introduction to Multivariate Statistical Analysis, theorem 2.5.1).

    Parameters
    ----------
    schema : meaning of the p items, all numeric.
    mean, covariance : shapes (p,) and (p, p).
    """

    schema: Schema
    mean: Floats
    covariance: Floats

    def take(self, names: Sequence[str]) -> "GaussianPopulation":
        """Law of some of its items: the rows and columns of their moments."""
        at = [self.schema.index(name) for name in names]
        return replace(
            self, schema=self.schema.take(at), mean=self.mean[at], covariance=self.covariance[np.ix_(at, at)]
        )

    def predict(self, X: Floats, weights: Floats | None, n_draws: int, rng: np.random.Generator) -> Prediction:
        """Exact conditional of the holes of X (n, p); weights tell nothing. See `Population.predict`."""
        expected, draws = X.copy(), np.tile(X, (n_draws, 1, 1))
        patterns, member = np.unique(np.isnan(X), axis=0, return_inverse=True)
        for number, holes in enumerate(patterns):
            rows = np.flatnonzero(member.ravel() == number)
            slopes, scatter = self._regression(holes)
            centre = self.mean[holes] + (X[np.ix_(rows, ~holes)] - self.mean[~holes]) @ slopes
            expected[np.ix_(rows, holes)] = centre
            noise = rng.standard_normal((n_draws, *centre.shape)) @ np.linalg.cholesky(scatter).T
            draws[np.ix_(np.arange(n_draws), rows, holes)] = centre + noise
        return Prediction(draws[:, np.isnan(X)], expected[np.isnan(X)])

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        """Draw n rows."""
        return Sample(rng.multivariate_normal(self.mean, self.covariance, n, method="cholesky"))

    def support(self, names: Sequence[str]) -> tuple[Floats, Floats]:
        """Two points on each principal direction, all of one probability, with the mean and covariance of the items.

        The cubature points of Arasaratnam & Haykin (2009), IEEE Transactions on Automatic Control 54; higher moments
        are not those of a normal distribution.
        """
        part = self.take(names)
        reach = np.sqrt(len(names)) * np.linalg.cholesky(part.covariance).T
        return part.mean + np.vstack([reach, -reach]), np.full(2 * len(names), 0.5 / len(names))

    def _regression(self, holes: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Slopes (observed, holes) of the holes on the observed items, and the covariance of what they leave open."""
        seen, cross = self.covariance[np.ix_(~holes, ~holes)], self.covariance[np.ix_(~holes, holes)]
        slopes = np.linalg.solve(seen, cross)
        return slopes, self.covariance[np.ix_(holes, holes)] - cross.T @ slopes


@POPULATIONS.register("gaussian")
@cache
def law() -> GaussianPopulation:
    """Eight jointly normal items with two common factors."""
    roles = {name: Role.DRIVER for name in DRIVERS} | {name: Role.TARGET for name in TARGETS}
    columns = tuple(Column(name, Kind.NUMERIC, role=roles.get(name, Role.ITEM)) for name in NAMES)
    schema = Schema(columns, Regression("income", ("age", "schooling", "trust")), NAME)
    correlation = LOADINGS @ LOADINGS.T
    np.fill_diagonal(correlation, 1.0)
    return GaussianPopulation(schema, MEANS, correlation * np.outer(SDS, SDS))


def population_moments() -> Moments:
    """Mean and covariance of the items in the population."""
    truth = law()
    correlation = truth.covariance / np.outer(SDS, SDS)
    return Moments(truth.mean, truth.covariance, correlation, np.full(correlation.shape, np.inf))
