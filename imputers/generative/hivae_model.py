"""The network of HI-VAE: encoder, Gaussian-mixture prior, one head per column, bound and posterior samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from imputers.generative.likelihoods import Likelihood


@dataclass(frozen=True)
class Sizes:
    """Mixture components s, latent dimensions z, dimensions y of each column's own code, hidden units."""

    s: int
    z: int
    y: int
    hidden: int


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows as the network reads them.

    Parameters
    ----------
    inputs : standardised encoder inputs (rows, q), 0 where missing.
    values : numbers and level positions (rows, p), 0 where missing.
    observed : shape (rows, p).
    """

    inputs: Tensor
    values: Tensor
    observed: Tensor

    def rows(self, index: Tensor | slice) -> "Batch":
        """Some of the rows."""
        return Batch(self.inputs[index], self.values[index], self.observed[index])

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, eq=False)
class Particles:
    """Posterior samples of S latent states per row with self-normalised importance weights.

    Parameters
    ----------
    s, z : component as one-hot (S, rows, L) and latent position (S, rows, d).
    weights : shape (S, rows), summing to one over S.
    """

    s: Tensor
    z: Tensor
    weights: Tensor


class Network(nn.Module):
    """HI-VAE (Nazábal et al. 2020), input-dropout encoder.

    s ~ Categorical(1/L), z | s ~ N(μ(s), I), y = g(z) split by column, x_j ~ its likelihood with locations
    from (y_j, s) and shapes from s. Weights start at N(0, 0.05²) as in the reference code; the intercepts
    of the heads start at the columns' margins, which saves the epochs that would find them.
    """

    def __init__(self, likelihoods: Sequence[Likelihood], n_inputs: int, sizes: Sizes, generator: torch.Generator):
        super().__init__()
        p = sum(len(likelihood.columns) for likelihood in likelihoods)
        self.likelihoods = list(likelihoods)
        self.sizes = sizes

        def weight(*shape: int) -> nn.Parameter:
            return nn.Parameter(0.05 * torch.randn(*shape, generator=generator, device=generator.device))

        def he(*shape: int) -> nn.Parameter:
            return nn.Parameter(math.sqrt(2 / shape[0]) * torch.randn(*shape, generator=generator, device=generator.device))

        self.encode, self.encode_bias = he(n_inputs, sizes.hidden), weight(sizes.hidden)
        self.to_s, self.to_s_bias = weight(sizes.hidden, sizes.s), weight(sizes.s)
        self.to_z, self.to_z_of_s = weight(sizes.hidden, 2 * sizes.z), weight(sizes.s, 2 * sizes.z)
        self.prior = weight(sizes.s, sizes.z)
        self.to_y, self.to_y_bias = weight(sizes.z, p, sizes.y), weight(p, sizes.y)
        starts = [likelihood.start() for likelihood in likelihoods]
        self.of_y = nn.ParameterList([weight(location.shape[0], sizes.y, location.shape[1]) for location, _ in starts])
        self.of_s = nn.ParameterList([_around(location, sizes.s, weight) for location, _ in starts])
        self.shape_of_s = nn.ParameterList([_around(shape, sizes.s, weight) for _, shape in starts])

    def posterior(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden units (rows, hidden) and log q(s | x), shape (rows, L)."""
        hidden = torch.relu(inputs @ self.encode + self.encode_bias)
        return hidden, torch.log_softmax(hidden @ self.to_s + self.to_s_bias, dim=-1)

    def position(self, hidden: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | x, s), shape (..., rows, d)."""
        both = hidden @ self.to_z + s @ self.to_z_of_s
        return both[..., : self.sizes.z], both[..., self.sizes.z :].clamp(-8.0, 4.0)

    def heads(self, s: Tensor, z: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Locations and shapes of every likelihood."""
        y = torch.einsum("...d,dpy->...py", z, self.to_y) + self.to_y_bias
        found = []
        for likelihood, of_y, of_s, shape_of_s in zip(
            self.likelihoods, self.of_y, self.of_s, self.shape_of_s, strict=True
        ):
            location = torch.einsum("...cy,cyk->...ck", y[..., likelihood.columns, :], of_y)
            location = location + torch.einsum("...l,lck->...ck", s, of_s)
            shapes = likelihood.constrain(shape_of_s) if hasattr(likelihood,"constrain") else shape_of_s
            found.append((location, torch.einsum("...l,lck->...ck", s, shapes)))
        return found

    def log_prob(self, batch: Batch, s: Tensor, z: Tensor) -> Tensor:
        """Log likelihood of every cell given the latent state, 0 where missing; shape (..., rows, p)."""
        cells = torch.zeros((*z.shape[:-1], batch.values.shape[1]), device=z.device)
        for likelihood, (location, shape) in zip(self.likelihoods, self.heads(s, z), strict=True):
            j = likelihood.columns
            cells[..., j] = likelihood.log_prob(batch.values[:, j], location, shape)
        return cells * batch.observed

    def bound(self, batch: Batch, temperature: float, generator: torch.Generator) -> Tensor:
        """Evidence lower bound of each row's observed cells, shape (rows,) (equation 5 of the paper)."""
        hidden, log_q = self.posterior(batch.inputs)
        s = torch.softmax((log_q + _gumbel(log_q, generator)) / temperature, dim=-1)
        mean, log_variance = self.position(hidden, s)
        z = mean + torch.exp(log_variance / 2) * torch.randn(mean.shape, generator=generator, device=mean.device)
        kl_z = 0.5 * (torch.exp(log_variance) + (mean - s @ self.prior) ** 2 - 1 - log_variance).sum(-1)
        kl_s = (torch.exp(log_q) * (log_q + math.log(self.sizes.s))).sum(-1)
        return self.log_prob(batch, s, z).sum(-1) - kl_z - kl_s

    def particles(self, batch: Batch, n_samples: int, generator: torch.Generator) -> Particles:
        """Sample the latent state of each row from q, weighted by p(x°, z, s) / q(z, s | x°)."""
        hidden, log_q = self.posterior(batch.inputs)
        index = torch.multinomial(torch.exp(log_q), n_samples, replacement=True, generator=generator).T
        s = nn.functional.one_hot(index, self.sizes.s).to(log_q.dtype)
        mean, log_variance = self.position(hidden, s)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        z = mean + torch.exp(log_variance / 2) * noise
        log_z = -0.5 * ((z - s @ self.prior) ** 2).sum(-1) + 0.5 * (noise**2 + log_variance).sum(-1)
        log_s = -torch.einsum("srl,rl->sr", s, log_q)
        weights = torch.softmax(self.log_prob(batch, s, z).sum(-1) + log_z + log_s, dim=0)
        return Particles(s, z, weights)


def _around(start: Tensor, components: int, weight) -> nn.Parameter:
    return nn.Parameter(weight(components, *start.shape).detach() + start)


def _gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    uniform = torch.rand(like.shape, generator=generator, device=like.device).clamp(1e-9, 1 - 1e-6)
    return -torch.log(-torch.log(uniform))
