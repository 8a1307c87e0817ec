"""The network of ReMasker: columns as tokens, an encoder of the kept cells, a decoder of all, a head per column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot

from imputers.generative.networks.encoding import Batch
from imputers.generative.networks.likelihoods import Likelihood
from imputers.shared.noise import uniform


@dataclass(frozen=True)
class Sizes:
    """Width of a token, attention heads, blocks of the encoder and of the decoder."""

    width: int
    heads: int
    encoder: int
    decoder: int


class Block(nn.Module):
    """Self-attention and a two-layer perceptron, each after a normalisation and around a shortcut.

    The order is that of Dosovitskiy et al. (2021, ICLR), section 3.1; the hidden layer is twice as wide as a token.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mixing = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_attention, self.from_attention = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mixing = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor, seen: Tensor | None) -> Tensor:
        """Tokens (rows, t, width) after looking at those tokens that are seen (rows, 1, 1, t), at all if None."""
        rows, t, width = tokens.shape
        cut = self.to_attention(self.before_attention(tokens)).view(rows, t, 3, self.heads, width // self.heads)
        query, key, value = cut.permute(2, 0, 3, 1, 4)
        match = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5  # (rows, heads, t, t)
        if seen is not None:
            match = match.masked_fill(~seen, -torch.inf)
        found = torch.softmax(match, dim=-1) @ value
        tokens = tokens + self.from_attention(found.transpose(1, 2).reshape(rows, t, width))
        return tokens + self.mixing(self.before_mixing(tokens))


class Network(nn.Module):
    """Masked autoencoder over the columns of a table (Du, Melis & Wang 2024, section 3).

    Build it under a seed: layers draw their first weights from torch's global generator.

    Parameters
    ----------
    likelihoods : of all columns, each column once.
    owners : the column that each of the q inputs belongs to, shape (q,).
    sizes : of the layers.
    """

    owned: Tensor

    def __init__(self, likelihoods: Sequence[Likelihood], owners: NDArray[np.intp], sizes: Sizes) -> None:
        super().__init__()
        p, width = int(owners[-1]) + 1, sizes.width

        def weight(*shape: int) -> nn.Parameter:
            return nn.Parameter(0.02 * torch.randn(shape))

        self.likelihoods = list(likelihoods)
        self.register_buffer("owned", one_hot(torch.as_tensor(owners), p).float())
        self.embed = nn.Parameter(torch.randn(len(owners), width) / width**0.5)
        self.place, self.place_again = weight(p, width), weight(p, width)
        self.row, self.hole = weight(width), weight(width)
        self.encoder = nn.ModuleList(Block(width, sizes.heads) for _ in range(sizes.encoder))
        self.decoder = nn.ModuleList(Block(width, sizes.heads) for _ in range(sizes.decoder))
        self.after_encoder, self.after_decoder = nn.LayerNorm(width), nn.LayerNorm(width)
        self.starts = [likelihood.start() for likelihood in likelihoods]
        self.to_location = nn.ParameterList([weight(len(at), width, at.shape[1]) for at, _ in self.starts])
        self.to_shape = nn.ParameterList([weight(len(at), width, at.shape[1]) for _, at in self.starts])

    def encoded(self, inputs: Tensor, kept: Tensor) -> Tensor:
        """Tokens (rows, 1 + p, width) of the row and of its cells; a cell that is not kept has the token of a hole.

        As in the paper the encoder works on kept cells alone: these come first, and rows are cut at the longest.
        """
        rows = len(kept)
        cells = torch.einsum("rq,qp,qd->rpd", inputs, self.owned, self.embed) + self.place
        order = kept.argsort(dim=1, descending=True, stable=True)[:, : int(kept.sum(1).max())]
        index = order.unsqueeze(-1).expand(*order.shape, cells.shape[-1])
        tokens = torch.cat([self.row.expand(rows, 1, -1), cells.gather(1, index)], dim=1)
        seen = torch.cat([kept.new_ones(rows, 1), kept.gather(1, order)], dim=1)[:, None, None]
        for block in self.encoder:
            tokens = block(tokens, seen)
        tokens = self.after_encoder(tokens)
        back = torch.zeros_like(cells).scatter(1, index, tokens[:, 1:])
        return torch.cat([tokens[:, :1], torch.where(kept.unsqueeze(-1), back, self.hole)], dim=1)

    def heads(self, inputs: Tensor, kept: Tensor) -> list[tuple[Likelihood, Tensor, Tensor]]:
        """Every likelihood with location (rows, c, k) and shape (rows, c, l), given the kept cells (rows, p)."""
        tokens = self.encoded(inputs, kept)
        tokens = torch.cat([tokens[:, :1], tokens[:, 1:] + self.place_again], dim=1)
        for block in self.decoder:
            tokens = block(tokens, None)
        tokens = self.after_decoder(tokens[:, 1:])
        found = []
        for likelihood, start, to_location, to_shape in zip(
            self.likelihoods, self.starts, self.to_location, self.to_shape, strict=True
        ):
            own = tokens[:, likelihood.columns]
            location = start[0] + torch.einsum("rcd,cdk->rck", own, to_location)
            shape = start[1] + torch.einsum("rcd,cdk->rck", own, to_shape)
            found.append((likelihood, location, likelihood.constrain(shape)))
        return found

    def log_prob(self, values: Tensor, inputs: Tensor, kept: Tensor) -> Tensor:
        """Log likelihood of every cell (rows, p), given the kept ones."""
        cells = torch.zeros_like(values)
        for likelihood, location, shape in self.heads(inputs, kept):
            own = values[:, likelihood.columns]
            cells[:, likelihood.columns] = likelihood.log_prob(own, location, shape)
        return cells

    def loss(self, batch: Batch, mask_ratio: float, generator: torch.Generator) -> Tensor:
        """Reconstruction loss: mean negative log likelihood of the cells masked again, plus that of the cells kept."""
        observed = batch.observed > 0
        kept = observed & (uniform(observed.shape, generator, observed.device) >= mask_ratio)
        cells = self.log_prob(batch.values, batch.inputs, kept)
        return -_mean(cells, observed & ~kept) - _mean(cells, kept)


def _mean(cells: Tensor, some: Tensor) -> Tensor:
    """Mean of some cells, 0 if there are none."""
    return (cells * some).sum() / some.sum().clamp(min=1)
