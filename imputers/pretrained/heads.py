"""The classifier of IPM-Multi: one softmax per item over its observed answers, on the vector of a tuple."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from datasets.schema import Floats
from imputers.pretrained.readers import Reader


class Heads(nn.Module):
    """Tuples to probabilities of the answers to every item that is asked, all from one reading.

    A softmax is linear in the tuple's vector and in a hidden layer upon it, and starts at the shares of
    the answers in the table.

    Parameters
    ----------
    reader : of tuples.
    shares : of the answers to each item asked, shapes (K,).
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
