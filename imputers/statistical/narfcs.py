"""Chained equations for sensitivity analysis: what is missing may differ from what is observed, by a stated amount."""

from collections.abc import Mapping
from typing import ClassVar

from imputers import IMPUTERS
from imputers.shared.delta import DeltaAdjusted
from imputers.shared.ranges import COUNT, POSITIVE
from imputers.statistical.mice import Mice
from imputers.statistical.mice_pmm import MicePmm


@IMPUTERS.register("narfcs")
class Narfcs(DeltaAdjusted, Mice):
    """Delta-adjusted chained equations by kind of item (NARFCS).

    Tompsett et al. (2018), Statistics in Medicine 37, 2338-2353, on the models of ``mice``; see
    `imputers.shared.delta.DeltaAdjusted`. Assumes that ``delta`` is right: it is for sensitivity analysis, where it is
    varied, and without it differs from ``mice`` in the indicators alone. Draws are proper given ``delta``.

    Parameters
    ----------
    delta : by item, what is added to its fills, in standard deviations of the observed codes, or, of a nominal item's
        answer (``'vote: yes'``), to its log odds. None for none.
    max_iter, n_donors, ridge : see ``mice``.
    """

    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "as published (R's mice); ridge ours"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {"delta": [dict, None], **Mice._parameter_constraints}

    def __init__(
        self, delta: Mapping[str, float] | None = None, max_iter: int = 5, n_donors: int = 5, ridge: float = 1.0
    ) -> None:
        super().__init__(max_iter, n_donors, ridge)
        self.delta = delta


@IMPUTERS.register("narfcs-pmm")
class NarfcsPmm(DeltaAdjusted, MicePmm):
    """Delta-adjusted predictive mean matching (NARFCS on mice-pmm).

    Tompsett et al. (2018) on ``mice-pmm``, whose donors' answers are moved by ``delta`` (van Buuren 2018, Flexible
    Imputation of Missing Data, section 9.2). As ``narfcs`` in all else.

    Parameters
    ----------
    delta : see ``narfcs``.
    max_iter, n_donors, n_components, ridge : see ``mice-pmm``.
    """

    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "as published (R's mice); ridge ours"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "delta": [dict, None],
        "max_iter": COUNT,
        "n_donors": COUNT,
        "n_components": COUNT,
        "ridge": POSITIVE,
    }

    def __init__(
        self,
        delta: Mapping[str, float] | None = None,
        max_iter: int = 5,
        n_donors: int = 5,
        n_components: int = 3,
        ridge: float = 1.0,
    ) -> None:
        super().__init__(max_iter, n_donors, n_components, ridge)
        self.delta = delta
