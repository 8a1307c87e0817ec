"""The prompt as a set: answers that all slots see, and questions that nobody sees."""

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from imputers.llm.vocabulary import Vocabulary


def allowed_words(vocabulary: Vocabulary) -> Tensor:
    """Zero where a word answers an item, minus infinity elsewhere, shape (p, words)."""
    p = len(vocabulary.items)
    answers = (vocabulary.item_of == np.arange(p)[:, None]) & (np.arange(len(vocabulary)) >= p)
    return torch.where(torch.from_numpy(answers), 0.0, -torch.inf)


def attention_mask(known: Tensor) -> Tensor:
    """What each slot may look at, added to the attention scores, shape (b, 1, slots, slots).

    Every slot sees the known ones and itself, so that a question's answer is no matter of what else is
    asked. It is given in full since a language model makes a mask of two dimensions causal.

    Parameters
    ----------
    known : slots that hold an answer, shape (b, slots).
    """
    seen = known[:, None, :] | torch.eye(known.shape[1], dtype=torch.bool)
    return torch.where(seen, 0.0, torch.finfo(torch.float32).min)[:, None]


def answer_logits(model: PreTrainedModel, shown: Tensor, asked: Tensor, allowed: Tensor) -> Tensor:
    """Scores of all words at the asked slots, minus infinity for words that answer another item.

    The head works on the asked slots alone. All positions are 0, where rotary embeddings turn nothing:
    slots have no order, and a slot's word says which item it is about.

    Parameters
    ----------
    shown : a word per slot, shape (b, slots); questions are the words 0…p-1.
    asked : slots whose questions are to be answered, shape (b, slots).
    allowed : of `allowed_words`.

    Returns
    -------
    Tensor
        Shape (asked slots, words), in row-major order of ``asked``.
    """
    states = model.get_decoder()(
        input_ids=shown,
        attention_mask=attention_mask(shown >= len(allowed)),
        position_ids=torch.zeros_like(shown),
        use_cache=False,
    ).last_hidden_state
    return model.get_output_embeddings()(states[asked]) + allowed[shown[asked]]
