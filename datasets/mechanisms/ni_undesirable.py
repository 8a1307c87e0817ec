"""Nonignorable missingness of what people do not like to say: one answer of each item is kept back."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from datasets.mechanisms import MECHANISMS, moves
from datasets.mechanisms.propensity import SEVERITY, conditional_sample, hide_counts, propensities
from datasets.mechanisms.severity import by_bias
from datasets.schema import Column, Floats, Kind, Schema
from datasets.table import Dataset


@MECHANISMS.register("ni-undesirable")
@moves("share")
def ni_undesirable(
    dataset: Dataset,
    rate: float,
    rng: np.random.Generator,
    auc: float = SEVERITY,
    bias: float | None = None,
    answers: Mapping[str, str] | None = None,
) -> NDArray[np.bool_]:
    """Nonignorable: one answer of each item, which people do not like to give, is hidden more often.

    Tourangeau & Yan (2007), Sensitive questions in surveys, Psychological Bulletin 133. Cells with that answer have one
    chance to be hidden, all others of the item another. Exactly ``round(rate · observed)`` cells of each column
    are hidden, at random where no answer is meant.

    Parameters
    ----------
    auc : severity: expected AUC of a column's missingness from having that answer, in [0.5, 1). An answer that is too
        rare to reach it gets the highest chance that is fair.
    bias : severity, in place of the AUC: how far the answer's share among complete cases lies below that among all, in
        standard deviations of having it, √(share (1 - share)).
    answers : text of the answer by item, e.g. ``{'vote20': 'did not vote'}``. Without it, the rarest answer of each
        item with labels is meant: what few admit to.

    Raises
    ------
    InputError
        If the rate or the severity is out of range, a column cannot reach the rate, or there is no such item or answer.
    """
    meant = _rarest(dataset) if answers is None else _named(dataset.schema, answers)
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    for j, count in hide_counts(dataset, rate).items():
        observed = np.flatnonzero(~np.isnan(dataset.values[:, j]))
        has = (dataset.values[observed, j] == meant.get(j, np.nan)).astype(float)
        chance = propensities(has, count, auc) if bias is None else by_bias(has, has, count, bias)
        hidden[observed, j] = conditional_sample(chance, count, rng)
    return hidden


def _named(schema: Schema, answers: Mapping[str, str]) -> dict[int, float]:
    return {schema.index(name): schema[name].code(text) for name, text in answers.items()}


def _rarest(dataset: Dataset) -> dict[int, float]:
    """Code of the answer that fewest gave, by position of the item."""
    labelled = [j for j, column in enumerate(dataset.schema) if column.kind in (Kind.NOMINAL, Kind.ORDINAL)]
    return {j: _least_given(dataset.values[:, j], dataset.schema.columns[j]) for j in labelled}


def _least_given(codes: Floats, column: Column) -> float:
    given = [(int((codes == level).sum()), float(level)) for level in column.levels if (codes == level).any()]
    return min(given)[1] if given else np.nan
