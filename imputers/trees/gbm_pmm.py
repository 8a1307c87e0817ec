"""Chained predictive mean matching on a regression and what boosted trees add to it for people they have not seen."""

from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.shared.chained import ChainedImputer, Fill
from imputers.shared.item import Item, Rows, Turn
from imputers.shared.linear import Sums, fit_linear
from imputers.shared.nearest import nearest_donors
from imputers.shared.pmm import canonical_scores, forecast, lend
from imputers.shared.ranges import COUNT, POSITIVE, SHARE_ABOVE_ZERO, TWO_OR_MORE
from imputers.shared.strength import AUTO, Number, number_of_predictors, said_of, strongest
from imputers.trees.boosting import Float32s, boosted

HALVES = 2  # of the known rows; what trees add for one is by trees grown on the other
STANDING = 0.05  # share of the known rows that stand for the distribution of an answer, n_donors of them at least


@IMPUTERS.register("gbm-pmm")
class GbmPmm(ChainedImputer):
    """Chained predictive mean matching on regression and boosted trees, 5 donors.

    Type-1 predictive mean matching (Little 1988, Journal of Business & Economic Statistics 6, 287–296; van Buuren 2018,
    Flexible Imputation of Missing Data, algorithm 3.3) on the sum of a regression, as in ``mice-pmm``, and of boosted
    trees (Friedman 2001, Annals of Statistics 29, 1189–1232, algorithm 1; LightGBM: Ke et al. 2017, NeurIPS 30) grown
    on what the regression leaves over. Trees that have seen a donor predict him better than a hole, and draws then come
    out too certain; trees that have not tell less of the relations between items than there is, the more so the more
    noise they learned. So the trees grow on the half of the rows that the donor is not in, and what they add counts as
    far as it holds for people whom they have not seen, by a slope of least squares that is not negative (stacking:
    Breiman 1996, Machine Learning 24, 49–64). Where relations are linear and additive, little is added, and the method
    is ``mice-pmm``.

    A visit fits the regression anew and draws its coefficients for the holes, and grows the trees on halves drawn anew,
    which vary as much about all rows as these do about the population (McCarthy 1969, Review of the International
    Statistical Institute 37, 239–264): so draws show what is uncertain about either. Codes of a nominal item are
    matched on canonical scores, as in ``mice-pmm``. Means and probabilities of a hole are those of the nearest
    twentieth of the known rows.

    Assumes that people predicted alike answer alike, and missingness at random. New rows find their donors among the
    fitted ones. In tables of more than 200 items each reads 30 others at most (`imputers.shared.strength.strongest`).

    Parameters
    ----------
    max_iter : iterations over the items.
    n_donors : nearest rows to draw from.
    n_estimators : boosting rounds.
    learning_rate, max_leaf_nodes : shrinkage and leaves of each tree.
    min_samples_leaf : smallest number of rows in a leaf; at most a tenth of the rows that a tree grows from.
    max_features : share of the predictors tried by each tree.
    n_components : number of canonical scores of a nominal item.
    ridge : precision of the normal prior on standardised coefficients, in observations.
    n_features : how many other items an item reads at most, the strongest ones; None for all; "auto" for all in a table
        of up to 200 items, for 30 in a wider one.
    """

    family: ClassVar[str] = "trees"
    defaults: ClassVar[str] = "chosen on the GSS 2022 twin and NHANES"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_iter": COUNT,
        "n_donors": COUNT,
        "n_estimators": COUNT,
        "learning_rate": POSITIVE,
        "max_leaf_nodes": TWO_OR_MORE,
        "min_samples_leaf": COUNT,
        "max_features": SHARE_ABOVE_ZERO,
        "n_components": COUNT,
        "ridge": POSITIVE,
        "n_features": AUTO,
    }

    def __init__(
        self,
        max_iter: int = 5,
        n_donors: int = 5,
        n_estimators: int = 50,
        learning_rate: float = 0.1,
        max_leaf_nodes: int = 6,
        min_samples_leaf: int = 20,
        max_features: float = 0.5,
        n_components: int = 3,
        ridge: float = 1.0,
        n_features: Number = "auto",
    ) -> None:
        self.max_iter = max_iter
        self.n_donors = n_donors
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.n_components = n_components
        self.ridge = ridge
        self.n_features = n_features

    def decided(self) -> str:
        """Say how predictors were chosen, if the table is wide and nobody said how."""
        return said_of(self.n_features, self.read_, "gbm-pmm")

    def _choose(self, X: Floats) -> list[Rows]:
        number = number_of_predictors(self.n_features, X.shape[1])
        return [] if number is None else strongest(self.predictors_, X, number)

    def _fill(self, turn: Turn, start: Floats | None, rng: np.random.Generator) -> Fill:
        sums, Y = self._numbers(turn)
        fit = fit_linear(sums, self.ridge)
        coefficients, _ = fit.draw(rng)
        known, holes = turn.known(), turn.holes()
        offered, wanted = known @ fit.coefficients, holes @ coefficients
        more_offered, more_wanted = self._more(known, Y - offered, holes, rng)
        offered, wanted = offered + more_offered, wanted + more_wanted
        fill = lend(turn.item, nearest_donors(offered, wanted, self.n_donors, rng), rng)
        return fill._replace(forecast=partial(self._forecast, turn.item, offered, wanted, rng.spawn(1)[0]))

    def _forecast(self, item: Item, offered: Floats, wanted: Floats, rng: np.random.Generator) -> NDArray[np.floating]:
        """What more donors than are drawn from say of each hole: a mean of few would be noisy."""
        standing = max(self.n_donors, round(STANDING * len(offered)))
        return forecast(item, nearest_donors(offered, wanted, standing, rng))

    def _numbers(self, turn: Turn) -> tuple[Sums, Floats]:
        """Sums, and values (n, d) of the known rows, of the numbers that stand for the item whose turn it is."""
        item, sums = turn.item, turn.sums
        Y, K = self.predictors_.encode(item.j, item.codes), len(item.levels)
        if item.column.kind is not Kind.NOMINAL or K == 2:
            return sums, Y
        scores = canonical_scores(sums, np.bincount(item.answers, minlength=K), self.n_components, self.ridge)
        return sums.combined(scores), Y @ scores

    def _more(self, known: Floats, left: Floats, holes: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """What trees add to predictions of known rows (n, q), of which (n, d) is left over, and of holes (h, q)."""
        D, E = known[:, 1:].astype(np.float32), holes[:, 1:].astype(np.float32)
        half, half_of_hole = rng.permutation(len(D)) % HALVES, rng.integers(HALVES, size=len(E))
        own, other = np.zeros_like(left), np.zeros((len(E), left.shape[1]))
        for k in range(HALVES):
            grows, asks = half != k, half_of_hole == k
            at = np.vstack([D[~grows], E[asks]])
            for d in range(left.shape[1]):
                found = self._grown(D[grows], left[grows, d], at, rng)
                own[~grows, d], other[asks, d] = np.split(found, [np.sum(~grows)])
        holds = np.maximum(np.sum(own * left, axis=0), 0) / np.maximum(np.sum(own**2, axis=0), 1e-12)
        return holds * own, holds * other

    def _grown(self, D: Float32s, y: Floats, at: Float32s, rng: np.random.Generator) -> Floats:
        """Predictions for rows (r, q) by trees grown on rows (n, q) and numbers (n,)."""
        settings: dict[str, float | str] = {
            "objective": "regression",
            "learning_rate": self.learning_rate,
            "num_leaves": self.max_leaf_nodes,
            "min_data_in_leaf": self.min_samples_leaf,
            "feature_fraction": self.max_features,
            "max_bin": 63,
            "seed": int(rng.integers(2**31)),
        }
        return boosted(D, y, at, self.n_estimators, settings)
