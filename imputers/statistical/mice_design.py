"""Chained equations that also know how respondents were sampled."""

from typing import ClassVar

import numpy as np

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.categorical import is_short
from imputers.shared.chained import Fill
from imputers.shared.item import Item, Turn
from imputers.shared.pmm import canonical_scores
from imputers.shared.sampling import SamplingDesign
from imputers.shared.unit_effects import match_groups
from imputers.statistical.mice import Mice
from imputers.statistical.mice_pmm import MicePmm


@IMPUTERS.register("mice-pmm-design")
class MicePmmDesign(SamplingDesign, MicePmm):
    """Predictive mean matching on weights, strata and sampling units, too.

    ``mice-pmm`` with the sampling design among the predictors (Reiter, Raghunathan & Kinney 2006, Survey Methodology
    32, 143-149), see `imputers.shared.sampling.SamplingDesign`; parameters and all else are those of ``mice-pmm``, and
    of a table that states no weights, strata or units the fills are the same. Donors may be of any stratum and unit.
    Draws are proper as those of ``mice-pmm`` are.
    """

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        seen, n_random = self._grouped(turn, 1.0, rng)
        if not n_random:
            return super()._fill(turn, start, rng)
        sums, K = seen.sums, len(seen.item.levels)
        if seen.item.column.kind is Kind.NOMINAL and K > 2:
            counts = np.bincount(seen.item.answers, minlength=K)
            sums = sums.combined(canonical_scores(sums, counts, self.n_components, self.ridge))
        return match_groups(seen, sums, n_random, n_donors=self.n_donors, ridge=self.ridge, rng=rng)


@IMPUTERS.register("mice-design")
class MiceDesign(SamplingDesign, Mice):
    """Chained equations by kind on weights, strata and sampling units, too.

    ``mice`` with the sampling design among the predictors (Reiter, Raghunathan & Kinney 2006, Survey Methodology 32,
    143-149), see `imputers.shared.sampling.SamplingDesign`; parameters are those of ``mice``. Intraclass correlations
    are those of the codes, or of the 0/1 columns of levels, carried over to logits by the information of an answer
    about its logit. Draws are improper in the effects of strata and units on logits: the weighted likelihood bootstrap
    varies the answers and not the prior, so that effects of which few answers tell vary too little.
    """

    proper: ClassVar[bool] = False

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        seen, n_random = self._grouped(turn, information(turn.item), rng)
        if not n_random or turn.item.column.kind is Kind.NOMINAL or is_short(turn.item):
            return super()._fill(seen, start, rng)
        return match_groups(seen, seen.sums, n_random, n_donors=self.n_donors, ridge=self.ridge, rng=rng)


def information(item: Item) -> float:
    """Information of one answer about its linear predictor in ``mice``, in units of the residual variance.

    ``(1 - Σ p²)/(K - 1)`` of a nominal item in the multinomial logit, whose K levels all have coefficients;
    ``(1 - Σ p³)/3`` of an ordinal one by proportional odds (Whitehead 1993, Statistics in Medicine 12); 1 of an item
    that is matched.
    """
    nominal = item.column.kind is Kind.NOMINAL
    if not nominal and not is_short(item):
        return 1.0
    shares = np.bincount(item.answers) / len(item.answers)
    return float((1 - np.sum(shares**2)) / (len(shares) - 1) if nominal else (1 - np.sum(shares**3)) / 3)
