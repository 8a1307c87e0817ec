"""Self-masking, the model of not-MIWAE for why a cell is missing: its own value, through a logistic curve."""

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from imputers.generative.networks.likelihoods import Count, Likelihood, Nominal, Ordinal, Positive, Real
from imputers.shared.noise import level

NODES = 24  # of the quadrature over a number
CANDIDATES = 64  # numbers drawn, for one of them to be taken by its chance of being missing


class SelfMasking(nn.Module):
    """P(missing | x) = σ(a + b u(x)) for the columns of one likelihood (Ipsen et al. 2021, section 3.2).

    The score u of numbers and ordinal levels is standardised, with one slope b of free sign; nominal levels have no
    order, so that each has a slope of its own. Columns without holes have none: they keep slope 0.

    Parameters
    ----------
    likelihood : of the columns.
    missing : share of the fitted rows in which each column is missing, shape (c,).
    """

    def __init__(self, likelihood: Likelihood, missing: Tensor) -> None:
        super().__init__()
        self.likelihood, self.columns = likelihood, likelihood.columns
        self.intercept = nn.Parameter(torch.logit(missing.clamp(1e-3, 1 - 1e-3)))
        self.slope = nn.Parameter(torch.zeros_like(likelihood.margins if isinstance(likelihood, Nominal) else missing))
        self.holed = (missing > 0).float()
        self.centre, self.scale = moments(likelihood)

    def log_odds(self, values: Tensor) -> Tensor:
        """Log odds that values (..., c) are missing."""
        if isinstance(self.likelihood, Nominal):
            effect = self.slope[torch.arange(len(self.columns), device=values.device), values.long()]
        else:
            numbers = torch.log1p(values) if isinstance(self.likelihood, Positive) else values
            effect = self.slope * (numbers - self.centre) / self.scale
        return self.intercept + self.holed * effect

    def log_missing(self, location: Tensor, shape: Tensor) -> Tensor:
        """Log chance of being missing, whatever the value: log ∫ p(x | z) P(missing | x) dx, shape (..., c)."""
        values, log_weights = support(self.likelihood, location, shape)
        return (log_weights + logsigmoid(self.log_odds(values))).logsumexp(0)

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Expected number (..., c, 1), or probability of each level (..., c, K), of a missing cell."""
        values, log_weights = support(self.likelihood, location, shape)
        weights = (log_weights + logsigmoid(self.log_odds(values))).softmax(0)
        if isinstance(self.likelihood, Nominal | Ordinal):
            return weights.movedim(0, -1)
        return (weights * values).sum(0).unsqueeze(-1)

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the value of a missing cell (..., c): levels exactly, numbers by sampling-importance resampling."""
        if isinstance(self.likelihood, Nominal | Ordinal):
            return level(self.mean(location, shape), generator)
        many = location.expand(CANDIDATES, *location.shape), shape.expand(CANDIDATES, *shape.shape)
        candidates = self.likelihood.sample(*many, generator)
        chances = logsigmoid(self.log_odds(candidates)).softmax(0).movedim(0, -1)
        return candidates.take_along_dim(level(chances, generator).long().unsqueeze(0), dim=0)[0]


def moments(likelihood: Likelihood) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (c,) of numbers, log(1 + x) if positive, or of the positions of levels."""
    match likelihood:
        case Real():
            return likelihood.centre, likelihood.scale
        case Count():
            return likelihood.rate, torch.sqrt(likelihood.rate)
        case Nominal() | Ordinal():
            shares = likelihood.margins.nan_to_num(0.0)
            levels = torch.arange(shares.shape[1], device=shares.device)
            centre = shares @ levels.float()
            return centre, torch.sqrt((shares * (levels - centre.unsqueeze(1)) ** 2).sum(1))
    raise TypeError(f"no moments for {type(likelihood).__name__}")


@cache
def quadrature() -> tuple[Tensor, Tensor]:
    """Nodes of Gauss and Hermite's rule for the standard normal distribution and logarithms of their weights."""
    nodes, weights = (torch.tensor(table) for table in np.polynomial.hermite_e.hermegauss(NODES))
    return nodes.float(), torch.log(weights / weights.sum()).float()


def support(likelihood: Likelihood, location: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
    """Values to sum over in the place of an integral, and the logarithms of their weights, (points, ..., c).

    All levels of a categorical column, with their probabilities; the nodes of Gauss and Hermite's quadrature for
    Gaussian and log-normal numbers; all counts that are likely in the column as a whole.
    """

    def points(numbers: Tensor) -> Tensor:
        return numbers.to(location.device).reshape(-1, *[1] * (location.ndim - 1))

    match likelihood:
        case Nominal() | Ordinal():
            probabilities = likelihood.mean(location, shape).movedim(-1, 0)
            return points(torch.arange(len(probabilities))), torch.log(probabilities.clamp(min=1e-12))
        case Count():
            top = int(likelihood.rate.max() + 10 * likelihood.rate.max().sqrt() + 10)
            counts = points(torch.arange(top + 1.0))
            return counts, likelihood.log_prob(counts, location, shape).log_softmax(0)
        case Real():
            nodes, log_weights = quadrature()
            return likelihood.at(location, shape, points(nodes)), points(log_weights)
    raise TypeError(f"no support for {type(likelihood).__name__}")
