"""Hot deck: a random respondent of the same class lends an answer."""

from typing import ClassVar

import numpy as np

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.shared.bins import into_bins
from imputers.shared.classes import ClassImputer


@IMPUTERS.register("hot-deck")
class HotDeck(ClassImputer):
    """Fill with the answer of a random donor, drawn by survey weight within classes.

    Andridge & Little (2010), International Statistical Review 78, sections 2 to 4. Item by item: donors
    are all respondents of the class who answered the item, so two holes of a row may have different donors,
    and their association is kept only as far as the classes carry it. Assumes cells missing at random
    within classes. Draws are proper: before each, the donors of an item get fresh Bayesian bootstrap weights
    (Rubin 1981, Annals of Statistics 9; Rubin & Schenker 1986, JASA 81), so that uncertainty about the class
    distribution shows between draws. A donor's chance is its weight times its survey weight. Classes are
    chosen as in `subgroup-mean`; expectation and probabilities are those of the class. New rows draw from
    the fitted rows. Parameters: see `ClassImputer`.
    """

    family: ClassVar[str] = "substitution"
    defaults: ClassVar[str] = "ours; on which table is not recorded"
    proper: ClassVar[bool] = True
    uses_weights: ClassVar[bool] = True

    def _donor_weights(self, n: int) -> Floats:
        weights = np.ones(n) if self.weights_ is None else self.weights_
        return np.maximum(weights, 1e-9 * weights.mean())  # a class of weight zero has no mean

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        table = X.copy()
        binned = into_bins(X, self._edges)
        for j, donors in enumerate(self.donors_):
            holes = np.flatnonzero(binned[:, j] == 0)
            depths, starts, stops = donors.locate(binned[holes][:, donors.groups], self.min_samples)
            weights = self._weights * rng.exponential(size=len(self._weights))
            for depth, rows in enumerate(donors.rows):
                here = depths == depth
                edges = np.append(0.0, weights[rows].cumsum())
                low, high = edges[starts[here]], edges[stops[here]]
                picked = np.searchsorted(edges, low + rng.random(here.sum()) * (high - low), side="right") - 1
                picked = np.clip(picked, starts[here], stops[here] - 1)  # rounding may step over the edge
                table[holes[here], j] = self._table[rows[picked], j]
        return table
