"""Conditional distributions of a column's holes given the known answers of their rows, and the prediction they make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import UNORDERED, Column, Floats
from imputers.shared.levels import draw_level, normal_mean


@dataclass(frozen=True, eq=False)
class Conditional:
    """Distributions of the h holes of one column, each given the known answers of its row.

    Parameters
    ----------
    draw : draws valid codes (h,), given a generator.
    expected : on the scale of the codes, shape (h,); None if the column has no scale.
    probabilities : of the column's levels, shape (h, K); None if it has none.
    """

    draw: Callable[[np.random.Generator], Floats]
    expected: Floats | None = None
    probabilities: Floats | None = None

    @classmethod
    def of_levels(cls, column: Column, probabilities: Floats) -> Self:
        """Distributions over the levels (h, K) of a column that has some."""
        return cls(
            lambda rng: column.levels[draw_level(probabilities, rng)],
            None if column.kind in UNORDERED else probabilities @ column.levels,
            probabilities,
        )

    @classmethod
    def normal(cls, column: Column, means: Floats, deviation: float) -> Self:
        """Normal distributions about means (h,), their draws the nearest answers to a numeric column."""
        return cls(lambda rng: column.snap(rng.normal(means, deviation)), normal_mean(column, means, deviation))


def predict(X: Floats, conditionals: Mapping[int, Conditional], n_draws: int, rng: np.random.Generator) -> Prediction:
    """Prediction for the holes of X (n, p), each drawn on its own, from the distributions of every column with holes.

    Parameters
    ----------
    conditionals : by position of the column.
    """
    columns = np.nonzero(np.isnan(X))[1]
    draws, expected = np.empty((n_draws, len(columns))), np.full(len(columns), np.nan)
    for fills in draws:
        for j, own in conditionals.items():
            fills[columns == j] = own.draw(rng)
    for j, own in conditionals.items():
        if own.expected is not None:
            expected[columns == j] = own.expected
    probabilities = {j: own.probabilities for j, own in conditionals.items() if own.probabilities is not None}
    return Prediction(draws, expected, probabilities)
