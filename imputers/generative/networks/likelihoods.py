"""Likelihoods of columns, each for all columns of one sort at once, on torch tensors.

Gaussian, log-normal, Poisson, softmax and cumulative logit are those of HI-VAE: Nazábal, Olmos, Ghahramani & Valera
(2020), Handling incomplete heterogeneous data using VAEs, Pattern Recognition 107, section 3.1.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from datasets.schema import Floats, Schema
from imputers.shared.noise import gamma, level, normal, poisson

FAR = 1e4  # a threshold so far away that the logistic function is zero or one in single precision
LOG_2PI = math.log(2 * math.pi)
QUANTILES = 64  # of a normal distribution whose mean is not in closed form


@dataclass(frozen=True, eq=False)
class Likelihood(ABC):
    """Distribution of the cells of c columns given two sorts of parameters.

    The ``location``, shape (..., c, k), comes from the latent variables; the ``shape``, shape (..., c, l),
    from the mixture component alone. Leading axes are rows, or samples and rows. Values are numbers in
    numeric columns and positions of levels in categorical ones; columns with fewer levels than the widest
    of their sort are padded with levels of probability zero.

    Parameters
    ----------
    columns : positions of the columns in the table, shape (c,).
    """

    columns: Tensor

    @abstractmethod
    def start(self) -> tuple[Tensor, Tensor]:
        """Location (c, k) and unconstrained shape (c, l) at which every row has the columns' margins."""

    def constrain(self, free: Tensor) -> Tensor:
        """Shape parameters from unconstrained ones; mixing constrained ones keeps them valid."""
        return free

    @abstractmethod
    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log density or probability of values (rows, c), shape (..., rows, c)."""

    @abstractmethod
    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Expected number (..., c, 1), or probability of each level (..., c, K)."""

    @abstractmethod
    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """One value for each parameter, shape (..., c)."""


@dataclass(frozen=True, eq=False)
class Real(Likelihood):
    """Gaussian; its parameters live on the standardised scale and are taken back inside.

    Parameters
    ----------
    columns : see `Likelihood`.
    centre, scale : mean and standard deviation of the observed cells, shape (c,).
    """

    centre: Tensor
    scale: Tensor

    def start(self) -> tuple[Tensor, Tensor]:
        """Mean 0 and log variance 0 on the standardised scale."""
        zero = torch.zeros_like(self.centre).unsqueeze(-1)
        return zero, zero

    def _moments(self, location: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation on the scale of the values, both (..., c)."""
        # bounds keep the variance from collapsing onto single values that many people give
        deviation = torch.exp(shape[..., 0].clamp(-6.0, 2.0) / 2)
        return self.centre + self.scale * location[..., 0], self.scale * deviation

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log density of the Gaussian."""
        mean, deviation = self._moments(location, shape)
        return -0.5 * (((values - mean) / deviation) ** 2 + LOG_2PI) - torch.log(deviation)

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Mean of the Gaussian, shape (..., c, 1)."""
        return self._moments(location, shape)[0].unsqueeze(-1)

    def at(self, location: Tensor, shape: Tensor, noise: Tensor) -> Tensor:
        """Value that a standard normal number stands for, shape (..., c)."""
        mean, deviation = self._moments(location, shape)
        return mean + deviation * noise

    def censored_mean(self, location: Tensor, shape: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Mean (..., c, 1) of numbers kept between limits (c,), by quantiles of the normal distribution."""
        noise = torch.special.ndtri((torch.arange(QUANTILES, device=low.device) + 0.5) / QUANTILES)
        values = self.at(location, shape, noise.reshape(-1, *[1] * (location.ndim - 1)))  # (QUANTILES, ..., c)
        return torch.clamp(values, low, high).mean(0).unsqueeze(-1)

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw from the distribution."""
        return self.at(location, shape, normal(location.shape[:-1], generator, location.device))


@dataclass(frozen=True, eq=False)
class Positive(Real):
    """Log-normal: log(1 + x) is Gaussian; centre and scale are those of log(1 + x)."""

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log density of x: the Gaussian's at log(1 + x), with the change of variable."""
        logs = torch.log1p(values)
        return super().log_prob(logs, location, shape) - logs

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Mean of the log-normal, exp(mean + variance / 2) - 1, shape (..., c, 1)."""
        mean, deviation = self._moments(location, shape)
        return torch.expm1(mean + deviation**2 / 2).unsqueeze(-1)

    def at(self, location: Tensor, shape: Tensor, noise: Tensor) -> Tensor:
        """Value that a standard normal number stands for, (..., c); what falls below 0 is 0."""
        return torch.expm1(super().at(location, shape, noise)).clamp(min=0.0)


@dataclass(frozen=True, eq=False)
class StudentT(Real):
    """Student's t with three degrees of freedom at least, as in MIWAE (Mattei & Frellsen 2019).

    Parameters
    ----------
    columns, centre, scale : see `Real`.
    floor : smallest scale parameter, on the standardised scale, shape (c,).
    """

    floor: Tensor

    def start(self) -> tuple[Tensor, Tensor]:
        """Location 0, scale 1 on the standardised scale, about five degrees of freedom."""
        zero = torch.zeros_like(self.centre)
        return zero.unsqueeze(-1), torch.stack([zero + math.log(math.e - 1), zero + 2.0], dim=-1)

    def _parameters(self, location: Tensor, shape: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Centre, scale and degrees of freedom on the scale of the values, all (..., c)."""
        spread = self.scale * (softplus(shape[..., 0]) + self.floor)
        return self.centre + self.scale * location[..., 0], spread, 3 + softplus(shape[..., 1])

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log density of Student's t."""
        centre, spread, freedom = self._parameters(location, shape)
        normaliser = torch.lgamma((freedom + 1) / 2) - torch.lgamma(freedom / 2) - torch.log(math.pi * freedom) / 2
        tail = torch.log1p(((values - centre) / spread) ** 2 / freedom)
        return normaliser - torch.log(spread) - (freedom + 1) / 2 * tail

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Mean of Student's t, shape (..., c, 1)."""
        return self._parameters(location, shape)[0].unsqueeze(-1)

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a Gaussian number whose precision is gamma."""
        centre, spread, freedom = self._parameters(location, shape)
        precision = 2 * gamma(freedom / 2, generator) / freedom
        return centre + spread * normal(centre.shape, generator, centre.device) / torch.sqrt(precision)


@dataclass(frozen=True, eq=False)
class Count(Likelihood):
    """Poisson with a log link, which learns large counts as easily as small ones.

    Parameters
    ----------
    columns : see `Likelihood`.
    rate : mean of the observed cells, shape (c,).
    """

    rate: Tensor

    def start(self) -> tuple[Tensor, Tensor]:
        """Log rate of the margin; a Poisson has no shape."""
        return torch.log(self.rate).unsqueeze(-1), self.rate.new_zeros(len(self.rate), 0)

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log probability of the count."""
        log_rate = location[..., 0]
        return values * log_rate - torch.exp(log_rate) - torch.lgamma(values + 1)

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Rate, shape (..., c, 1)."""
        return torch.exp(location)

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a count."""
        return poisson(torch.exp(location[..., 0]), generator)


@dataclass(frozen=True, eq=False)
class Categorical(Likelihood):
    """Probabilities of levels.

    Parameters
    ----------
    columns : see `Likelihood`.
    margins : share of each level, shape (c, K), NaN where padded.
    """

    margins: Tensor

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a level."""
        return level(self.mean(location, shape), generator)


@dataclass(frozen=True, eq=False)
class Nominal(Categorical):
    """Softmax over the levels, the first logit fixed at 0."""

    def start(self) -> tuple[Tensor, Tensor]:
        """Log odds of the margin against the first level; a softmax has no shape."""
        logs = torch.log(_positive(self.margins))
        return logs[:, 1:] - logs[:, :1], logs.new_zeros(len(logs), 0)

    def _log_probabilities(self, location: Tensor) -> Tensor:
        logits = torch.cat([torch.zeros_like(location[..., :1]), location], dim=-1)
        return torch.log_softmax(logits.masked_fill(self.margins.isnan(), -FAR), dim=-1)

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log probability of the level."""
        return _entry(self._log_probabilities(location), values.long())

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Probability of each level (..., c, K)."""
        return torch.exp(self._log_probabilities(location))


@dataclass(frozen=True, eq=False)
class Ordinal(Categorical):
    """Cumulative logit: P(x ≤ r) = σ(θ_r − h), h the location and ascending θ the shape."""

    def start(self) -> tuple[Tensor, Tensor]:
        """Location 0 and the thresholds that give the margin."""
        shares = _positive(self.margins)
        below = (shares.cumsum(1) / shares.sum(1, keepdim=True))[:, :-1].clamp(1e-4, 1 - 1e-4)
        thresholds = torch.logit(below)
        gaps = thresholds.diff(dim=1).clamp(min=1e-2)
        free = torch.cat([thresholds[:, :1], torch.log(torch.expm1(gaps))], dim=1)  # the inverse of softplus
        return shares.new_zeros(len(shares), 1), free

    def constrain(self, free: Tensor) -> Tensor:
        """Thresholds between -far and +far, shape (..., c, K + 1): a level lies between two that follow each other."""
        thresholds = torch.cat([free[..., :1], softplus(free[..., 1:])], dim=-1).cumsum(-1)
        # the last true level reaches up to +far, so that nothing is left for the padded ones
        thresholds = thresholds.masked_fill(self.margins[:, 1:].isnan(), FAR)
        end = torch.full_like(thresholds[..., :1], FAR)
        return torch.cat([-end, thresholds, end], dim=-1)

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log probability of the level, log(σ(b) − σ(a)) = log σ(b) + log σ(−a) + log(1 − e^(a − b))."""
        level = values.long()
        below = _entry(shape, level) - location[..., 0]
        above = _entry(shape, level + 1) - location[..., 0]
        width = (above - below).clamp(min=1e-6)
        return logsigmoid(above) + logsigmoid(-below) + torch.log(-torch.expm1(-width))

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Probability of each level (..., c, K)."""
        return torch.sigmoid(shape - location).diff(dim=-1)


Heads = list[tuple[Likelihood, Tensor, Tensor]]  # each with its location and shape


def sampled(heads: Heads, n_draws: int, schema: Schema, generator: torch.Generator) -> tuple[Floats, Floats]:
    """Draws (n_draws, rows, p) and means (rows, p, K) as `imputers.generative.deep.DeepImputer` wants them.

    Means of Gaussian and log-normal numbers are those of their draws, which are kept within the limits of the schema.

    Parameters
    ----------
    heads : of all columns, locations (views, rows, c, k) and shapes (views, rows, c, l); draws take the views in turn,
        and means average over them.
    """
    n_views, n_rows = heads[0][1].shape[:2]
    p = sum(len(likelihood.columns) for likelihood, _, _ in heads)
    n_levels = max(1, *(len(column.levels) for column in schema))
    low = torch.tensor([-math.inf if column.low is None else column.low for column in schema])
    high = torch.tensor([math.inf if column.high is None else column.high for column in schema])
    drawn, means = np.empty((n_draws, n_rows, p)), np.full((n_rows, p, n_levels), np.nan)
    turn = torch.arange(n_draws) % n_views
    for likelihood, location, shape in heads:
        columns = likelihood.columns.cpu().numpy()
        drawn[..., columns] = likelihood.sample(location[turn], shape[turn], generator).cpu().numpy()
        if isinstance(likelihood, Real):
            limits = (bound[columns].to(location) for bound in (low, high))
            mean = likelihood.censored_mean(location, shape, *limits).mean(0).cpu().numpy()
        else:
            mean = likelihood.mean(location, shape).mean(0).cpu().numpy()
        means[:, columns, : mean.shape[-1]] = mean
    return drawn, means


def _positive(margins: Tensor) -> Tensor:
    """Shares away from zero, so that levels nobody chose have finite logarithms; padding counts as such."""
    return margins.nan_to_num(0.0).clamp(min=1e-4)


def _entry(table: Tensor, index: Tensor) -> Tensor:
    """Entry ``index`` (rows, c) of the last axis of a table (..., rows, c, K)."""
    return table.gather(-1, index.unsqueeze(-1).expand(*table.shape[:-1], 1)).squeeze(-1)
