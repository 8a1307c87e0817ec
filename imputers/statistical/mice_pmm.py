"""Chained predictive mean matching: every hole gets the answer of a person predicted alike."""

from typing import ClassVar

import numpy as np

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.item import Rows, Turn
from imputers.shared.pmm import canonical_scores, match
from imputers.shared.ranges import COUNT, POSITIVE
from imputers.shared.strength import AUTO, Number, number_of_predictors, said_of, strongest


@IMPUTERS.register("mice-pmm")
class MicePmm(ChainedImputer):
    """Chained predictive mean matching: Bayesian coefficients, 5 donors.

    Little 1988 (Journal of Business & Economic Statistics 6, 287–296); van Buuren 2018, Flexible Imputation of Missing
    Data, algorithm 3.3, with R's ``mice`` defaults: type-1 matching, 5 donors, 5 iterations; only how chains begin, and
    what is done with items that are missing together, is as `ChainedImputer` says. Numeric and ordinal items
    are matched on their predicted code. Codes of a nominal item mean nothing as numbers; it is matched on the predicted
    canonical scores of its levels, in up to 3 dimensions (see `canonical_scores`; R from version 3.16 uses the
    first dimension, earlier ones the codes).

    Assumes that people predicted alike answer alike, linear, additive effects and missingness at random. New rows find
    their donors among the fitted ones. Draws are proper but for the donor pool, which is taken as given: in small
    samples with few donors near by, intervals come out a little short.

    In tables of more than 200 items, each is regressed on the 30 at most that go best with it or with its being
    missing, chosen on the observed cells before the chain starts (`imputers.shared.strength.strongest`, after R's
    ``quickpred``). What an item has to do with those not chosen is then kept only through the chosen ones.

    Parameters
    ----------
    max_iter : iterations over the items.
    n_donors : nearest rows to draw from.
    n_components : number of canonical scores of a nominal item.
    ridge : precision of the normal prior on standardised coefficients, in observations.
    n_features : how many other items an item is regressed on at most, the strongest ones; None for all; "auto" for all
        in a table of up to 200 items, for 30 in a wider one.
    """

    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "as published (R's mice); ridge ours"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_iter": COUNT,
        "n_donors": COUNT,
        "n_components": COUNT,
        "ridge": POSITIVE,
        "n_features": AUTO,
    }

    def __init__(
        self,
        max_iter: int = 5,
        n_donors: int = 5,
        n_components: int = 3,
        ridge: float = 1.0,
        n_features: Number = "auto",
    ) -> None:
        self.max_iter = max_iter
        self.n_donors = n_donors
        self.n_components = n_components
        self.ridge = ridge
        self.n_features = n_features

    def decided(self) -> str:
        """Say how predictors were chosen, if the table is wide and nobody said how."""
        return said_of(self.n_features, self.read_, "mice-pmm")

    def _choose(self, X: Floats) -> list[Rows]:
        number = number_of_predictors(self.n_features, X.shape[1])
        return [] if number is None else strongest(self.predictors_, X, number)

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        sums, K = turn.sums, len(turn.item.levels)
        if turn.item.column.kind is Kind.NOMINAL and K > 2:
            counts = np.bincount(turn.item.answers, minlength=K)
            sums = sums.combined(canonical_scores(sums, counts, self.n_components, self.ridge))
        return match(turn, sums, n_donors=self.n_donors, ridge=self.ridge, rng=rng)
