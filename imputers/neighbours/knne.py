"""Ensembles of nearest neighbours, each in some of the attributes, drawn by what they tell about the target."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import StrOptions

from datasets.schema import Floats, Schema
from datasets.selection.ranking import associations
from imputers import IMPUTERS
from imputers.shared.distances import Distances, Gower
from imputers.shared.donors import DonorImputer, Lenders
from imputers.shared.ranges import COUNT, SHARE_ABOVE_ZERO

BLOCK = 32  # rows with a hole at a time, times donors times members
SAMPLE = 400  # respondents that tell how far apart two of them are on average
TIE = 1e-4  # far below any step of a scale


def _information(schema: Schema, X: Floats) -> Floats:
    """Theil's uncertainty coefficient of each target (row) by each attribute (column), corrected for chance."""
    told = np.zeros((len(schema), len(schema)))
    for j, name in enumerate(schema.names):
        table = associations(schema, X, name)
        told[j, [schema.index(other) for other in table["variable"]]] = table["share"]
    return told


@IMPUTERS.register("knne")
class NeighbourEnsemble(DonorImputer):
    """Pool nearest neighbours found in random subsets of the telling attributes.

    Domeniconi & Yan (2004), Nearest neighbor ensemble, ICPR 17: members see few features, drawn by relevance; the
    settings of the paper could not be checked, those here are ours. A member draws half as many attributes as there
    are, with replacement, with probability proportional to what they tell about the target: mutual information over
    the target's entropy, estimated on observed cells and corrected for chance (Vinh, Epps & Bailey 2010, JMLR
    11). An attribute drawn twice counts twice. In the sum of Gower's (1971, Biometrics 27) distances over
    its attributes the member finds the k nearest donors; ties are broken at random, by each member in its own
    way. An attribute that one of a pair did not answer adds the average distance of two respondents, as in one of the
    remedies compared by Dixon (1979), IEEE Transactions on Systems, Man, and Cybernetics 9: the rescaled mean of
    the others, which `knn` uses, favours donors who answered little. Members that share nothing with a row do not vote.

    Numeric holes get the mean of all members' donors, ordinal the median, nominal the vote; a draw is one donor of one
    member, so that draws vary as members do. They are improper. Assumes missing at random given the other
    answers. New rows seek donors among the fitted rows. Text columns are not read. Time grows with rows times members
    times donors, and donors are at most ``max_donors`` an item, so that it is linear in rows.

    Parameters
    ----------
    n_estimators : number of members.
    n_neighbors : donors of each member.
    max_features : attributes that a member draws, as a share of all.
    relevance : ``"information"``, or ``"uniform"`` for attributes drawn alike.
    max_donors : respondents who lend to one item, drawn at random among those who answered it.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Gower,)
    family: ClassVar[str] = "neighbours"
    defaults: ClassVar[str] = "ours; on which table is not recorded"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_estimators": COUNT,
        "n_neighbors": COUNT,
        "max_features": SHARE_ABOVE_ZERO,
        "relevance": [StrOptions({"information", "uniform"})],
        "max_donors": COUNT,
    }

    def __init__(
        self,
        n_estimators: int = 30,
        n_neighbors: int = 5,
        max_features: float = 0.5,
        relevance: str = "information",
        max_donors: int = 1000,
    ) -> None:
        self.n_estimators = n_estimators
        self.n_neighbors = n_neighbors
        self.max_features = max_features
        self.relevance = relevance
        self.max_donors = max_donors

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        p = len(self.schema_)
        relevance = _information(self.schema_, X) if self.relevance == "information" else np.ones((p, p))
        self._donors = X
        self._gower = Gower.learn(self.schema_, X)
        answered = [rng.permutation(np.flatnonzero(~np.isnan(column))) for column in X.T]
        self._lending = [rows[: self.max_donors] for rows in answered]
        self._usual = [self._average(j, rows[:SAMPLE]) for j, rows in enumerate(answered)]
        chances = (relevance + 1e-9) * (1 - np.eye(p))  # alike for a target that nothing tells about
        chances /= chances.sum(axis=1, keepdims=True)
        drawn = int(np.ceil(self.max_features * p))
        self._subsets = rng.multinomial(drawn, chances[:, None], (p, self.n_estimators)).astype(np.float32)
        self._ties = rng.uniform(0, TIE, (self.n_estimators, 1, self.max_donors)).astype(np.float32)

    def _average(self, j: int, rows: NDArray[np.intp]) -> float:
        """Average distance in item j between the first and the second half of some respondents who answered it."""
        first, second = np.array_split(self._donors[rows, j], 2)
        return float(self._gower.item(j, first, second).mean())

    def _seek(self, X: Floats) -> Lenders:
        holes = np.isnan(X)
        number = holes.cumsum().reshape(X.shape) - 1  # of a hole, in row-major order
        rows = np.zeros((int(holes.sum()), self.n_estimators * self.n_neighbors), dtype=np.int32)
        weights = np.zeros(rows.shape, dtype=bool)
        for j, donors in enumerate(self._lending):
            wanting = np.flatnonzero(holes[:, j])
            rows[number[wanting, j]] = donors[0]  # somebody who answered, of weight zero where donors are few
            for start in range(0, len(wanting), BLOCK):
                block = wanting[start : start + BLOCK]
                lenders, votes = self._nearest(X[block], j)
                rows[number[block, j], : lenders.shape[1]] = lenders
                weights[number[block, j], : lenders.shape[1]] = votes
        return Lenders(rows, weights)

    def _nearest(self, X: Floats, j: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Donors of item j that the members find for rows X (h, p), and whether they vote: both (h, members * k)."""
        used = np.flatnonzero(self._subsets[j].any(axis=0))
        subsets, donors = self._subsets[j][:, used], self._lending[j]
        apart = np.empty((len(used), len(X), len(donors)), dtype=np.float32)
        for at, a in enumerate(used):
            apart[at] = self._gower.item(a, X[:, a], self._donors[donors, a], self._usual[a])
        far = (subsets @ apart.reshape(len(used), -1)).reshape(self.n_estimators, len(X), len(donors))
        far += self._ties[:, :, : len(donors)]
        near = _smallest(far, min(self.n_neighbors, len(donors))).swapaxes(0, 1)  # (h, members, k)
        votes = ~np.isnan(X[:, used]) @ subsets.T > 0  # (h, members): they share something
        votes[~votes.any(axis=1)] = True
        return donors[near].reshape(len(X), -1), np.repeat(votes, near.shape[2], axis=1)


def _smallest(far: Distances, k: int) -> NDArray[np.intp]:
    """Positions of the k smallest along the last axis; far is used up. For a few it beats a partition."""
    near = np.empty((*far.shape[:2], k), dtype=np.intp)
    for at in range(k):
        near[:, :, at] = far.argmin(axis=2)
        np.put_along_axis(far, near[:, :, at : at + 1], np.inf, axis=2)
    return near
