"""Turns of items in chained equations, and which items one is not regressed on when its turn comes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imputers.shared.completed import Rows, products


def unread(missing: NDArray[np.bool_], order: Sequence[int], least: int = 1) -> list[Rows]:
    """Per item, positions of those with a later turn that are missing wherever it is.

    Regressed on such a one, an item's holes would be filled from what was drawn from their own fills, and where the two
    all but repeat each other, as two codings of an income do, a chain would never leave what it began with. The later
    one is regressed on the earlier, so that the two are drawn together, as in monotone blocks (Li, Baccini, Mealli,
    Zell, Frangakis & Rubin 2014, J. Computational and Graphical Statistics 23, 877–892).

    Parameters
    ----------
    missing : shape (n, p).
    order : positions of the items, by their turns.
    least : holes of an item from which on this is told of it. An item that all others are missing with keeps them.
    """
    together = products(missing.view(np.uint8))
    found: list[Rows] = [np.empty(0, dtype=np.intp) for _ in order]
    for place, j in enumerate(order):
        later = np.array(order[place + 1 :], dtype=np.intp)
        passed = later[together[j, later] == together[j, j]]
        if together[j, j] >= least and len(passed) < len(order) - 1:
            found[j] = passed
    return found
