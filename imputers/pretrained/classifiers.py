"""The networks above a reader: one softmax for each column (IPM-Multi), or a judge of candidates (IPM-Binary)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from datasets.schema import Floats
from imputers.pretrained.readers import Reader


class Heads(nn.Module):
    """Tuples to probabilities of the answers to every learned item, all from one reading.

    A softmax is linear in the tuple's vector and in a hidden layer upon it, and starts at the shares of
    the answers in the table.

    Parameters
    ----------
    reader : of tuples.
    shares : of the answers to each learned item, shapes (K,).
    n_hidden : units of the hidden layer.
    generator : source of first weights.
    """

    start: Tensor

    def __init__(self, reader: Reader, shares: Sequence[Floats], n_hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.reader = reader
        width = reader.encoder.width
        start = torch.full((len(shares), max(map(len, shares))), -torch.inf)
        for logs, own in zip(start, shares, strict=True):
            logs[: len(own)] = torch.as_tensor(own).log()
        self.register_buffer("start", start)
        self.inner = nn.Parameter(torch.randn(width, n_hidden, generator=generator) / width**0.5)
        self.inner_bias = nn.Parameter(torch.zeros(n_hidden))
        self.bias = nn.Parameter(torch.zeros(start.shape))
        self.weight = nn.Parameter(torch.zeros(*start.shape, width + n_hidden))

    def forward(self, pairs: Tensor) -> Tensor:
        """Log-probabilities (rows, items, answers), minus infinity beyond an item's last answer."""
        read = self.reader.tuples(pairs)
        features = torch.cat([read, torch.relu(read @ self.inner + self.inner_bias)], dim=1)
        return (self.start + self.bias + torch.einsum("rf,akf->rak", features, self.weight)).log_softmax(dim=-1)


class Match(nn.Module):
    """Tuples and candidates to logits that they belong together.

    The logit is an inner product between the candidate's vector and a map of the tuple's, with a hidden layer in it,
    plus a linear term of each.

    Parameters
    ----------
    reader : of tuples and pairs.
    n_hidden : units of the hidden layer.
    generator : source of first weights.
    """

    def __init__(self, reader: Reader, n_hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.reader = reader
        width = reader.encoder.width
        self.inner = nn.Parameter(torch.randn(width, n_hidden, generator=generator) / width**0.5)
        self.inner_bias = nn.Parameter(torch.zeros(n_hidden))
        self.mapped = nn.Parameter(torch.zeros(width + n_hidden, width))
        self.of_tuple = nn.Parameter(torch.zeros(width + n_hidden))
        self.of_claim = nn.Parameter(torch.zeros(width))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, pairs: Tensor, owners: Tensor, candidates: Tensor) -> Tensor:
        """Logits (cells, c) of candidates' pairs (cells, c) for the tuples (rows, p) of their owners (cells,).

        Those of a candidate of -1 mean nothing.
        """
        read = self.reader.claims(pairs, owners, candidates)
        features = torch.cat([read.tuples, torch.relu(read.tuples @ self.inner + self.inner_bias)], dim=-1)
        # all tuples by all candidates, of which some are asked for: a matrix product is cheaper than copies of vectors
        fits = features @ self.mapped @ read.candidates.T / self.reader.encoder.width**0.5
        fits = fits + (features @ self.of_tuple)[:, None] + read.candidates @ self.of_claim + self.bias
        return fits[read.tuple_of.to(fits.device), read.candidate_of.to(fits.device)]


def negatives(tried: Tensor, truth: Tensor, most: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Some of the candidates that are not the truth, all equally likely, and how many each of them stands for.

    Parameters
    ----------
    tried : candidates (cells, c), padded by -1.
    truth : shape (cells, 1).
    most : candidates chosen for a cell at most.
    generator : of the processor.

    Returns
    -------
    chosen : shape (cells, most), padded by -1.
    weights : shape (cells, most), 0 for padding; of a cell they sum to the number of candidates that are not the truth.
    """
    wrong = (tried >= 0) & (tried != truth)
    order = torch.where(wrong, torch.rand(tried.shape, generator=generator), -1.0).argsort(dim=1, descending=True)
    order = order[:, :most]
    taken = wrong.gather(1, order)
    stands_for = wrong.sum(dim=1, keepdim=True) / taken.sum(dim=1, keepdim=True).clamp(min=1)
    beyond = (0, most - order.shape[1])
    return pad(torch.where(taken, tried.gather(1, order), -1), beyond, value=-1), pad(taken * stands_for, beyond)
