"""What few like to say of themselves, among the items of the General Social Survey 2022."""

import numpy as np
from numpy.typing import NDArray

from datasets.mechanisms import MECHANISMS, moves
from datasets.mechanisms.ni_undesirable import ni_undesirable
from datasets.mechanisms.propensity import SEVERITY
from datasets.table import Dataset

UNDESIRABLE = {  # what few like to say of themselves, or to strangers (Tourangeau & Yan 2007)
    "finrela": "far below average",
    "marhomo": "strongly disagree",
    "letin1a": "reduced a lot",
    "degree": "less than high school",
    "wrkstat": "unemployed, laid off, looking for work",
    "class": "lower class",
    "satfin": "not satisfied at all",
    "health": "poor",
    "happy": "not too happy",
    "attend": "never",
    "vote20": "did not vote",
}


@MECHANISMS.register("gss-undesirable")
@moves("share")
def gss_undesirable(
    dataset: Dataset, rate: float, rng: np.random.Generator, auc: float = SEVERITY, bias: float | None = None
) -> NDArray[np.bool_]:
    """Nonignorable: ni-undesirable with answers named for eleven items of the GSS 2022.

    Tourangeau & Yan (2007), Psychological Bulletin 133. The answers are our choice; other items are hidden at random.

    Parameters
    ----------
    auc, bias : as in ``ni-undesirable``.

    Raises
    ------
    InputError
        As ``ni-undesirable``, also of a table without these items.
    """
    return ni_undesirable(dataset, rate, rng, auc, bias, UNDESIRABLE)
