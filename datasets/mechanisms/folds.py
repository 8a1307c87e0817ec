"""Cross-validation folds of the target items: every observed target cell is hidden in exactly one."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.schema import Role
from datasets.table import Dataset

SEED = 2022


@MECHANISMS.register("fold-1")
def fold_1(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """First of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 1)


@MECHANISMS.register("fold-2")
def fold_2(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Second of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 2)


@MECHANISMS.register("fold-3")
def fold_3(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Third of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 3)


@MECHANISMS.register("fold-4")
def fold_4(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Fourth of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 4)


@MECHANISMS.register("fold-5")
def fold_5(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Fifth of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 5)


@MECHANISMS.register("fold-6")
def fold_6(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Sixth of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 6)


@MECHANISMS.register("fold-7")
def fold_7(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Seventh of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 7)


@MECHANISMS.register("fold-8")
def fold_8(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Eighth of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 8)


@MECHANISMS.register("fold-9")
def fold_9(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Ninth of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 9)


@MECHANISMS.register("fold-10")
def fold_10(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Tenth of the folds of the target items, 1 / rate in number; see `hide_fold`."""
    return hide_fold(dataset, rate, 10)


def hide_fold(dataset: Dataset, rate: float, fold: int) -> NDArray[np.bool_]:
    """Hide one fold of each target item's observed cells, missing completely at random.

    Stone (1974), Journal of the Royal Statistical Society B 36. The folds of a column are a partition of
    its observed cells in an order shuffled once and for all, so that the folds together score each
    cell once. Columns that are not targets are never hidden.

    Parameters
    ----------
    dataset : the table; its columns with the role of a target are hidden in.
    rate : one over the number of folds, e.g. 0.2 for five or 0.1 for ten.
    fold : 1 to the number of folds.

    Returns
    -------
    hidden : shape (n, p), True where a cell is hidden.

    Raises
    ------
    InputError
        If the rate is no such number, there is no such fold, or the dataset has no targets.
    """
    targets = dataset.schema.having(Role.TARGET)
    folds = round(1 / rate)
    if rate != 1 / folds or fold > folds:
        raise InputError(
            f"fold-{fold} at a rate of {rate:g}: the rate is one over the number of folds, which is at least {fold}; "
            "give --rates 0.1 for ten folds, or 0.2 for five"
        )
    if not len(targets):
        raise InputError(f'{dataset.name!r} has no target to fold; give columns role = "target" in the schema')
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    rng = np.random.default_rng(SEED)
    for j in targets:
        shuffled = rng.permutation(np.flatnonzero(~np.isnan(dataset.values[:, j])))
        hidden[np.array_split(shuffled, folds)[fold - 1], j] = True
    return hidden
