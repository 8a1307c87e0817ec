"""Chained gradient boosting: each item in turn from boosted trees on all others, along several chains."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.heartbeat import steps
from imputers.shared.predictors import Predictors
from imputers.shared.strength import AUTO, Number, number_of_predictors, said_of, strongest
from imputers.shared.turns import turns
from imputers.trees.boosting import BOOSTER, BoostedClasses, BoostedScore, Conditional, learn_classes, learn_score
from imputers.trees.predictors import encode, increasing_holes, most_informative

TOGETHER = 20  # holes of an item that are holes of another, too, before its trees do without that other
TOLD = 3  # of the items that others are not read for
CHAINS = 5  # at least so many chains are averaged for means and probabilities, however few draws are asked for


@IMPUTERS.register("gbm")
class Gbm(Imputer):
    """Chained gradient boosting (LightGBM), averaged over sampled fills of the others.

    Boosted trees of Friedman 2001 (Annals of Statistics 29, 1189–1232, algorithms 1 and 6) as grown by LightGBM (Ke
    et al. 2017, NeurIPS 30), in chained equations with donors as by Deng & Lumley 2024 (Journal of Computational and
    Graphical Statistics, doi 10.1080/10618600.2023.2252501). Nominal items: multinomial likelihood. Ordinal and
    numeric items: least squares on the code; drawn is the answer of one of the `n_donors` persons of nearest
    prediction, taken from a fifth of the rows that the trees have not seen; of an item with few answers, from all rows,
    each predicted by trees that have not seen it (`learn_score`).

    A sweep learns every item from the current fills of the others and draws new ones; the first sweep starts
    from open holes, which LightGBM splits on as they are. Predictions replay the boosters of all sweeps in parallel
    chains, one a draw; draws stop in turn after each sweep but the first. Means and probabilities are averages over
    the chains and these sweeps of those of the donors: averaged over draws of the other holes they condition on what
    was observed alone (Rao–Blackwell), which one model on mean-filled predictors does not.

    Items that are missing wherever another is, of twenty holes at least, have their turns right behind it, and its
    trees do not read them (`imputers.shared.turns`), also in new rows that know such an item and not the one before it.

    In tables of more than 200 items, the trees of an item read 30 others at most, those that go best with it or with
    its being missing (`imputers.shared.strength.strongest`, after R's ``quickpred``). A stated ``n_features`` takes as
    many as tell most about it (`most_informative`), at the cost of all pairs of levels. A single sweep leaves all holes
    open, so that each item follows from what was observed alone, and its draws do not know those of other holes.

    Assumes missingness at random, and nothing of the form of effects. New rows are filled by the same boosters.
    Draws are improper: uncertainty about the boosters shows only in that each sweep learns from other fills. Survey
    weights are not used.

    Defaults were chosen on validation cells of the GSS core table.

    Parameters
    ----------
    max_iter : sweeps through the items; one for a model of each item given the observed answers alone.
    n_estimators : boosting rounds for an ordinal or numeric item.
    n_estimators_nominal : boosting rounds for a nominal item, each a tree per level.
    learning_rate, max_leaf_nodes : shrinkage and leaves of each tree.
    min_samples_leaf : smallest number of rows in a leaf; at most a tenth of the rows that a tree grows from.
    max_features : share of the predictors tried by each tree.
    n_donors : how many nearest predictions an answer is drawn from; in a small table at most a twentieth of all.
    n_features : how many other items the trees of an item read; None for all; "auto" for all in a table of up to 200
        items, for 30 at most in a wider one.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (BoostedClasses, BoostedScore, BOOSTER)
    family: ClassVar[str] = "trees"
    defaults: ClassVar[str] = "chosen on the GSS 2022 core table"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_estimators_nominal": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_leaf_nodes": [Interval(Integral, 2, None, closed="left")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "max_features": [Interval(Real, 0, 1, closed="right")],
        "n_donors": [Interval(Integral, 1, None, closed="left")],
        "n_features": AUTO,
    }

    def __init__(
        self,
        max_iter: int = 5,
        n_estimators: int = 50,
        n_estimators_nominal: int = 25,
        learning_rate: float = 0.15,
        max_leaf_nodes: int = 6,
        min_samples_leaf: int = 20,
        max_features: float = 0.5,
        n_donors: int = 40,
        n_features: Number = "auto",
    ) -> None:
        self.max_iter = max_iter
        self.n_estimators = n_estimators
        self.n_estimators_nominal = n_estimators_nominal
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.n_donors = n_donors
        self.n_features = n_features

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        schema, holes = self.schema_, np.isnan(X)
        unread = turns(holes, increasing_holes(X), TOGETHER)
        self.order_, self.chosen_ = list(unread), self._choose(X)
        self.unread_ = [np.empty(0, dtype=np.intp) for _ in self.chosen_]
        for j, passed in unread.items():
            left = np.setdiff1d(self.chosen_[j], passed)
            if len(left) and passed:
                self.chosen_[j], self.unread_[j] = left, np.array(passed, dtype=np.intp)
        spans = [np.arange(block.start, block.stop) for block in schema.blocks]
        self.read_ = [np.concatenate([spans[k] for k in chosen]) for chosen in self.chosen_]  # columns of the design
        self.models_: list[dict[int, Conditional]] = []
        D = schema.design(X)
        for _ in steps(range(self.max_iter), self.max_iter):
            learned = {}
            for j in steps(self.order_, len(self.order_)):
                gone = holes[:, j]
                predictors = D[:, self.read_[j]].astype(np.float32)
                learned[j] = self._learn(j, predictors[~gone], X[~gone, j], rng)
                if gone.any() and self.max_iter > 1:
                    D[gone, schema.blocks[j]] = encode(schema, j, learned[j].forecast(predictors[gone], rng).draw)
            self.models_.append(learned)

    def decided(self) -> str:
        """Say how predictors were chosen, if the table is wide and nobody said how, and which are not read."""
        names = self.schema_.names
        passed = {names[j]: ", ".join(names[k] for k in own) for j, own in enumerate(self.unread_) if len(own)}
        without = "; ".join(f"{name} without {others}" for name, others in list(passed.items())[:TOLD])
        more = f" and {len(passed) - TOLD} more so" if len(passed) > TOLD else ""
        told = (
            f"items that are missing together are drawn one behind the other: {without}{more}, also in new rows that "
            "know the others"
        )
        return ". ".join(filter(None, (said_of(self.n_features, self.chosen_, "gbm"), told if passed else "")))

    def _choose(self, X: Floats) -> list[NDArray[np.integer]]:
        """Positions of the items that the trees of each item read, ascending."""
        p = X.shape[1]
        number = number_of_predictors(self.n_features, p)
        if number is None:
            return [np.delete(np.arange(p), j) for j in range(p)]
        if self.n_features == "auto":
            return strongest(Predictors.learn(self.schema_, X), X, number)
        return most_informative(self.schema_, X, number)

    def _learn(self, j: int, D: NDArray[np.float32], codes: Floats, rng: np.random.Generator) -> Conditional:
        column = self.schema_.columns[j]
        settings = {
            "learning_rate": self.learning_rate,
            "num_leaves": self.max_leaf_nodes,
            "min_data_in_leaf": self.min_samples_leaf,
            "feature_fraction": self.max_features,
            "max_bin": 63,  # survey scales are shorter than this, so that nothing is lost
            "seed": int(rng.integers(2**31)),
        }
        if column.kind is Kind.NOMINAL:
            return learn_classes(column, D, codes, self.n_estimators_nominal, settings)
        return learn_score(column, D, codes, self.n_estimators, self.n_donors, settings, rng)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        schema, holes = self.schema_, np.isnan(X)
        burnt = min(1, self.max_iter - 1)  # the first of several sweeps knows the rest of the row only in part
        chains = max(n_draws, CHAINS) if self.max_iter > 1 else n_draws
        drawn = np.empty((n_draws, holes.sum()))
        turns = -np.arange(n_draws) % (self.max_iter - burnt)  # how many sweeps follow that which gives a draw
        filled = np.tile(X, (chains, 1, 1))
        D = np.tile(schema.design(X).astype(np.float32), (chains, 1, 1))  # as the trees read it
        lacking = [j for j in self.order_ if holes[:, j].any()]
        expected = np.zeros(X.shape)  # means and probabilities: averages over the chains of all sweeps so far
        probabilities = {j: np.zeros((holes[:, j].sum(), len(schema.columns[j].levels))) for j in lacking}
        for count, models in enumerate(steps(self.models_, len(self.models_)), start=1 - burnt):
            for j in steps(lacking, len(lacking)):
                gone = holes[:, j]
                predictors = D[:, np.flatnonzero(gone)[:, None], self.read_[j]]
                draw, mean, shares = models[j].forecast(predictors.reshape(-1, predictors.shape[-1]), rng)
                filled[:, gone, j] = draw.reshape(chains, -1)
                if self.max_iter > 1:
                    D[:, gone, schema.blocks[j]] = encode(schema, j, filled[:, gone, j])
                if count > 0:
                    average = mean.reshape(chains, -1).mean(axis=0)
                    expected[gone, j] += (average - expected[gone, j]) / count
                    average = shares.reshape(chains, gone.sum(), -1).mean(axis=0)
                    probabilities[j] += (average - probabilities[j]) / count
            now = np.flatnonzero(turns == self.max_iter - burnt - count)
            drawn[now] = filled[now][:, holes]
        labelled = {j: shares for j, shares in probabilities.items() if schema.columns[j].labels}
        return Prediction(drawn, expected[holes], labelled)
