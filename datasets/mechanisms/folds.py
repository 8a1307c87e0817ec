"""Cross-validation folds of the target items: every observed target cell is hidden in exactly one."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS, replicates
from datasets.schema import Role
from datasets.table import Dataset

SEED = 2022


@MECHANISMS.register("fold")
@replicates("number")
def fold(dataset: Dataset, rate: float, rng: np.random.Generator, number: int = 1) -> NDArray[np.bool_]:
    """Hide one fold of each target item's observed cells, missing completely at random.

    Stone (1974), Journal of the Royal Statistical Society B 36. The folds of a column are a partition of
    its observed cells in an order shuffled once and for all, so that the folds together score each
    cell once. Columns that are not targets are never hidden.

    Parameters
    ----------
    dataset : the table; its columns with the role of a target are hidden in.
    rate : one over the number of folds, e.g. 0.2 for five or 0.1 for ten.
    rng : not used: the folds are the same for everybody.
    number : which fold, 1 to the number of folds.

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
    if number < 1:
        raise InputError(f"fold({number}): folds are numbered from 1; give fold(1) to fold({folds})")
    if rate != 1 / folds or number > folds:
        raise InputError(
            f"fold({number}) at a rate of {rate:g}: the rate is one over the number of folds, which is "
            f"at least {number}; give --rates 0.1 for ten folds, or 0.2 for five"
        )
    if not len(targets):
        raise InputError(f'{dataset.name!r} has no target to fold; give columns role = "target" in the schema')
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    order = np.random.default_rng(SEED)
    for j in targets:
        shuffled = order.permutation(np.flatnonzero(~np.isnan(dataset.values[:, j])))
        hidden[np.array_split(shuffled, folds)[number - 1], j] = True
    return hidden
