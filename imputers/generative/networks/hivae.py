"""The network of HI-VAE: encoder, Gaussian-mixture prior, a head per column, bound and posterior samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from imputers.generative.networks.encoding import Batch
from imputers.generative.networks.likelihoods import Likelihood
from imputers.shared.noise import normal, uniform


@dataclass(frozen=True)
class Sizes:
    """Mixture components s, latent dimensions z, dimensions y of each column's own code, hidden units."""

    s: int
    z: int
    y: int
    hidden: int


@dataclass(frozen=True, eq=False)
class Latent:
    """Samples of the latent variables, and the Gaussian that z was drawn from; leading axes are samples and rows.

    Parameters
    ----------
    s : relaxed component (..., rows, L).
    z, mean, log_variance : position, and the moments of q(z | s, x), each (..., rows, d).
    """

    s: Tensor
    z: Tensor
    mean: Tensor
    log_variance: Tensor

    def divergence(self, prior: Tensor) -> Tensor:
        """Kullback-Leibler divergence of q(z | s, x) from N(prior, I), shape (..., rows)."""
        apart = torch.exp(self.log_variance) + (self.mean - prior) ** 2 - 1 - self.log_variance
        return apart.sum(-1) / 2


class Network(nn.Module):
    """HI-VAE with the input-dropout encoder (Nazábal et al. 2020, section 3).

    s ~ Categorical(1/L) relaxed by Gumbel-softmax, z | s ~ N(μ(s), I), y = g(z) cut by column, and x_j ~ its
    likelihood with the location from (y_j, s) and the shape from s. Weights start at N(0, 0.05²) as in
    the authors' code, but for the encoder's hidden layer (He) and the heads' intercepts, which start at
    the columns' margins: that saves the epochs that would find them.

    Parameters
    ----------
    likelihoods : of all columns, each column once.
    n_inputs : width q of the encoder's inputs.
    sizes : of the layers.
    temperature : of the Gumbel-softmax.
    generator : source of the first weights.
    """

    def __init__(
        self,
        likelihoods: Sequence[Likelihood],
        n_inputs: int,
        sizes: Sizes,
        temperature: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()

        def weight(*shape: int, scale: float = 0.05) -> Tensor:
            return scale * torch.randn(shape, generator=generator)

        p = sum(len(likelihood.columns) for likelihood in likelihoods)
        self.likelihoods = list(likelihoods)
        self.sizes, self.temperature = sizes, temperature
        self.encode = nn.Parameter(weight(n_inputs, sizes.hidden, scale=math.sqrt(2 / n_inputs)))
        self.encode_bias = nn.Parameter(weight(sizes.hidden))
        self.to_s, self.to_s_bias = nn.Parameter(weight(sizes.hidden, sizes.s)), nn.Parameter(weight(sizes.s))
        self.to_z, self.s_to_z = (
            nn.Parameter(weight(sizes.hidden, 2 * sizes.z)),
            nn.Parameter(weight(sizes.s, 2 * sizes.z)),
        )
        self.prior = nn.Parameter(weight(sizes.s, sizes.z))
        self.to_y, self.to_y_bias = nn.Parameter(weight(sizes.z, p, sizes.y)), nn.Parameter(weight(p, sizes.y))
        starts = [[at.cpu() for at in likelihood.start()] for likelihood in likelihoods]
        self.y_to_location = nn.ParameterList([weight(len(at), sizes.y, at.shape[1]) for at, _ in starts])
        self.s_to_location = nn.ParameterList([at + weight(sizes.s, *at.shape) for at, _ in starts])
        self.s_to_shape = nn.ParameterList([at + weight(sizes.s, *at.shape) for _, at in starts])

    def encoded(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden units (rows, hidden) and log q(s | x), shape (rows, L)."""
        hidden = torch.relu(inputs @ self.encode + self.encode_bias)
        return hidden, torch.log_softmax(hidden @ self.to_s + self.to_s_bias, dim=-1)

    def latent(self, hidden: Tensor, log_q: Tensor, generator: torch.Generator) -> Latent:
        """Sample s and z from q."""
        gumbel = -torch.log(-torch.log(uniform(log_q.shape, generator, log_q.device).clamp(1e-9, 1 - 1e-6)))
        s = torch.softmax((log_q + gumbel) / self.temperature, dim=-1)
        mean, log_variance = (hidden @ self.to_z + s @ self.s_to_z).split(self.sizes.z, dim=-1)
        log_variance = log_variance.clamp(-8.0, 4.0)
        z = mean + torch.exp(log_variance / 2) * normal(mean.shape, generator, mean.device)
        return Latent(s, z, mean, log_variance)

    def samples(self, inputs: Tensor, n_samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Sample s (samples, rows, L) and z (samples, rows, d) from q."""
        hidden, log_q = self.encoded(inputs)
        latent = self.latent(hidden, log_q.expand(n_samples, *log_q.shape), generator)
        return latent.s, latent.z

    def weighted(self, batch: Batch, n_samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Sample s and z from q, with weights (samples, rows) that take them to the posterior and sum to one.

        The weight is p(x, z, s) / q(z, s) at the sample (Mattei & Frellsen 2019, ICML, equation 12). Like the bound
        it takes a relaxed s for a mixture of components: the exact density of a relaxed s in 30 dimensions would
        leave nearly all weight to one sample.
        """
        hidden, log_q = self.encoded(batch.inputs)
        at = self.latent(hidden, log_q.expand(n_samples, *log_q.shape), generator)
        whitened = (at.z - at.mean) ** 2 * torch.exp(-at.log_variance)
        log_z = (whitened + at.log_variance - (at.z - at.s @ self.prior) ** 2).sum(-1) / 2
        log_s = -(at.s * (log_q + math.log(self.sizes.s))).sum(-1)
        cells = (self.log_prob(batch.values, at.s, at.z) * batch.observed).sum(-1)
        return at.s, at.z, torch.softmax(cells + log_z + log_s, dim=0)

    def heads(self, s: Tensor, z: Tensor) -> list[tuple[Likelihood, Tensor, Tensor]]:
        """Every likelihood with its location and shape."""
        y = torch.einsum("...d,dpy->...py", z, self.to_y) + self.to_y_bias
        found = []
        for likelihood, of_y, of_s, free in zip(
            self.likelihoods, self.y_to_location, self.s_to_location, self.s_to_shape, strict=True
        ):
            location = torch.einsum("...cy,cyk->...ck", y[..., likelihood.columns, :], of_y)
            location = location + torch.einsum("...l,lck->...ck", s, of_s)
            found.append((likelihood, location, torch.einsum("...l,lck->...ck", s, likelihood.constrain(free))))
        return found

    def log_prob(self, values: Tensor, s: Tensor, z: Tensor) -> Tensor:
        """Log likelihood of every cell (..., rows, p) given the latent variables."""
        cells = torch.zeros((*z.shape[:-1], values.shape[1]), device=z.device)
        for likelihood, location, shape in self.heads(s, z):
            own = values[:, likelihood.columns]
            cells[..., likelihood.columns] = likelihood.log_prob(own, location, shape)
        return cells

    def bound(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Evidence lower bound of the observed cells of each row, shape (rows,) (section 3.2).

        As in the authors' code the divergence of s is that of the categorical distribution, which for a relaxed s
        makes the bound an approximate one.
        """
        hidden, log_q = self.encoded(batch.inputs)
        at = self.latent(hidden, log_q, generator)
        apart_s = (torch.exp(log_q) * (log_q + math.log(self.sizes.s))).sum(-1)
        cells = self.log_prob(batch.values, at.s, at.z) * batch.observed
        return cells.sum(-1) - at.divergence(at.s @ self.prior) - apart_s
