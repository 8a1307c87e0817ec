"""The five likelihoods of HI-VAE, each for all columns of one sort at once, on torch tensors.

Nazábal, Olmos, Ghahramani & Valera (2020, Pattern Recognition 107, 107501), section 3.1. A likelihood owns
c columns of the table. Of its parameters some come from the latent variables (``location``, shape
(..., c, n_locations)) and some from the mixture component alone (``shape``, (..., c, n_shapes)); leading
axes are rows, or samples and rows. Values are numbers, or positions of levels for categorical columns.
Columns with fewer levels than the widest of their sort are padded with levels of probability zero.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

FAR = 1e4  # a threshold so far away that the logistic function is zero or one in single precision
LOG_2PI = math.log(2 * math.pi)


class Likelihood(Protocol):
    """What the model asks of a likelihood; ``columns`` are the table's columns that it owns."""

    @property
    def columns(self) -> Tensor:
        """Positions in the table, shape (c,)."""

    @property
    def n_locations(self) -> int:
        """Parameters per column that depend on the latent variables."""

    @property
    def n_shapes(self) -> int:
        """Parameters per column that depend on the mixture component alone."""

    def start(self) -> tuple[Tensor, Tensor]:
        """Parameters (c, n_locations) and (c, n_shapes) at which every row has the column's margin."""

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log density or probability of values (rows, c), shape (..., c)."""

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Expected number (..., c, 1), or probability of each level (..., c, K)."""

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """One value for each parameter, shape (..., c)."""


@dataclass(frozen=True, eq=False)
class Real:
    """Gaussian; its parameters live on the standardised scale and are taken back inside (section 3.1)."""

    columns: Tensor
    centre: Tensor
    scale: Tensor
    n_locations: int = 1
    n_shapes: int = 1

    def start(self) -> tuple[Tensor, Tensor]:
        """Mean 0 and log variance 0 on the standardised scale."""
        return torch.zeros(len(self.columns), 1), torch.zeros(len(self.columns), 1)

    def _moments(self, location: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation on the scale of the values, both (..., c)."""
        # the variance is kept from collapsing onto, or fleeing from, single answers
        deviation = torch.exp(0.5 * shape[..., 0].clamp(-6.0, 2.0))
        return self.centre + self.scale * location[..., 0], self.scale * deviation

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log density of the Gaussian."""
        mean, deviation = self._moments(location, shape)
        return -0.5 * (((values - mean) / deviation) ** 2 + LOG_2PI) - torch.log(deviation)

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Mean of the Gaussian, shape (..., c, 1)."""
        return self._moments(location, shape)[0].unsqueeze(-1)

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw from the Gaussian."""
        mean, deviation = self._moments(location, shape)
        return mean + deviation * _normal(mean, generator)


@dataclass(frozen=True, eq=False)
class Positive(Real):
    """Log-normal: log(1 + x) is Gaussian; centre and scale are those of log(1 + x)."""

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log density of x, the Gaussian's at log(1 + x) with the change of variable."""
        logs = torch.log1p(values)
        return super().log_prob(logs, location, shape) - logs

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Mean of the log-normal, exp(mean + variance / 2) - 1, shape (..., c, 1)."""
        mean, deviation = self._moments(location, shape)
        return torch.expm1(mean + deviation**2 / 2).unsqueeze(-1)

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw from the log-normal, no lower than 0."""
        return torch.expm1(super().sample(location, shape, generator)).clamp(min=0.0)


@dataclass(frozen=True, eq=False)
class Count:
    """Poisson with a log link, which keeps large counts as easy to learn as small ones."""

    columns: Tensor
    rate: Tensor  # mean count of each column (c,)
    n_locations: int = 1
    n_shapes: int = 0

    def start(self) -> tuple[Tensor, Tensor]:
        """Log rate of the margin."""
        return torch.log(self.rate).unsqueeze(-1), torch.zeros(len(self.columns), 0)

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log probability of the Poisson."""
        log_rate = location[..., 0]
        return values * log_rate - torch.exp(log_rate) - torch.lgamma(values + 1)

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Rate, shape (..., c, 1)."""
        return torch.exp(location)

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a count."""
        return torch.poisson(torch.exp(location[..., 0]), generator=generator)


@dataclass(frozen=True, eq=False)
class Nominal:
    """Softmax over the levels with the first logit fixed at 0."""

    columns: Tensor
    margins: Tensor  # share of each level (c, K), zero for padding

    @property
    def n_locations(self) -> int:
        """Logits of all levels but the first."""
        return self.margins.shape[1] - 1

    @property
    def n_shapes(self) -> int:
        """None."""
        return 0

    def start(self) -> tuple[Tensor, Tensor]:
        """Log odds of the margin against the first level."""
        logs = torch.log(_present(self.margins))
        return logs[:, 1:] - logs[:, :1], torch.zeros(len(self.columns), 0)

    def _log_probabilities(self, location: Tensor) -> Tensor:
        logits = torch.cat([torch.zeros_like(location[..., :1]), location], dim=-1)
        return torch.log_softmax(logits.masked_fill(self.margins.isnan(), -FAR), dim=-1)

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log probability of the level."""
        return _at(self._log_probabilities(location), values.long())

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Probability of each level (..., c, K)."""
        return torch.exp(self._log_probabilities(location))

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a level."""
        return _categorical(self.mean(location, shape), generator)


@dataclass(frozen=True, eq=False)
class Ordinal:
    """Cumulative logit: P(x ≤ r) = σ(θ_r − h), h from the latent variables, ascending θ from the component."""

    columns: Tensor
    margins: Tensor  # share of each level (c, K), NaN for padding
    n_locations: int = 1

    @property
    def n_shapes(self) -> int:
        """Thresholds between the levels."""
        return self.margins.shape[1] - 1

    def start(self) -> tuple[Tensor, Tensor]:
        """Location 0 and the thresholds that give the margin."""
        shares = _present(self.margins)
        below = (shares.cumsum(1) / shares.sum(1, keepdim=True))[:, :-1].clamp(1e-4, 1 - 1e-4)
        thresholds = torch.logit(below)
        gaps = (thresholds[:, 1:] - thresholds[:, :-1]).clamp(min=1e-2)
        # the inverse of softplus: log(e^gap - 1)
        return torch.zeros(len(self.columns), 1), torch.cat([thresholds[:, :1], torch.log(torch.expm1(gaps))], dim=1)

    def constrain(self, raw: Tensor) -> Tensor:
        """Thresholds between -far and +far, shape (..., c, K + 1); the levels' intervals are consecutive pairs."""
        thresholds = torch.cat([raw[..., :1], softplus(raw[..., 1:])], dim=-1).cumsum(-1)
        # the last true level reaches to +far; padded levels beyond it are empty
        thresholds = thresholds.masked_fill(self.margins[:, 1:].isnan(), FAR)
        end = torch.full_like(thresholds[..., :1], FAR)
        return torch.cat([-end, thresholds, end], dim=-1)

    def log_prob(self, values: Tensor, location: Tensor, shape: Tensor) -> Tensor:
        """Log probability of the level, log(σ(b) − σ(a)) = log σ(b) + log σ(−a) + log(1 − e^(a − b))."""
        level = values.long()
        low = _at(shape, level) - location[..., 0]
        high = _at(shape, level + 1) - location[..., 0]
        return logsigmoid(high) + logsigmoid(-low) + torch.log(-torch.expm1((low - high).clamp(max=-1e-6)))

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Probability of each level (..., c, K)."""
        return torch.sigmoid(shape - location).diff(dim=-1)

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a level."""
        return _categorical(self.mean(location, shape), generator)


def _present(margins: Tensor) -> Tensor:
    """Shares with padding at zero, and every share away from zero so that its logarithm is finite."""
    return margins.nan_to_num(0.0).clamp(min=1e-4)


def _at(table: Tensor, index: Tensor) -> Tensor:
    """Entry ``index`` (rows, c) of the last axis of a table (..., rows, c, K)."""
    index = index.unsqueeze(-1).expand(*table.shape[:-1], 1)
    return table.gather(-1, index).squeeze(-1)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device)


def _categorical(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """Draw positions (...,) from probabilities (..., K)."""
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    return torch.multinomial(flat, 1, generator=generator).reshape(probabilities.shape[:-1]).to(probabilities.dtype)
