"""Answers of a trained model: the probability of every answer to a hole, and holes drawn one after another."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from imputers.llm.layout import answer_logits

ROWS = 512  # rows that are answered at a time


def probabilities(model: PreTrainedModel, shown: Tensor, asked: Tensor, allowed: Tensor) -> NDArray[np.float64]:
    """Probability of every word at the asked slots, (asked slots, words); zero for words that answer another item.

    Parameters
    ----------
    shown, asked, allowed : as in `imputers.llm.layout.answer_logits`, of any number of rows.
    """
    with torch.no_grad():
        parts = [
            torch.softmax(answer_logits(model, *block, allowed), dim=1)
            for block in zip(shown.split(ROWS), asked.split(ROWS), strict=True)
        ]
    return torch.cat(parts).double().numpy()


def draw_in_turn(
    model: PreTrainedModel, shown: Tensor, asked: Tensor, allowed: Tensor, rng: np.random.Generator
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
    for k in range(int(n_holes.max())):
        rows = np.flatnonzero(n_holes > k)
        slots = order[rows, k]
        now = torch.zeros(len(rows), p, dtype=torch.bool)
        now[np.arange(len(rows)), slots] = True
        chosen = pick(probabilities(model, drawn[rows], now, allowed), rng)
        drawn[rows, slots] = torch.from_numpy(chosen)
    return drawn


def pick(shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw a word for each row of probabilities (r, words)."""
    cumulative = shares.cumsum(axis=1)
    passed = cumulative <= rng.random((len(shares), 1)) * cumulative[:, -1:]
    last = shares.shape[1] - 1 - (shares[:, ::-1] > 0).argmax(axis=1)  # rounding must not lead beyond it
    return np.minimum(passed.sum(axis=1), last)
