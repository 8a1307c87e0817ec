"""Populations: laws that tables are drawn from and whose conditional distributions are known."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from datasets.registry import Registry

if TYPE_CHECKING:
    import numpy as np

    from datasets.prediction import Prediction
    from datasets.schema import Floats, Schema


class Population(Protocol):
    """A law of the answers of one respondent, independent of those of others."""

    @property
    def schema(self) -> "Schema":
        """Meaning of its p items."""

    def take(self, names: Sequence[str]) -> Self:
        """Law of some of its items, in this order."""

    def predict(self, X: "Floats", weights: "Floats | None", n_draws: int, rng: "np.random.Generator") -> "Prediction":
        """Exact conditional distribution of the holes of each row given its observed cells, and its weight.

        Parameters
        ----------
        X : codes (n, p); NaN is a hole.
        weights : survey weights (n,); None where they are not known, and then nothing is concluded from them.

        Returns
        -------
        `n_draws` draws, joint within a row; expectations, and probabilities of all items with labels.
        """

    def sample(self, n: int, rng: "np.random.Generator") -> "Sample":
        """Draw n respondents, who leave no question open."""

    def support(self, names: Sequence[str]) -> "tuple[Floats, Floats]":
        """Table (r, c) of some items with probabilities (r,) that stands for what samples estimate.

        An estimator on these rows, weighted by the probabilities, gives the value that it has in the population. Of
        numeric items the first two moments alone may be right, which is all that means, correlations and least squares
        ask for.
        """


class Sample(NamedTuple):
    """Respondents drawn from a population: codes (n, p); weights, strata and primary sampling units (n,) or None."""

    values: "Floats"
    weights: "Floats | None" = None
    strata: "Floats | None" = None
    psu: "Floats | None" = None


POPULATIONS: Registry[Callable[[], Population]] = Registry(
    "population", package="datasets.populations", variable="POPULATIONS"
)
