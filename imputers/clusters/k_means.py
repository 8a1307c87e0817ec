"""k-means on tables with holes: every row counts, by the distance over the answers that it has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Kind, Schema

SAMPLE = 500  # rows whose silhouettes decide the number of clusters
COUNTS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)  # numbers of clusters to choose from


@dataclass(frozen=True, eq=False)
class Space:
    """Coordinates of answers, such that distances between items of different kinds compare.

    Ordinal codes and numbers are in standard deviations. Dummies of nominal levels are divided by √2, so that two
    different answers are at squared distance 1. All are centred: 0 is an average answer.

    Parameters
    ----------
    schema : of p columns.
    centre, scale : of the design, shape (q,).
    apart : mean squared distance of two respondents at random, per item.
    """

    schema: Schema
    centre: Floats
    scale: Floats
    apart: float

    @classmethod
    def of(cls, X: Floats, schema: Schema) -> "Space":
        """Take means and standard deviations from the observed cells of X (n, p)."""
        D = schema.design(X)
        scale = np.nanstd(D, axis=0)
        for j in schema.where(Kind.NOMINAL):
            scale[schema.blocks[j]] = np.sqrt(2)
        return cls(schema, np.nanmean(D, axis=0), scale, 2 * float(np.nanvar(D / scale, axis=0).sum()) / len(schema))

    def place(self, X: Floats) -> Floats:
        """Coordinates (n, q) of codes (n, p); NaN where missing."""
        return (self.schema.design(X) - self.centre) / self.scale

    def squared_distances(self, A: Floats, B: Floats) -> Floats:
        """Squared distances (a, b) over the items that both rows answered, scaled up to p - 1 items.

        So a pair counts as if it differed as much in the items that it does not share (Dixon 1979, IEEE
        Transactions on Systems, Man, and Cybernetics 9); a pair that shares none is as far apart as two
        respondents at random. p - 1 because one item is always the one to be filled.
        """
        first = [block.start for block in self.schema.blocks]
        shared = (~np.isnan(A[:, first])).astype(float) @ (~np.isnan(B[:, first])).astype(float).T
        mean: Floats = np.where(shared > 0, known_distances(A, B) / np.maximum(shared, 1), self.apart)
        return mean * (len(self.schema) - 1)


def known_distances(A: Floats, B: Floats) -> Floats:
    """Squared distances (a, b) over the coordinates that are known in both rows."""
    a, b = np.nan_to_num(A), np.nan_to_num(B)
    we_know, they_know = (~np.isnan(A)).astype(float), (~np.isnan(B)).astype(float)
    squared = (a * a) @ they_know.T + we_know @ (b * b).T - 2 * a @ b.T  # (a - b)² multiplied out
    return np.maximum(squared, 0)  # the difference of equal sums may be -1e-16


def nearest(D: Floats, centres: Floats) -> NDArray[np.intp]:
    """Number of the nearest centre of each row (n,), over the coordinates known in the row."""
    return known_distances(D, centres).argmin(axis=1)


def k_means(D: Floats, k: int, rng: np.random.Generator, n_init: int = 3, max_iter: int = 30) -> Floats:
    """Centres (k, q) that are near the rows of D (n, q), NaN where unknown; 0 must be an average coordinate.

    Lloyd's algorithm on the known cells alone: a row goes to the centre nearest in its known coordinates, a centre
    to the means of its rows' known coordinates; each step so lowers the sum of squares over known cells. The
    best of several starts. Fewer centres come back if D has fewer than k different rows. scikit-learn's k-means
    refuses missing cells.
    """
    known, Z = (~np.isnan(D)).astype(float), np.nan_to_num(D)
    best, lowest = D[:0], np.inf
    for _ in range(n_init):
        centres = _first_centres(D, k, rng)
        own = np.full(len(D), -1)
        for _ in range(max_iter):
            squared = known_distances(D, centres)
            before, own = own, squared.argmin(axis=1)
            if (own == before).all():
                break
            members = (own == np.arange(len(centres))[:, None]).astype(float)  # (k, n)
            counts = members @ known
            centres = np.where(counts > 0, members @ Z / np.maximum(counts, 1), centres)
        total = squared.min(axis=1).sum()
        if total < lowest:
            best, lowest = centres, total
    return best


def _first_centres(D: Floats, k: int, rng: np.random.Generator) -> Floats:
    """Rows of D by chance, far ones more likely (Arthur & Vassilvitskii 2007, k-means++); 0 where unknown."""
    centres = np.nan_to_num(D[[rng.integers(len(D))]])
    while len(centres) < k:
        squared = known_distances(D, centres).min(axis=1)
        if not squared.any():
            break
        chosen = rng.choice(len(D), p=squared / squared.sum())
        centres = np.vstack([centres, np.nan_to_num(D[[chosen]])])
    return centres


def choose_clusters(space: Space, D: Floats, rng: np.random.Generator) -> Floats:
    """Centres (k, q) for the number of clusters with the widest mean silhouette.

    Rousseeuw (1987), Journal of Computational and Applied Mathematics 20. Clusters are those of all rows; silhouettes
    are taken of at most 500 random ones, by the distance over shared answers, and the numbers tried are
    2, 3, 4, 6, 8, … up to √n: silhouettes of all rows for every number up to √n would cost more than the
    imputation itself.
    """
    from sklearn.metrics import silhouette_score

    some = D[rng.permutation(len(D))[:SAMPLE]]
    apart = np.sqrt(space.squared_distances(some, some))
    np.fill_diagonal(apart, 0)
    best, widest = D[:0], -np.inf
    for k in COUNTS:
        if k > max(2, np.ceil(np.sqrt(len(D)))):
            break
        centres = k_means(D, k, rng, n_init=1)
        own = nearest(some, centres)
        seen = len(np.unique(own))
        width = silhouette_score(apart, own, metric="precomputed") if 1 < seen < len(some) else -1.0
        if width > widest:
            best, widest = centres, width
    return k_means(D, len(best), rng)
