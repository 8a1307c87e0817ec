"""Packing: several questions in one sequence, under an attention mask by which each sees the prompt and itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imputers.llm.prompts.script import Tokens
from imputers.shared.vocabulary import Positions

MULTIPLE = 16  # of places: for every new shape oneDNN makes a routine, and keeps a thousand of them


@dataclass(frozen=True, eq=False)
class Block:
    """A question and its options as a tree: the stem, then a branch wherever options differ.

    Parameters
    ----------
    tokens : what the model reads, parents before children, shape (c,); the ends of options are only predicted.
    parents : node before each, shape (c,); -1 for the first, which follows the prompt.
    sources, targets : the model predicts token ``targets`` from node ``sources``, which ascend, shape (e,).
    paths : for each of the K options, which of the e predictions spell it.
    """

    tokens: Positions
    parents: Positions
    sources: Positions
    targets: Positions
    paths: tuple[Positions, ...]

    @classmethod
    def make(cls, stem: Tokens, options: Sequence[Tokens]) -> Self:
        """The tree of a stem and K options; for training the only option is the answer that was given."""
        said = sorted({option[:length] for option in options for length in range(1, len(option) + 1)})
        branching = {beginning[:-1] for beginning in said}  # what is followed by something has to be read
        read = [beginning for beginning in said if beginning in branching]
        node = {(): len(stem) - 1} | {beginning: len(stem) + i for i, beginning in enumerate(read)}
        predicted = sorted(said, key=lambda beginning: node[beginning[:-1]])
        prediction = {beginning: e for e, beginning in enumerate(predicted)}
        return cls(
            tokens=np.array([*stem, *(beginning[-1] for beginning in read)]),
            parents=np.array([*range(-1, len(stem) - 1), *(node[beginning[:-1]] for beginning in read)]),
            sources=np.array([node[beginning[:-1]] for beginning in predicted]),
            targets=np.array([beginning[-1] for beginning in predicted]),
            paths=tuple(np.array([prediction[option[: i + 1]] for i in range(len(option))]) for option in options),
        )

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def sees(self) -> NDArray[np.bool_]:
        """Which nodes each sees, itself and its ancestors, shape (c, c)."""
        seen = np.eye(len(self), dtype=bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node] |= seen[parent]
        return seen

    @cached_property
    def depths(self) -> Positions:
        """Number of ancestors of each node, shape (c,)."""
        return self.sees.sum(axis=1) - 1


@dataclass(frozen=True, eq=False)
class Pack:
    """What a model reads at once for b respondents, and which of its predictions spell which option.

    Options are numbered through: respondent by respondent, block by block.

    Parameters
    ----------
    input_ids, position_ids : shape (b, length); padded at the end, to a length of `padded`.
    visible : what each token sees of what was read before and of this, shape (b, length, before + length).
    rows, columns : where something is predicted, shape (s,).
    sources, targets : from which of the s places which token is predicted; sources ascend, shape (e,).
    spelling : prediction and the option that it is part of, shape (2, pairs).
    """

    input_ids: Tensor
    position_ids: Tensor
    visible: Tensor
    rows: Tensor
    columns: Tensor
    sources: Tensor
    targets: Tensor
    spelling: Tensor

    @property
    def n_options(self) -> int:
        """Number of options in all."""
        return int(self.spelling[1, -1]) + 1


def padded(length: int) -> int:
    """Places that a text of so many tokens is given, so that few shapes come up."""
    return -(-length // MULTIPLE) * MULTIPLE


def pack(
    prefixes: Sequence[Tokens],
    blocks: Sequence[Sequence[Block]],
    seen: NDArray[np.bool_] | None = None,
    told: Sequence[Sequence[range]] | None = None,
) -> Pack:
    """Lay out each respondent's prefix and behind it blocks that the attention mask keeps from each other.

    Every block's positions go on where the prefix ends, as if it were the only one.

    Parameters
    ----------
    prefixes : tokens per respondent, each of which sees those before.
    blocks : per respondent.
    seen : which places of what was read before hold a token of the respondent, shape (b, before); none by default.
    told : per respondent, places in the prefix that spell an answer to be predicted as well; it counts as an option,
        before those of the blocks.
    """
    b = len(prefixes)
    length = padded(max(len(prefix) + sum(map(len, own)) for prefix, own in zip(prefixes, blocks, strict=True)))
    seen = np.zeros((b, 0), dtype=bool) if seen is None else seen
    input_ids, position_ids = np.zeros((2, b, length), dtype=np.int64)
    # padding sees itself: attention to nothing is not a number
    here = np.tile(np.eye(length, dtype=bool), (b, 1, 1))
    places, targets = [], []
    spelled: list[Positions] = []
    n_predictions = 0
    for i, (prefix, own) in enumerate(zip(prefixes, blocks, strict=True)):
        end = len(prefix)
        input_ids[i, :end], position_ids[i, :end], here[i, :end, :end] = prefix, np.arange(end), np.tri(end)
        for answer in told[i] if told else ():
            places.append(i * length + np.array(answer) - 1)
            targets.append(np.array([prefix[place] for place in answer]))
            spelled.append(n_predictions + np.arange(len(answer)))
            n_predictions += len(answer)
        for block in own:
            start, end = end, end + len(block)
            input_ids[i, start:end] = block.tokens
            position_ids[i, start:end] = len(prefix) + block.depths
            here[i, start:end, : len(prefix)] = True
            here[i, start:end, start:end] = block.sees
            places.append(i * length + start + block.sources)
            targets.append(block.targets)
            spelled.extend(n_predictions + path for path in block.paths)
            n_predictions += len(block.targets)
    predicting, sources = np.unique(_joined(places), return_inverse=True)
    option = _joined([np.full(len(path), k) for k, path in enumerate(spelled)])
    visible = np.concatenate([np.broadcast_to(seen[:, None], (b, length, seen.shape[1])), here], axis=2)
    position_ids += seen.sum(axis=1, keepdims=True)
    rows, columns = np.divmod(predicting, length)
    spelling = np.stack([_joined(spelled), option])
    arrays = (input_ids, position_ids, visible, rows, columns, sources, _joined(targets), spelling)
    return Pack(*map(torch.from_numpy, arrays))


def pack_branches(blocks: Sequence[Sequence[Block]], seen: Sequence[Sequence[NDArray[np.bool_]]]) -> Pack:
    """Lay out questions that each look back on places of their own of what was read before.

    Parameters
    ----------
    blocks : per respondent.
    seen : of each block, shape (before,).
    """
    packed = pack([()] * len(blocks), blocks)
    earlier = np.zeros((*packed.input_ids.shape, len(seen[0][0])), dtype=bool)
    for i, own in enumerate(blocks):
        start = 0
        for block, places in zip(own, seen[i], strict=True):
            earlier[i, start : start + len(block)] = places
            start += len(block)
    before = torch.from_numpy(earlier)
    return replace(
        packed,
        position_ids=packed.position_ids + before.sum(dim=2),
        visible=torch.cat([before, packed.visible], dim=2),
    )


def _joined(parts: Sequence[Positions]) -> Positions:
    return np.concatenate([np.zeros(0, dtype=np.intp), *parts])
