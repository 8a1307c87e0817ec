"""Regressions that forecast the levels of an item: multinomial logit if unordered, cumulative logit if ordered."""

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Kind
from imputers.statistical.chained import Item
from imputers.statistical.logit import fit_logit, level_probabilities
from imputers.statistical.ordinal import cumulative_probabilities, fit_ordinal

Matrix = NDArray[np.float64]

FEW_LEVELS = 10  # an ordinal item with more is treated as a number: thresholds for 26 brackets are ill-determined


def has_few_levels(item: Item) -> bool:
    """Tell whether the item's levels get probabilities of their own; numbers and long scales do not."""
    return item.column.kind is Kind.NOMINAL or 0 < len(item.levels) <= FEW_LEVELS


def forecast_levels(
    item: Item, known: Matrix, holes: Matrix, start: Matrix | None, *, ridge: float, weights: Matrix | None = None
) -> tuple[Matrix, Matrix]:
    """Level probabilities of the holes (h, K), and the parameters of the regression.

    Parameters
    ----------
    known, holes : predictors of rows that know the item (n, q) and of rows that do not (h, q).
    start : parameters of the last visit, or None.
    weights : of the known rows, shape (n,).
    """
    K = len(item.levels)
    if item.column.kind is Kind.NOMINAL:
        coefficients = fit_logit(known, item.positions, K, ridge=ridge, weights=weights, start=start)
        return level_probabilities(holes, coefficients), coefficients
    parameters = fit_ordinal(known, item.positions, K, ridge=ridge, weights=weights, start=start)
    return cumulative_probabilities(holes, parameters), parameters
