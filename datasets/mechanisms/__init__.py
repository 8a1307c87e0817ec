"""The mechanisms: which observed cells are hidden, and a card that shows what was done.

A mechanism takes a dataset, the share of each column's observed cells to hide, in (0, 1), and the source of all
randomness; it returns a mask (n, p), True where a cell is hidden, always an observed cell. Drivers are the dataset's
columns with role "driver". What a mechanism says of itself is what differs from that.
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from datasets.registry import Registry
from datasets.request import parse_request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datasets.table import Dataset

    Mechanism = Callable[[Dataset, float, np.random.Generator], NDArray[np.bool_]]

Entry = TypeVar("Entry")

MECHANISMS: "Registry[Mechanism]" = Registry("mechanism", package="datasets.mechanisms", variable="MECHANISMS")


def replicates(parameter: str) -> Callable[[Entry], Entry]:
    """Mark a mechanism whose parameter tells replicates of one setting apart, as a seed does.

    Examples
    --------
    ::

        @MECHANISMS.register("fold")
        @replicates("number")
        def fold(dataset, rate, rng, number=1): ...
    """

    def mark(mechanism: Entry) -> Entry:
        mechanism.replicates = parameter  # type: ignore[attr-defined]
        return mechanism

    return mark


def moves(part: str) -> Callable[[Entry], Entry]:
    """Mark what of an item the dial ``bias`` of a mechanism moves: its ``"spread"`` or a ``"share"``, not its mean.

    Examples
    --------
    ::

        @MECHANISMS.register("ni-tails")
        @moves("spread")
        def ni_tails(dataset, rate, rng, bias=None): ...
    """

    def mark(mechanism: Entry) -> Entry:
        mechanism.moves = part  # type: ignore[attr-defined]
        return mechanism

    return mark


def setting(request: str) -> str:
    """Mechanism of which this one is a replicate: the folds of a table differ as seeds do.

    Examples
    --------
    >>> setting("fold(10)"), setting("fold(number=2)"), setting("mar(auc=0.8)")
    ('fold', 'fold', 'mar(auc=0.8)')

    Raises
    ------
    InputError
        If there is no such mechanism.
    """
    name, positional, named = parse_request(request)
    mechanism = MECHANISMS[name]
    replicate = getattr(mechanism, "replicates", None)
    if replicate is None:
        return request
    known = [
        entry.name for entry in inspect.signature(mechanism).parameters.values() if entry.default is not entry.empty
    ]
    given = dict(zip(known, positional, strict=False)) | named
    told = ", ".join(f"{key}={value!r}" for key, value in given.items() if key != replicate)
    return f"{name}({told})" if told else name
