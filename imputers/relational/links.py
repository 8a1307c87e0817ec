"""Links between respondents of a table that has no relations: the nearest rows, for each item judged by the others."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers.shared.distances import Gower

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def link_items(
    gower: Gower, table: Floats, donors: NDArray[np.intp], positions: Iterable[int], k: int
) -> Mapping[int, "csr_matrix"]:
    """Links of every row for each item: matrices (n, n) whose product with a table averages over the linked rows.

    A row is linked to its k nearest donors by Gower distance over all items but the one to be told, and never to
    itself. With the item among the reasons for a link, linked rows would agree on it wherever it is known and not
    where it is a hole, and a model learnt from the one would be wrong for the other.

    Parameters
    ----------
    gower : learnt from the fitted rows.
    table : codes (n, p).
    donors : row numbers of the table that may be linked to, two at least.
    positions : the items.
    """
    from scipy.sparse import csr_matrix

    n, k = len(table), min(k, len(donors) - 1)
    near = {j: np.empty((n, k), dtype=np.int32) for j in positions}
    known = (~np.isnan(table)).astype(np.float32)
    for rows, mean in gower.blocks(table, table[donors]):
        shared = known[rows] @ known[donors].T
        total = mean * shared
        own = np.arange(rows.start, rows.stop)[:, None] == donors
        for j, found in near.items():
            others = shared - np.outer(known[rows, j], known[donors, j])
            apart = total - gower.item(j, table[rows, j], table[donors, j])
            far = np.where(others > 0, apart, 1) / np.maximum(others, 1)
            far[own] = np.inf
            found[rows] = donors[np.argpartition(far, k - 1, axis=1)[:, :k]]
    starts = np.arange(0, n * k + 1, k)
    return {j: csr_matrix((np.full(n * k, 1 / k), found.ravel(), starts), shape=(n, n)) for j, found in near.items()}
