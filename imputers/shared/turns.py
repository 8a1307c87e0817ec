"""Turns of the items in chained equations, and which items one is not regressed on when its turn comes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from imputers.shared.completed import products


def turns(missing: NDArray[np.bool_], order: Sequence[int], least: int = 1) -> Mapping[int, tuple[int, ...]]:
    """Positions of the items in the order of their turns, each with those of the items that it is not regressed on.

    Items each of which is missing wherever the one before it is have their turns one right after the other, and each is
    regressed on those before it, not on those behind. So a row's holes in all of them are drawn together, from the rest
    of the row. If each were regressed on what stands in the others, two that all but repeat each other, as two codings
    of an income do, would keep for ever what they began with. Monotone blocks: Li, Baccini, Mealli, Zell, Frangakis &
    Rubin (2014), J. Computational and Graphical Statistics 23, 877–892. An item joins the block that it has most holes
    in common with.

    Parameters
    ----------
    missing : shape (n, p).
    order : positions of the items, those with fewest holes first.
    least : holes that an item has before another stands behind it in a block. One that all others stand behind is
        regressed on them.
    """
    together = products(missing.view(np.uint8))
    counts = np.diag(together)
    blocks: list[list[int]] = []
    for j in order:
        lasts = [block[-1] for block in blocks]
        fitting = [place for place, k in enumerate(lasts) if counts[k] >= least and together[k, j] == counts[k]]
        if fitting:
            blocks[max(fitting, key=lambda place: counts[lasts[place]])].append(j)
        else:
            blocks.append([j])
    if len(blocks) == 1 and len(order) > 1:
        blocks = [blocks[0][:1], blocks[0][1:]]
    return {j: tuple(block[place + 1 :]) for block in blocks for place, j in enumerate(block)}
