"""The network of MIWAE: encoder, decoder with a head per column, importance weights and the bound made of them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from datasets.schema import Schema
from imputers.generative.networks.encoding import Batch
from imputers.generative.networks.likelihoods import Likelihood, Nominal, Ordinal, Real, StudentT
from imputers.shared.noise import normal
from imputers.shared.randomness import seed_from, seeded

SMALLEST_SCALE = 1e-3  # of Student's t, as in the authors' code, on the standardised scale

Head = tuple[Likelihood, Tensor, Tensor]  # with its location (..., c, k) and shape (..., c, l)


class Fill(Protocol):
    """What the holes of some columns are filled from: a likelihood, or one that knows that they are holes."""

    @property
    def columns(self) -> Tensor:
        """Positions of the columns in the table, shape (c,)."""

    def mean(self, location: Tensor, shape: Tensor) -> Tensor:
        """Expected number (..., c, 1), or probability of each level (..., c, K)."""

    def sample(self, location: Tensor, shape: Tensor, generator: torch.Generator) -> Tensor:
        """One value for each parameter, shape (..., c)."""


@dataclass(frozen=True)
class Sizes:
    """Latent dimensions, and units of each hidden layer."""

    latent: int
    hidden: int


class BentLine(nn.Module):
    """A linear function, plus one with two hidden layers that is zero at the start.

    So learning goes from straight to curved dependence, and far from the data the function still follows a line.
    """

    def __init__(self, n_inputs: int, n_hidden: int, n_outputs: int) -> None:
        super().__init__()
        last = nn.Linear(n_hidden, n_outputs, bias=False)
        nn.init.zeros_(last.weight)
        self.line = nn.Linear(n_inputs, n_outputs)
        self.bend = nn.Sequential(
            nn.Linear(n_inputs, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_hidden), nn.ReLU(), last
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map x (..., inputs) to (..., outputs)."""
        return self.line(x) + self.bend(x)


class Network(nn.Module):
    """Deep latent variable model of mixed cells (Mattei & Frellsen 2019, section 2).

    z ~ N(0, I), and each cell follows its column's likelihood, whose location and shape the decoder reads from z. The
    decoder's intercepts start at the columns' margins. The encoder reads the inputs and which cells are observed.

    Parameters
    ----------
    likelihoods : of all columns, each column once.
    n_inputs : width q of the inputs.
    sizes : of the layers.
    generator : source of the first weights.
    """

    def __init__(
        self, likelihoods: Sequence[Likelihood], n_inputs: int, sizes: Sizes, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.likelihoods = list(likelihoods)
        starts = [table for likelihood in likelihoods for table in likelihood.start()]  # location, shape, location, …
        self.cuts = [table.shape for table in starts]
        margin = torch.cat([table.flatten() for table in starts]).cpu()
        p = sum(len(likelihood.columns) for likelihood in likelihoods)
        with seeded(seed_from(generator), torch.device("cpu")):
            self.encoder = BentLine(n_inputs + p, sizes.hidden, 2 * sizes.latent)
            self.decoder = BentLine(sizes.latent, sizes.hidden, len(margin))
        self.decoder.line.bias = nn.Parameter(margin)

    @property
    def fills(self) -> Sequence[Fill]:
        """What holes are filled from, head by head."""
        return self.likelihoods

    def stages(self) -> Iterator[float]:
        """Make the network ready for each stage of its training and give the stage's share of all steps."""
        yield 1.0

    def groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """Parameters as an optimiser wants them: weights decay, intercepts do not."""
        layers = [*self.encoder.parameters(), *self.decoder.parameters()]
        return [
            {"params": [part for part in layers if part.ndim > 1], "lr": learning_rate, "weight_decay": weight_decay},
            {"params": [part for part in layers if part.ndim == 1], "lr": learning_rate, "weight_decay": 0.0},
        ]

    def samples(self, batch: Batch, n_samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Sample z from q(z | x), shape (samples, rows, d), and give log p(z) / q(z | x), shape (samples, rows)."""
        inputs = torch.cat([batch.inputs, batch.observed], dim=-1)
        mean, log_deviation = self.encoder(inputs).chunk(2, dim=-1)
        log_deviation = log_deviation.clamp(-6.0, 2.0)
        z = mean + torch.exp(log_deviation) * normal((n_samples, *mean.shape), generator, mean.device)
        # the gradient by way of q's own parameters, which is mostly noise, is left out here and made up for in `weigh`
        noise = (z - mean.detach()) / torch.exp(log_deviation.detach())
        return z, ((noise**2 - z**2) / 2 + log_deviation.detach()).sum(-1)

    def heads(self, z: Tensor) -> list[Head]:
        """Every likelihood with its location and shape at positions z (..., d)."""
        parts = self.decoder(z).split([cut.numel() for cut in self.cuts], dim=-1)
        tables = [part.unflatten(-1, cut) for part, cut in zip(parts, self.cuts, strict=True)]
        return [
            (likelihood, location, likelihood.constrain(free))
            for likelihood, location, free in zip(self.likelihoods, tables[::2], tables[1::2], strict=True)
        ]

    def cells(self, batch: Batch, heads: Sequence[Head]) -> Tensor:
        """Log likelihood of each observed cell, and 0 for the others; shape (samples, rows, p)."""
        found = torch.zeros((*heads[0][1].shape[:-2], batch.values.shape[1]), device=batch.values.device)
        for likelihood, location, shape in heads:
            found[..., likelihood.columns] = likelihood.log_prob(batch.values[:, likelihood.columns], location, shape)
        return found * batch.observed

    def weigh(self, batch: Batch, n_samples: int, generator: torch.Generator) -> tuple[list[Head], Tensor]:
        """Heads at positions sampled from q, and log importance weights log p(x, z) / q(z | x), (samples, rows)."""
        z, log_ratio = self.samples(batch, n_samples, generator)
        heads = self.heads(z)
        log_weights = log_ratio + self.cells(batch, heads).sum(-1)
        if z.requires_grad:  # doubly reparameterised gradient (Tucker et al. 2019, ICLR, equation 8)
            weights = log_weights.detach().softmax(0).unsqueeze(-1)
            z.register_hook(lambda gradient: gradient * weights)
        return heads, log_weights

    def bound(self, batch: Batch, n_samples: int, generator: torch.Generator) -> Tensor:
        """Importance-weighted lower bound of each row's log likelihood, shape (rows,) (equation 4)."""
        return self.weigh(batch, n_samples, generator)[1].logsumexp(0) - math.log(n_samples)


def with_student_t(likelihoods: Sequence[Likelihood], schema: Schema) -> list[Likelihood]:
    """Put Student's t in the place of the Gaussian.

    Its scale is at least 0.001, and where values are rounded at least the error of rounding, 10^-decimals / √12: a
    density on round numbers could otherwise grow without bound around each of them.
    """
    found = []
    for likelihood in likelihoods:
        if type(likelihood) is Real:
            decimals = [schema.columns[j].decimals for j in likelihood.columns.tolist()]
            errors = torch.tensor([0.0 if places is None else 10.0**-places / math.sqrt(12) for places in decimals])
            floor = (errors.to(likelihood.scale.device) / likelihood.scale).clamp(min=SMALLEST_SCALE)
            likelihood = StudentT(likelihood.columns, likelihood.centre, likelihood.scale, floor)
        found.append(likelihood)
    return found


def by_width(likelihoods: Sequence[Likelihood]) -> list[Likelihood]:
    """Part categorical likelihoods so that columns share one only if their numbers of levels are alike.

    One column of many levels would otherwise pad all others: widths 2, 3 to 4, 5 to 8, and so on, stay together.
    """
    found: list[Likelihood] = []
    for likelihood in likelihoods:
        if not isinstance(likelihood, Nominal | Ordinal):
            found.append(likelihood)
            continue
        n_levels = (~likelihood.margins.isnan()).sum(1)
        doublings = torch.ceil(torch.log2(n_levels))
        for doubling in doublings.unique():
            own = doublings == doubling
            margins = likelihood.margins[own, : int(n_levels[own].max())]
            found.append(replace(likelihood, columns=likelihood.columns[own], margins=margins))
    return found
