"""The network of AimNet: a vector per cell, attention between attributes, a decoder per attribute."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, normalize

from datasets.schema import Floats
from imputers.generative.networks.encoding import Batch
from imputers.generative.networks.likelihoods import Likelihood, Nominal
from imputers.shared.noise import uniform

LIGHTEST = -30.0  # least logarithm of a weight relative to the heaviest, so that a sum over the others is never zero


class Network(nn.Module):
    """AimNet (Wu et al. 2020).

    Parameters
    ----------
    likelihoods : of all columns, each column once; items with labels are `Nominal`.
    centre, scale : mean and standard deviation of numeric columns, shape (p,); those of others are not read.
    size : of the vectors, k.
    rate : share of a row's observed attributes that a training step hides from the encoder.
    generator : source of the first weights.
    """

    order: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        likelihoods: Sequence[Likelihood],
        centre: Tensor,
        scale: Tensor,
        size: int,
        rate: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()

        def weight(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(shape, generator=generator) / math.sqrt(size))

        self.likelihoods, self.rate = list(likelihoods), rate
        self.register_buffer("order", torch.cat([likelihood.columns.cpu() for likelihood in likelihoods]))
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)
        self.query, self.key = weight(len(centre), size), weight(len(centre), size)
        self.encoders, self.decoders, self.intercepts = (nn.ParameterList() for _ in range(3))
        for likelihood in likelihoods:
            start = torch.cat(likelihood.start(), dim=-1).cpu()  # locations, then shapes
            c, k = start.shape
            if isinstance(likelihood, Nominal):
                self.encoders.append(nn.ParameterList([weight(c, k + 1, size)]))
                self.decoders.append(nn.ParameterList([weight(c, size, k)]))
            else:
                self.encoders.append(nn.ParameterList([weight(c, 1, size), weight(c, 1, size), weight(c, size, size)]))
                self.decoders.append(nn.ParameterList([weight(c, size, size), weight(c, 1, size), weight(c, size, k)]))
            self.intercepts.append(start.unsqueeze(1))

    def logits(self) -> Tensor:
        """Unnormalised log weight of each attribute (second axis) for each target (first), shape (p, p)."""
        return self.query @ self.key.T / math.sqrt(self.query.shape[1])

    def vectors(self, values: Tensor) -> Tensor:
        """One vector of length one for each cell, shape (p, rows, k), columns in `order`; meaningless if missing."""
        found = []
        for likelihood, encoder in zip(self.likelihoods, self.encoders, strict=True):
            own = values[:, likelihood.columns].T
            if isinstance(likelihood, Nominal):
                c, n_levels, size = encoder[0].shape
                first = n_levels * torch.arange(c, device=own.device).unsqueeze(1)
                found.append(embedding(own.long() + first, normalize(encoder[0], dim=-1).view(-1, size)))
            else:
                slope, at, turn = encoder
                z = (own - self.centre[likelihood.columns, None]) / self.scale[likelihood.columns, None]
                found.append(normalize(torch.relu(z.unsqueeze(-1) * slope + at) @ turn, dim=-1))
        return torch.cat(found)

    def heads(self, values: Tensor, seen: Tensor) -> list[tuple[Likelihood, Tensor, Tensor]]:
        """Every likelihood with its location and shape, given the cells that are seen (rows, p)."""
        context = attend(self.logits(), seen[:, self.order].T, self.vectors(values))
        parts = context.split([len(likelihood.columns) for likelihood in self.likelihoods])
        found = []
        for likelihood, own, decoder, intercept in zip(
            self.likelihoods, parts, self.decoders, self.intercepts, strict=True
        ):
            if not isinstance(likelihood, Nominal):
                own = torch.relu(own @ decoder[0] + decoder[1])
            both = (own @ decoder[-1] + intercept).transpose(0, 1)
            n_locations = likelihood.start()[0].shape[1]
            location, free = both[..., :n_locations], both[..., n_locations:]
            found.append((likelihood, location, likelihood.constrain(free)))
        return found

    def log_prob(self, values: Tensor, seen: Tensor) -> Tensor:
        """Log likelihood of every cell given the other cells that are seen, shape (rows, p)."""
        cells = torch.zeros_like(values)
        for likelihood, location, shape in self.heads(values, seen):
            cells[:, likelihood.columns] = likelihood.log_prob(values[:, likelihood.columns], location, shape)
        return cells

    def attention(self) -> Floats:
        """Weights with all attributes seen, targets first, columns as in the table, shape (p, p)."""
        p = len(self.order)
        with torch.no_grad():
            # the average of unit vectors gives the weights
            everything = torch.eye(p, device=self.order.device).unsqueeze(1)
            weights = attend(self.logits(), torch.ones_like(everything[:, :, 0]), everything).squeeze(1)
        back = torch.argsort(self.order)
        return weights[back][:, back].cpu().numpy().astype(float)

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Mean negative log likelihood of the observed cells, each given the others that the step does not hide."""
        kept = uniform(batch.observed.shape, generator, batch.observed.device) >= self.rate
        cells = self.log_prob(batch.values, batch.observed * kept)
        return -batch.mean(cells)


def attend(logits: Tensor, seen: Tensor, vectors: Tensor) -> Tensor:
    """Average, for each target, the vectors of the other attributes that are seen.

    The weights are the softmax of a row of logits over the attributes that are seen, without the target itself. As
    they depend on the row of the table through the mask alone, exponentials are taken once for all rows, and
    numerators and denominators are one matrix product each; no array rows × p × p is ever made.

    Parameters
    ----------
    logits : (p, p), targets first.
    seen : 1 where an attribute may be used, else 0, shape (p, rows).
    vectors : (p, rows, k).

    Returns
    -------
    context : shape (p, rows, k); zero where no other attribute is seen.
    """
    others = 1 - torch.eye(len(logits), device=logits.device)
    relative = logits - logits.detach().amax(dim=1, keepdim=True)
    weights = torch.exp(relative.clamp(min=LIGHTEST)) * others
    total = (weights @ seen).clamp(min=1e-20)  # zero only where nothing is seen, and then the sum is zero too
    return torch.tensordot(weights, seen.unsqueeze(-1) * vectors, 1) / total.unsqueeze(-1)
