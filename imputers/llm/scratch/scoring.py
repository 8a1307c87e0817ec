"""Answers of a trained model: the probability of every answer to a hole, and holes drawn one after another."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import LlamaForCausalLM

from datasets.schema import Floats
from imputers.llm.scratch.layout import answer_logits

ROWS = 512  # rows that are answered at a time


def probabilities(model: LlamaForCausalLM, shown: Tensor, asked: Tensor, allowed: Tensor) -> Floats:
    """Probability of every answer at the asked slots, (asked slots, K), K those of the item that has most; zero beyond.

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
    drawn, first = shown.clone(), _answers(allowed)[0].numpy()
    order = np.argsort(np.where(asked.numpy(), rng.random((n, p)), np.inf), axis=1)
    n_holes = asked.sum(dim=1).numpy()
    for k in range(int(n_holes.max(initial=0))):
        rows = np.flatnonzero(n_holes > k)
        items = order[rows, k]
        slots = torch.from_numpy(items[:, None])
        shares = _probabilities(model, drawn[rows], slots, torch.ones_like(slots, dtype=torch.bool), allowed)
        drawn[rows, items] = torch.from_numpy(first[items] + pick(shares, rng))
    return drawn


def pick(shares: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw an answer for each row of probabilities (r, K)."""
    cumulative = shares.cumsum(axis=1)
    passed = cumulative <= rng.random((len(shares), 1)) * cumulative[:, -1:]
    last = shares.shape[1] - 1 - (shares[:, ::-1] > 0).argmax(axis=1)  # rounding must not lead beyond it
    return np.minimum(passed.sum(axis=1), last)


def _probabilities(model: LlamaForCausalLM, shown: Tensor, questions: Tensor, asked: Tensor, allowed: Tensor) -> Floats:
    """Probability of every answer at the asked ones of the questions (n, q), shape (asked questions, K)."""
    first, counts = _answers(allowed)
    places = torch.arange(int(counts.max()))
    tables = (table.split(ROWS) for table in (shown, questions, shown >= len(allowed), asked))
    parts = []
    with torch.no_grad():
        for prompt, question, known, wanted in zip(*tables, strict=True):
            scores = answer_logits(model, prompt, question, known[:, None], wanted, allowed)
            items = question[wanted]
            own = places < counts[items, None]
            words = torch.where(own, first[items, None] + places, 0)
            parts.append(scores.gather(1, words).masked_fill(~own, -torch.inf).softmax(dim=1))
    return torch.cat(parts).double().numpy()


def _answers(allowed: Tensor) -> tuple[Tensor, Tensor]:
    """First word and number of the words that answer each item, which follow each other; shapes (p,)."""
    answers = allowed.isfinite().int()
    return answers.argmax(dim=1), answers.sum(dim=1)
