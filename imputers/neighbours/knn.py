"""Nearest neighbours: the respondents most alike in what both answered lend their answers."""

from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.shared.distances import DISTANCES, Distances, Euclidean, Gower
from imputers.shared.donors import DonorImputer, Lenders, sample_donors
from imputers.shared.ranges import COUNT, COUNT_OR_NONE

FEWEST = 10  # lenders that even a rare item keeps in a sample of donors


@IMPUTERS.register("knn")
class NearestNeighbours(DonorImputer):
    """Fill from the k most alike respondents who answered, by Gower distance.

    Troyanskaya et al. (2001), Bioinformatics 17, with the mixed-kind distance of Gower (1971), Biometrics 27,
    equation 5: the mean, over items that both answered, of mismatch for nominal, of difference over range
    for ordinal and numeric, and of edit distance for text items. Donors weigh 1 / distance. Numeric holes get the
    weighted mean, ordinal the weighted median, nominal and text the weighted vote; probabilities are the donors'
    shares. Draws take one donor by weight; they are improper (the neighbourhood counts as known) and vary
    somewhat too little between draws. Assumes missing at random given the other answers. New rows seek donors
    among the fitted rows. Donors that share no answer with a row come last. Time grows with rows times
    donors; memory does not, as rows are compared in blocks. All items count alike, so that those which tell nothing
    about the target hide the ones which do; `knne` weighs them.

    Parameters
    ----------
    n_neighbors : number of donors k; None takes the square root of the number of respondents who answered the item
        (Loftsgaarden & Quesenberry 1965, Annals of Mathematical Statistics 36: k must grow with n, but slower).
    weights : ``"distance"`` for 1 / distance, or ``"uniform"``.
    metric : ``"gower"``, or ``"euclidean"`` over standardised items (Dixon 1979), which reads no text and
        with 5 neighbours and uniform weights is scikit-learn's ``KNNImputer`` on a standardised numeric table.
    max_donors : with more fitted rows than this, a random sample of so many lends.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Euclidean, Gower)
    family: ClassVar[str] = "neighbours"
    defaults: ClassVar[str] = "k = √n (Loftsgaarden & Quesenberry 1965), Gower's distance"
    reads_text: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_neighbors": COUNT_OR_NONE,
        "weights": [StrOptions({"distance", "uniform"})],
        "metric": [StrOptions(set(DISTANCES))],
        "max_donors": COUNT,
    }

    def __init__(
        self,
        n_neighbors: int | None = None,
        weights: str = "distance",
        metric: str = "gower",
        max_donors: int = 10_000,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.metric = metric
        self.max_donors = max_donors

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._distance = DISTANCES[self.metric](self.schema_, X)
        self._donors = X[sample_donors(X, self.max_donors, FEWEST, rng)]

    def _seek(self, X: Floats) -> Lenders:
        holes = np.isnan(X)
        number = holes.cumsum().reshape(X.shape) - 1  # of a hole, in row-major order
        answered = [np.flatnonzero(~np.isnan(column)) for column in self._donors.T]
        lend = [min(self.n_neighbors or int(np.ceil(np.sqrt(len(donors)))), len(donors)) for donors in answered]
        rows = np.zeros((int(holes.sum()), max(lend)), dtype=np.int32)
        weights = np.zeros(rows.shape, dtype=np.float32)
        for block, distances in self._distance.blocks(X, self._donors):
            for j, (donors, k) in enumerate(zip(answered, lend, strict=True)):
                here = np.flatnonzero(holes[block, j])
                far = distances[here][:, donors]
                near = np.argpartition(far, k - 1, axis=1)[:, :k]
                into = number[block.start + here, j]
                rows[into, :k] = donors[near]
                rows[into, k:] = rows[into, :1]  # somebody who answered, of weight zero
                weights[into, :k] = self._weights_of(np.take_along_axis(far, near, axis=1))
        return Lenders(rows, weights)

    def _weights_of(self, distances: Distances) -> Distances:
        """Weights of the donors (holes, k); the infinitely far ones count only where there is nobody else."""
        if self.weights == "distance":
            weights = 1 / np.maximum(distances, 1e-6)
        else:
            weights = np.isfinite(distances).astype(np.float32)
        weights[np.isinf(distances).all(axis=1)] = 1
        return weights


@IMPUTERS.register("knn-1")
class NearestNeighbour(NearestNeighbours):
    """Copy the answer of the one respondent most alike who gave it, by Gower distance.

    Nearest-neighbour hot deck: Chen & Shao (2000), Journal of Official Statistics 16:2; the distance is that of Gower
    (1971), Biometrics 27, with edit distances for text. As `NearestNeighbours` with one neighbour: every kind of
    column gets an answer that somebody gave, a probability of 1 goes to it, and there is no distribution to draw
    from. Assumes missing at random given the other answers. New rows seek donors among the fitted rows. It
    preserves the spread of an item, and pays with the error of a single respondent, twice the residual variance.

    Parameters
    ----------
    metric : ``"gower"``, or ``"euclidean"``, which reads no text.
    max_donors : with more fitted rows than this, a random sample of so many lends.
    """

    defaults: ClassVar[str] = "one neighbour, Gower's distance: no settings"
    deterministic: ClassVar[bool] = True

    def __init__(self, metric: str = "gower", max_donors: int = 10_000) -> None:
        super().__init__(n_neighbors=1, weights="uniform", metric=metric, max_donors=max_donors)
