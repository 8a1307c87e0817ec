"""Mean substitution: one value for every hole of a column."""

from typing import ClassVar

from imputers import IMPUTERS
from imputers.substitution.statistic import ClassStatistic


@IMPUTERS.register("mean")
class Mean(ClassStatistic):
    """Fill with the mean of a numeric or ordinal column, as a valid answer, and the mode of any other.

    Wilks (1932), Annals of Mathematical Statistics 3; Little & Rubin (2019), Statistical Analysis with
    Missing Data, section 4.2.1. Assumes cells missing completely at random, and even then shrinks
    variances and correlations: it is the floor that others must beat. Its probabilities are the shares
    among the observed answers, and its expectation their mean; survey weights are not used. New rows get the
    statistics of the fitted rows. Deterministic: draws are equal rows.
    """

    defaults: ClassVar[str] = "no settings"
    reads_text: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {}

    def __init__(self) -> None:
        super().__init__(groups=())
