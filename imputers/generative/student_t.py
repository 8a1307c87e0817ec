"""The likelihood that MIWAE gives to numbers: Student's t, which lets single cells lie far out."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from imputers.generative.likelihoods import Real
from imputers.shared.noise import gamma, normal


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
