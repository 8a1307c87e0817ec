"""Cross-validation folds of the target items: every observed target cell is hidden in exactly one of five."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.schema import Role
from datasets.table import Dataset

FOLDS = 5
SEED = 2022


@MECHANISMS.register("fold-1")
def fold_1(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """First of five folds of the target items; see `hide_fold`."""
    return hide_fold(dataset, rate, 1)


@MECHANISMS.register("fold-2")
def fold_2(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Second of five folds of the target items; see `hide_fold`."""
    return hide_fold(dataset, rate, 2)


@MECHANISMS.register("fold-3")
def fold_3(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Third of five folds of the target items; see `hide_fold`."""
    return hide_fold(dataset, rate, 3)


@MECHANISMS.register("fold-4")
def fold_4(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Fourth of five folds of the target items; see `hide_fold`."""
    return hide_fold(dataset, rate, 4)


@MECHANISMS.register("fold-5")
def fold_5(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Fifth of five folds of the target items; see `hide_fold`."""
    return hide_fold(dataset, rate, 5)


def hide_fold(dataset: Dataset, rate: float, fold: int) -> NDArray[np.bool_]:
    """Hide one fold of each target item's observed cells, missing completely at random.

    Stone (1974), Journal of the Royal Statistical Society B 36. The folds of a column are a partition of
    its observed cells in an order shuffled once and for all, so that the five folds together score each
    cell once. Columns that are not targets are never hidden.

    Parameters
    ----------
    dataset : the table; its columns with the role of a target are hidden in.
    rate : must be 1/5, the share that a fold hides.
    fold : 1 to 5.

    Returns
    -------
    hidden : shape (n, p), True where a cell is hidden.

    Raises
    ------
    InputError
        If the rate is another, or the dataset has no targets.
    """
    targets = dataset.schema.having(Role.TARGET)
    if rate != 1 / FOLDS:
        raise InputError(f"fold-{fold} hides a fifth of the cells; the rate is {rate:g}; give --rates 0.2")
    if not len(targets):
        raise InputError(f'{dataset.name!r} has no target to fold; give columns role = "target" in the schema')
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    rng = np.random.default_rng(SEED)
    for j in targets:
        shuffled = rng.permutation(np.flatnonzero(~np.isnan(dataset.values[:, j])))
        hidden[np.array_split(shuffled, FOLDS)[fold - 1], j] = True
    return hidden
