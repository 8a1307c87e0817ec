"""Answers of a trained model: the probability of every answer to a hole, and holes drawn one after another."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import LlamaForCausalLM

from imputers.llm.scratch.layout import answer_logits

ROWS = 512  # rows that are answered at a time


def probabilities(model: LlamaForCausalLM, shown: Tensor, asked: Tensor, allowed: Tensor) -> NDArray[np.float64]:
    """Probability of every word at the asked slots, (asked slots, words); zero for words that answer another item.

    Parameters
    ----------
    shown : a word per item, shape (n, p): the answer's, which all questions see, or the question's.
    asked : holes to be answered, shape (n, p).
    allowed : of `imputers.llm.scratch.layout.allowed_words`.
    """
    slots = torch.arange(shown.shape[1]).expand_as(shown)
    return _probabilities(model, shown, slots, asked, allowed)


def draw_in_turn(
    model: LlamaForCausalLM, shown: Tensor, asked: Tensor, allowed: Tensor, rng: np.random.Generator
) -> Tensor:
    """Answer the asked slots of each row one after another, each given those before; shape of ``shown``.

    Every row has a random order of its own; at step k all rows with k holes or more answer one together.

    Parameters
    ----------
    shown, asked, allowed : as in `probabilities`.
    rng : source of orders and answers.
    """
    n, p = shown.shape
    drawn = shown.clone()
    order = np.argsort(np.where(asked.numpy(), rng.random((n, p)), np.inf), axis=1)
    n_holes = asked.sum(dim=1).numpy()
    for k in range(int(n_holes.max(initial=0))):
        rows = np.flatnonzero(n_holes > k)
        slots = torch.from_numpy(order[rows, k, None])
        shares = _probabilities(model, drawn[rows], slots, torch.ones_like(slots, dtype=torch.bool), allowed)
        drawn[rows, slots[:, 0]] = torch.from_numpy(pick(shares, rng))
    return drawn


def pick(shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw a word for each row of probabilities (r, words)."""
    cumulative = shares.cumsum(axis=1)
    passed = cumulative <= rng.random((len(shares), 1)) * cumulative[:, -1:]
    last = shares.shape[1] - 1 - (shares[:, ::-1] > 0).argmax(axis=1)  # rounding must not lead beyond it
    return np.minimum(passed.sum(axis=1), last)


def _probabilities(
    model: LlamaForCausalLM, shown: Tensor, questions: Tensor, asked: Tensor, allowed: Tensor
) -> NDArray[np.float64]:
    """Probability of every word at the asked ones of the questions (n, q), shape (asked questions, words)."""
    with torch.no_grad():
        parts = [
            torch.softmax(answer_logits(model, prompt, question, known[:, None], wanted, allowed), dim=1)
            for prompt, question, known, wanted in zip(
                *(table.split(ROWS) for table in (shown, questions, shown >= len(allowed), asked)), strict=True
            )
        ]
    return torch.cat(parts).double().numpy()
