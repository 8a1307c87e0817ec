"""Pairwise deletion: each pair of columns uses all rows that answered both."""

import numpy as np

from datasets.moments import Moments, pairwise_moments
from datasets.schema import Codes, Kind
from imputers import IMPUTERS
from imputers.deletion.deletion import Deletion


@IMPUTERS.register("pairwise")
class Pairwise(Deletion):
    """Estimate each covariance from all rows that answered both items; fill nothing.

    Available-case analysis: Little & Rubin (2019), Statistical Analysis with Missing Data, section 3.4.
    Means come from all answers of a column, covariances from the rows of the pair around the pair's own means,
    as in ``pandas.DataFrame.cov``. Unbiased if cells are missing completely at random. As every pair has
    rows of its own the matrix may be indefinite, which is reported and not repaired. Survey weights are not
    used. The moments are those of the fitted rows; new rows change nothing. No draws.

    Attributes
    ----------
    smallest_eigenvalue_ : of the correlation matrix of the ordinal and numeric columns whose pairs all have
        rows; NaN if there are none.
    indefinite_ : True if it is negative.
    pair_counts_ : smallest, mean and harmonic mean number of rows behind a pair of columns.
    """

    def _moments(self, X: Codes) -> Moments:
        moments = pairwise_moments(self.schema_.design(X))
        starts = np.array([self.schema_.blocks[j].start for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC)], int)
        R = moments.correlation[np.ix_(starts, starts)]
        while np.isnan(R).any():  # leave out the column with most pairs unseen, until none is
            worst = int(np.isnan(R).sum(axis=0).argmax())
            R = np.delete(np.delete(R, worst, axis=0), worst, axis=1)
        self.smallest_eigenvalue_ = float(np.linalg.eigvalsh(R)[0]) if len(R) else float("nan")
        self.indefinite_ = self.smallest_eigenvalue_ < -1e-10
        known = (~np.isnan(X)).astype(float)
        counts = (known.T @ known)[np.triu_indices(X.shape[1], 1)]
        harmonic = len(counts) / (1 / counts).sum() if counts.all() else 0.0
        self.pair_counts_ = {"min": float(counts.min()), "mean": float(counts.mean()), "harmonic": float(harmonic)}
        return moments
