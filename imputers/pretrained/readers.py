"""Two ways to read a tuple: its pairs each on its own, or all of them as one text."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from datasets.schema import Kind
from imputers.pretrained.encoder import AT_A_TIME, TextEncoder, in_order
from imputers.pretrained.pairs import Pairs


@dataclass(frozen=True, eq=False)
class Claims:
    """Tuples and candidates as read.

    Parameters
    ----------
    tuples : vectors of tuples (t, width).
    tuple_of : which of them is that of a candidate (cells, c).
    candidates : vectors of candidates (k, width).
    candidate_of : which of them is that of a candidate (cells, c).
    """

    tuples: Tensor
    tuple_of: Tensor
    candidates: Tensor
    candidate_of: Tensor


class PairReader(nn.Module):
    """Each pair is read on its own, and a tuple is the sum of its pairs' vectors, divided by √p.

    A pair of a closed question stands in many rows: its vector starts as the encoder's and is then learned itself.
    A free string stands in few: the encoder's upper layers read it anew in every step, and learn. Vectors are centred
    column by column at the start, so that a pair says in what it differs from other answers, not what was asked, and a
    missing answer, which adds nothing, counts as a usual one. States below the upper layers are kept: memory grows by
    4 bytes times the width for each token of each distinct string.

    Parameters
    ----------
    encoder : of texts.
    pairs : all that can occur.
    """

    def __init__(self, encoder: TextEncoder, pairs: Pairs) -> None:
        super().__init__()
        self.encoder = encoder
        free = np.repeat([item.column.kind is Kind.TEXT for item in pairs.items], np.diff(pairs.starts))
        start, self._strings = self._read(pairs, free)
        columns = [start[first:last] for first, last in zip(pairs.starts[:-1], pairs.starts[1:], strict=True)]
        centre = torch.cat([own.mean(dim=0).expand_as(own) for own in columns])
        self._scale = float((start - centre).std())
        self._centre = centre[torch.from_numpy(free)].to(encoder.device)
        self.closed = nn.Parameter(((start - centre) / self._scale)[torch.from_numpy(~free)].to(encoder.device))
        self._free = torch.from_numpy(free)
        self._place = torch.from_numpy(np.where(free, np.cumsum(free), np.cumsum(~free)) - 1)

    def _read(self, pairs: Pairs, free: np.ndarray) -> tuple[Tensor, list[Tensor]]:
        """Vectors of all pairs (pairs, width), on the processor, and free strings' states below the tuned layers."""
        vectors, strings = torch.empty(len(free), self.encoder.width), dict[int, Tensor]()
        for chosen in (free, ~free):
            numbers = np.flatnonzero(chosen)
            for part, states, known in self.encoder.blocks([pairs.texts[k] for k in numbers]):
                with torch.no_grad():
                    vectors[torch.from_numpy(numbers[part])] = self.encoder.above(states, known).cpu()
                if chosen is free:
                    strings |= {k: own[tokens] for k, own, tokens in zip(part, states, known, strict=True)}
        return vectors, [strings[k] for k in range(len(strings))]

    def vectors(self, pairs: Tensor) -> Tensor:
        """Vectors (k, width) of pairs (k,), zero for -1."""
        free, places = self._free[pairs], self._place[pairs]
        table = self.closed.new_zeros(len(pairs), self.encoder.width)
        for chosen, read in ((~free, self._closed_vectors), (free, self._string_vectors)):
            own = torch.nonzero(chosen & (pairs >= 0))[:, 0]
            if len(own):
                table = table.index_copy(0, own.to(table.device), read(places[own]))
        return table

    def _closed_vectors(self, places: Tensor) -> Tensor:
        return self.closed[places.to(self.closed.device)]

    def _string_vectors(self, places: Tensor) -> Tensor:
        strings = [self._strings[place] for place in places.tolist()]
        order = sorted(range(len(strings)), key=lambda k: len(strings[k]))
        parts = [order[start : start + AT_A_TIME] for start in range(0, len(order), AT_A_TIME)]
        read = in_order(parts, [self._above([strings[k] for k in part]) for part in parts])
        return (read - self._centre[places.to(read.device)]) / self._scale

    def _above(self, strings: list[Tensor]) -> Tensor:
        """Vectors (k, width) of strings, from their states below the tuned layers (tokens, width)."""
        lengths = torch.tensor([len(string) for string in strings], device=self.encoder.device)
        states = pad_sequence(strings, batch_first=True)
        return self.encoder.above(states, torch.arange(states.shape[1], device=lengths.device) < lengths[:, None])

    def tuples(self, pairs: Tensor) -> Tensor:
        """Vectors (rows, width) of tuples (rows, p)."""
        distinct, where = torch.unique(pairs, return_inverse=True)
        return _sums(where, self.vectors(distinct))

    def claims(self, pairs: Tensor, owners: Tensor, candidates: Tensor) -> Claims:
        """Tuples (rows, p) and candidates (cells, c) for those of their owners (cells,); each pair is read once."""
        distinct, where = torch.unique(torch.cat([pairs.flatten(), candidates.flatten()]), return_inverse=True)
        vectors = self.vectors(distinct)
        held, claimed = where.split([pairs.numel(), candidates.numel()])
        tuples = _sums(held.reshape(pairs.shape), vectors)
        return Claims(tuples, owners[:, None].expand_as(candidates), vectors, claimed.reshape(candidates.shape))


class TupleReader(nn.Module):
    """All pairs of a tuple are read as one text, as in the paper, and its vector is the mean of its tokens' states.

    Parameters
    ----------
    encoder : of texts; its upper layers learn.
    pairs : all that can occur.
    """

    def __init__(self, encoder: TextEncoder, pairs: Pairs) -> None:
        super().__init__()
        self.encoder = encoder
        self.norm = nn.LayerNorm(encoder.width)
        self._pairs = pairs

    def vectors(self, pairs: Tensor) -> Tensor:
        """Vectors (k, width) of pairs (k,), each a text of its own."""
        return self.tuples(pairs[:, None])

    def tuples(self, pairs: Tensor) -> Tensor:
        """Vectors (rows, width) of tuples (rows, p)."""
        return self.norm(self.encoder([self._pairs.text(row) for row in pairs.numpy()]))

    def claims(self, pairs: Tensor, owners: Tensor, candidates: Tensor) -> Claims:
        """Tuples (rows, p) of owners (cells,), each with one of its candidates (cells, c) as last pair."""
        given = candidates >= 0
        every = torch.cat([pairs[owners][:, None].expand(-1, candidates.shape[1], -1), candidates[..., None]], dim=2)
        distinct, claimed = torch.unique(candidates, return_inverse=True)
        numbers = (given.flatten().cumsum(0) - 1).clamp(min=0).reshape(given.shape)
        return Claims(self.tuples(every[given]), numbers, self.vectors(distinct), claimed)


def _sums(where: Tensor, vectors: Tensor) -> Tensor:
    """Sums (rows, width) of the vectors (k, width) that stand in each row (rows, p), divided by √p."""
    held = torch.zeros(len(where), len(vectors)).scatter(1, where, 1.0)  # only that of a hole stands in a row twice
    return held.to(vectors.device) @ vectors / where.shape[1] ** 0.5


Reader = PairReader | TupleReader
READERS: Mapping[str, type[PairReader] | type[TupleReader]] = {"pairs": PairReader, "tuples": TupleReader}
