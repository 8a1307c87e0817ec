"""Cells hidden again, by which learning is stopped and temperatures are learned."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers.shared.vocabulary import Positions

Scores = Floats

MOST = 3000


def set_aside(answers: Positions, chances: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose observed cells (n, p) as holes are spread over columns: a tenth of what could be, 3,000 at most.

    Parameters
    ----------
    answers : answer numbers (n, p), -1 for a hole.
    chances : of a cell of each column to be chosen, relative to others, shape (p,).
    """
    weights = np.where(answers >= 0, chances, 0.0).ravel()
    n_cells = min(MOST, max(int(weights.sum() / 10), 1))
    chosen = rng.choice(len(weights), n_cells, replace=False, p=weights / weights.sum())
    aside = np.zeros(answers.shape, dtype=bool)
    aside.flat[chosen] = True
    return aside


def within_reach(
    scores: Mapping[int, Scores], truths: Mapping[int, Positions]
) -> tuple[dict[int, Scores], dict[int, Positions]]:
    """Leave out cells whose true answer has no score, since it was no candidate.

    Parameters
    ----------
    scores : of the answers to each column, shape (cells, K), minus infinity for what is no candidate.
    truths : answer numbers (cells,).
    """
    kept = {j: np.isfinite(own[np.arange(len(own)), truths[j]]) for j, own in scores.items()}
    return {j: scores[j][keep] for j, keep in kept.items()}, {j: truths[j][keep] for j, keep in kept.items()}
