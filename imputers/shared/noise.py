"""Random numbers for networks, always drawn on the processor: a seed gives the same ones whatever the device."""

from collections.abc import Sequence

import torch
from torch import Tensor


def normal(shape: Sequence[int], generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(tuple(shape), generator=generator).to(device)


def uniform(shape: Sequence[int], generator: torch.Generator, device: torch.device) -> Tensor:
    """Numbers uniform between 0 and 1."""
    return torch.rand(tuple(shape), generator=generator).to(device)


def dropout(x: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """Set a share of the entries to zero and raise the others by as much (Srivastava et al. 2014, JMLR 15)."""
    return x * (uniform(x.shape, generator, x.device) >= rate) / (1 - rate)


def level(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """Draw positions (...,) from probabilities (..., K)."""
    flat = probabilities.reshape(-1, probabilities.shape[-1]).cpu()
    drawn = torch.multinomial(flat, 1, generator=generator).reshape(probabilities.shape[:-1])
    return drawn.to(probabilities.device, probabilities.dtype)


def poisson(rate: Tensor, generator: torch.Generator) -> Tensor:
    """Draw counts of the given rates."""
    return torch.poisson(rate.cpu(), generator=generator).to(rate.device)


def gamma(shape: Tensor, generator: torch.Generator) -> Tensor:
    """Draw from gamma distributions of the given shapes and scale 1, as Student's t needs them."""
    return torch._standard_gamma(shape.cpu(), generator=generator).to(shape.device)
