"""Nonignorable missingness by a latent trait: what a person's answers have in common decides."""

import numpy as np
from numpy.typing import NDArray

from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.propensity import SEVERITY, conditional_sample, hide_counts, propensities, scores
from datasets.mechanisms.severity import by_bias, in_numbers
from datasets.schema import Floats
from datasets.table import Dataset


@MECHANISMS.register("ni-trait")
def ni_trait(
    dataset: Dataset, rate: float, rng: np.random.Generator, auc: float = SEVERITY, bias: float | None = None
) -> NDArray[np.bool_]:
    """Nonignorable: the same people keep silent on every item, by a trait that nobody sees.

    A latent-variable model of nonresponse (O'Muircheartaigh & Moustaki 1999, Journal of the Royal Statistical Society
    A 162). The `trait` is what a respondent's answers have in common; each cell's chance is logistic in it. As the
    trait is made of answers that are hidden in part, missingness depends on what is hidden, and other items tell of
    it. Exactly ``round(rate · observed)`` cells of each column are hidden.

    Parameters
    ----------
    auc : severity: expected AUC of a column's missingness from the trait, in [0.5, 1).
    bias : severity, in place of the AUC: how far the mean of an item's complete cases is off, in expectation and
        standard deviations. An item that has little to do with the trait falls short.

    Raises
    ------
    InputError
        If the rate or the severity is out of range, or a column cannot reach the rate.
    """
    counts = hide_counts(dataset, rate)
    levels = trait(dataset, list(counts))
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    for j, count in counts.items():
        observed = np.flatnonzero(~np.isnan(dataset.values[:, j]))
        if bias is None:
            chance = propensities(levels[observed], count, auc)
        else:
            x = in_numbers(dataset.values[observed, j], dataset.schema.columns[j])
            chance = by_bias(levels[observed], x, count, bias)
        hidden[observed, j] = conditional_sample(chance, count, rng)
    return hidden


def trait(dataset: Dataset, items: list[int]) -> Floats:
    """First principal component of the standardised scores of some items, shape (n,); a hole counts as the mean.

    Its sign is that of most loadings by weight, so that it does not hang on the library.
    """
    Z = np.column_stack([scores(dataset.values[:, j], dataset.schema.columns[j]) for j in items])
    loadings = np.linalg.eigh(Z.T @ Z)[1][:, -1]
    return np.asarray(Z @ loadings * (1 if loadings.sum() >= 0 else -1))
