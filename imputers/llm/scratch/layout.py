"""The prompt as a set: answers that keep to themselves, and questions that see answers but no other question."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import LlamaForCausalLM

from imputers.shared.vocabulary import Vocabulary

Drop = Callable[[Tensor], Tensor]


def allowed_words(vocabulary: Vocabulary) -> Tensor:
    """Zero where a word answers an item, minus infinity elsewhere, shape (p, words)."""
    p = len(vocabulary.items)
    answers = (vocabulary.item_of == np.arange(p)[:, None]) & (np.arange(len(vocabulary)) >= p)
    return torch.where(torch.from_numpy(answers), 0.0, -torch.inf)


def answer_logits(
    model: LlamaForCausalLM,
    prompt: Tensor,
    questions: Tensor,
    seen: Tensor,
    asked: Tensor,
    allowed: Tensor,
    drop: Drop = lambda outputs: outputs,
) -> Tensor:
    """Scores of all words at the asked questions, minus infinity for words that answer another item.

    It is what the network itself gives on the prompt followed by the questions, all at position 0, where rotary
    embeddings turn nothing: a word says which item it is about, and order is nothing. Every slot sees itself, and a
    question also the answers it may see. An answer so has the same keys and values wherever it stands: they are
    computed once for each word, and all other work is done for questions alone.

    Parameters
    ----------
    prompt : a word per slot, shape (b, slots).
    questions : words 0…p-1, shape (b, q).
    seen : slots that each question sees, shape (b, q, slots) or (b, 1, slots).
    asked : questions to be answered, shape (b, q).
    allowed : of `allowed_words`.
    drop : applied to what enters the questions' residual stream.

    Returns
    -------
    Tensor
        Shape (asked questions, words), in row-major order of ``asked``.
    """
    decoder = model.get_decoder()
    words = decoder.embed_tokens.weight
    state = drop(words[questions])
    itself = torch.eye(questions.shape[1], dtype=torch.bool)
    mask = torch.cat([seen.expand(*questions.shape, -1), itself.expand(len(questions), -1, -1)], dim=2)[:, None]
    for layer in decoder.layers:
        attention = layer.self_attn
        of_words, of_questions = layer.input_layernorm(words), layer.input_layernorm(state)
        values = attention.v_proj(of_words)
        keys_seen = torch.cat([attention.k_proj(of_words)[prompt], attention.k_proj(of_questions)], dim=1)
        values_seen = torch.cat([values[prompt], attention.v_proj(of_questions)], dim=1)
        asking, keys_seen, values_seen = (
            heads(x, attention.head_dim) for x in (attention.q_proj(of_questions), keys_seen, values_seen)
        )
        mixed = scaled_dot_product_attention(asking, keys_seen, values_seen, attn_mask=mask).transpose(1, 2).flatten(2)
        if layer is decoder.layers[-1]:
            state, mixed = state[asked], mixed[asked]
        else:  # an answer's attention to itself alone gives its own value
            words = words + attention.o_proj(values)
            words = words + layer.mlp(layer.post_attention_layernorm(words))
        state = state + drop(attention.o_proj(mixed))
        state = state + drop(layer.mlp(layer.post_attention_layernorm(state)))
    return model.get_output_embeddings()(decoder.norm(state)) + allowed[questions[asked]]


def heads(states: Tensor, size: int) -> Tensor:
    """Split vectors (b, slots, hidden) among the attention heads, shape (b, heads, slots, size)."""
    return states.unflatten(2, (-1, size)).transpose(1, 2)
