"""Attention on a processor to few places: products of whole matrices, in which it is faster than torch's kernel there.

The kernel (Dao et al. 2022, FlashAttention, arXiv 2205.14135) never holds all scores of a text, and so takes many small
products. Of some hundred places the scores take little memory. In bfloat16 the products are then as fast as those of
linear layers, backward most of all; and queries that share keys (Ainslie et al. 2023, arXiv 2305.13245) are one matrix.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "whole"
MOST_PLACES = 1024  # looked back on; with more, scores take memory and the kernel is as fast


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,  # noqa: ANN401 - of the kernel
) -> tuple[Tensor, None]:
    """What each place takes from those it sees, shape (b, length, heads, width), as `transformers` asks for it.

    Parameters
    ----------
    query : shape (b, heads, length, width).
    key, value : shape (b, groups, places, width); each group is that of as many heads as any other.
    attention_mask : added to the scores, shape (b, 1, length, places). Without one, or with one of another kind, it is
        left to the kernel.
    """
    added = attention_mask if attention_mask is not None and attention_mask.is_floating_point() else None
    if added is None or dropout or scaling is None or key.shape[2] > MOST_PLACES:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
    b, heads, length, width = query.shape
    groups, places = key.shape[1:3]
    scores = (query * scaling).reshape(b, groups, -1, width) @ key.transpose(2, 3)
    scores = scores.view(b, heads, length, places).add_(added)
    taken = scores.softmax(dim=3).view(b, groups, -1, places) @ value
    return taken.view(b, heads, length, width).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)


def fastest_attention() -> str:
    """Name of the attention that a model of `transformers` is to be loaded with on this machine."""
    return "sdpa" if torch.cuda.is_available() else NAME
