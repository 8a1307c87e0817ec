"""Forward passes of a language model: prompts read into a key-value cache, and questions asked of it."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel

from imputers.llm.prompts.script import Tokens
from imputers.llm.scoring.packing import Block, Pack, pack, pack_branches
from imputers.shared.vocabulary import Positions

HEAD_PLACES = 512  # places where the head works at once: each has as many logits as there are tokens


@dataclass(frozen=True, eq=False)
class PrefixCache:
    """Keys and values of what a model has read of b respondents.

    Parameters
    ----------
    cache : keys and values, padded where the prompts of other respondents are longer.
    seen : which places of the cache hold a token of the respondent, shape (b, places).
    """

    cache: DynamicCache
    seen: NDArray[np.bool_]

    @classmethod
    def empty(cls, b: int) -> "PrefixCache":
        """Of b respondents of whom nothing has been read."""
        return cls(DynamicCache(), np.zeros((b, 0), dtype=bool))


def read(model: PreTrainedModel, prefix: PrefixCache, texts: Sequence[Tokens]) -> PrefixCache:
    """Go on with a text per respondent.

    Parameters
    ----------
    prefix : of the respondents of ``texts``, or of more, of whom the last are dropped. It is used up.
    texts : tokens per respondent, of any lengths.
    """
    b = len(texts)
    if b < len(prefix.seen):
        prefix.cache.batch_select_indices(slice(b))  # a view; indices would copy
    seen = prefix.seen[:b]
    packed = pack(texts, [[]] * b, seen)
    if any(texts):
        with torch.no_grad():
            _states(model, packed, prefix.cache)
    lengths = np.array([len(text) for text in texts])
    here = np.arange(packed.input_ids.shape[1]) < lengths[:, None]
    return PrefixCache(prefix.cache, np.concatenate([seen, here], axis=1))


def ask(model: PreTrainedModel, prefix: PrefixCache, rows: Sequence[int], blocks: Sequence[Sequence[Block]]) -> Tensor:
    """Log-probability (options,) of every option of questions, each as if it were the only one after what was read.

    Options are in the order of `imputers.llm.scoring.packing.pack`.

    Parameters
    ----------
    prefix : stays as it is.
    rows : respondents of the cache, in any order and number.
    blocks : questions to each of them.
    """
    cache = DynamicCache()
    cache.layers = [copy(layer) for layer in prefix.cache.layers]  # the same tensors, until the pass makes longer ones
    if list(rows) != list(range(len(prefix.seen))):
        cache.batch_select_indices(torch.tensor(rows))
    with torch.no_grad():
        return log_likelihoods(model, pack([()] * len(rows), blocks, prefix.seen[list(rows)]), cache)


def go_on(
    model: PreTrainedModel,
    cache: DynamicCache,
    blocks: Sequence[Sequence[Block]],
    seen: Sequence[Sequence[NDArray[np.bool_]]],
) -> Tensor:
    """Log-probability (options,) of every option of questions that are asked and stay read, in the order of the blocks.

    Parameters
    ----------
    cache : it grows by what is asked.
    blocks : questions per row of the cache, blind to each other.
    seen : for each of them, which places of the cache it looks back on, shape (places,).
    """
    with torch.no_grad():
        return log_likelihoods(model, pack_branches(blocks, seen), cache)


def keep(cache: DynamicCache, rows: Positions, places: Positions) -> None:
    """Forget all but some places (b, kept) of some rows (b,), which may come more than once."""
    for layer in cache.layers:
        layer.keys, layer.values = (
            held[torch.from_numpy(rows[:, None]), :, torch.from_numpy(places)].transpose(1, 2)
            for held in (layer.keys, layer.values)
        )


def log_likelihoods(model: PreTrainedModel, packed: Pack, cache: Cache | None = None) -> Tensor:
    """Log-probability of every packed option, in float32, differentiable, shape (options,).

    The head works only where something is predicted.

    Parameters
    ----------
    model : causal language model whose logits are its head's output, on any device, in any precision.
    packed : of `imputers.llm.scoring.packing.pack`.
    cache : keys and values of what was read before; it grows by what is packed.
    """
    states = _states(model, packed, cache)
    states = states[packed.rows.to(states.device), packed.columns.to(states.device)]
    head, sources, targets = model.get_output_embeddings(), packed.sources, packed.targets
    parts = []
    for start in range(0, len(states), HEAD_PLACES):
        shares = head(states[start : start + HEAD_PLACES]).float().log_softmax(dim=1)
        here = (sources >= start) & (sources < start + HEAD_PLACES)  # neighbours, since sources ascend
        parts.append(shares[(sources[here] - start).to(shares.device), targets[here].to(shares.device)])
    predicted = torch.cat(parts)
    prediction, option = packed.spelling.to(predicted.device)
    return predicted.new_zeros(packed.n_options).index_add(0, option, predicted[prediction])


def _states(model: PreTrainedModel, packed: Pack, cache: Cache | None) -> Tensor:
    """Last hidden state at every place, shape (b, length, hidden)."""
    words = next(model.get_input_embeddings().parameters())
    hidden = torch.where(packed.visible.to(words.device), 0.0, torch.finfo(words.dtype).min).to(words.dtype)
    # adapters are in float32, and would otherwise turn every layer's input into it
    with torch.autocast(words.device.type, torch.bfloat16, enabled=words.dtype == torch.bfloat16):
        return model.get_decoder()(
            input_ids=packed.input_ids.to(words.device),
            position_ids=packed.position_ids.to(words.device),
            attention_mask=hidden[:, None],  # given in full, since one of two dimensions would be made causal
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state
