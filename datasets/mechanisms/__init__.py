"""The mechanisms: which observed cells are hidden, and a card that shows what was done."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from datasets.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datasets.table import Dataset

    Mechanism = Callable[[Dataset, float, np.random.Generator], NDArray[np.bool_]]

MECHANISMS: "Registry[Mechanism]" = Registry("mechanism", package="datasets.mechanisms", variable="MECHANISMS")
