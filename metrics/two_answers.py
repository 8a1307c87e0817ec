"""The hidden cells of items with two answers, and the chance that a method gives to the second of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats
from datasets.table import Masked
from metrics.hidden import CATEGORICAL


@dataclass(frozen=True, eq=False)
class Chances:
    """Hidden cells of one item with two answers, in row order.

    Parameters
    ----------
    name : of the item.
    chance : probability that the method gives to the second answer, shape (h,).
    second : whether it is the true one, shape (h,).
    """

    name: str
    chance: Floats
    second: NDArray[np.bool_]


def chances(masked: Masked, prediction: Prediction) -> Iterator[Chances]:
    """Give the hidden cells of every nominal or ordinal item with two levels and probabilities of the method's own."""
    for j in masked.schema.where(*CATEGORICAL):
        column, own = masked.schema.columns[j], prediction.probabilities.get(int(j))
        hidden = masked.hidden[:, j]
        if own is None or len(column.levels) != 2 or not hidden.any():
            continue
        among_holes = hidden[np.isnan(masked.values[:, j])]
        yield Chances(column.name, own[among_holes, 1], masked.truth.values[hidden, j] == column.levels[1])


def pooled_chances(masked: Masked, prediction: Prediction) -> Chances | None:
    """All cells of `chances` as those of one item; None if there are none."""
    found = list(chances(masked, prediction))
    if not found:
        return None
    return Chances("", np.concatenate([item.chance for item in found]), np.concatenate([item.second for item in found]))
