"""The classifier of IPM-Binary, which says whether a candidate is the missing answer of a tuple."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from imputers.pretrained.readers import Reader


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
