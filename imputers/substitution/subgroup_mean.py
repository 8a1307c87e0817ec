"""Subgroup mean substitution: the statistic of the respondent's own class."""

from typing import ClassVar

from imputers import IMPUTERS
from imputers.substitution.statistic import ClassStatistic


@IMPUTERS.register("subgroup-mean")
class SubgroupMean(ClassStatistic):
    """Fill with the mean, or its nearest valid answer, or the mode, among respondents of the same class.

    Conditional mean imputation within adjustment cells: Little & Rubin (2019), Statistical Analysis with
    Missing Data, section 4.2.2. Assumes cells missing at random within classes; still shrinks variances.
    By default an item's classes are formed by the two columns that inform most about it together, and a
    class with fewer than five answers gives up its second column, then the first.
    Probabilities are the shares within the class; survey weights are not used. New rows join the classes of
    the fitted rows. Deterministic: draws are equal rows. Parameters: see `ClassImputer`.
    """

    defaults: ClassVar[str] = "ours; on which table is not recorded"
