"""What deletion methods share: they estimate moments, and the schema's regression, from the cells that are there."""

import numpy as np
from numpy.typing import NDArray

from datasets.moments import Moments
from datasets.regression import Estimates
from datasets.schema import Floats
from imputers.deletion.analysis import Analysis


class Deletion(Analysis):
    """Base of deletion methods: a subclass writes ``_moments`` and ``_estimates``.

    ``_moments(X)``
        moments of the design of X (n, p), the columns that vary; those of others become NaN.
    ``_estimates(X, used)``
        of the regression of ``self.full_schema_``, from all columns X (n, p) of the table, of which it uses those
        at these positions; called if there is a regression.
    """

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        inner = self._moments(X)
        blocks = [self.full_schema_.blocks[j] for j in self._varying]
        at = np.concatenate([np.arange(block.start, block.stop) for block in blocks])
        q = self.full_schema_.blocks[-1].stop
        self.moments_ = Moments(
            mean=_spread(inner.mean, q, np.ix_(at)),
            covariance=_spread(inner.covariance, q, np.ix_(at, at)),
            correlation=_spread(inner.correlation, q, np.ix_(at, at)),
            pairs=_spread(inner.pairs, q, np.ix_(at, at)),
        )
        regression = self.full_schema_.regression
        if regression is not None:
            self.estimates_ = self._estimates(self._whole(X), [self.full_schema_.index(n) for n in regression.names])

    def _moments(self, X: Floats) -> Moments:
        raise TypeError(f"{type(self).__name__} must write _moments(X)")

    def _estimates(self, X: Floats, used: list[int]) -> Estimates:
        raise TypeError(f"{type(self).__name__} must write _estimates(X, used)")


def _spread(values: Floats, q: int, at: tuple[NDArray[np.intp], ...]) -> Floats:
    """Put values at their places among q columns; NaN elsewhere."""
    wide = np.full((q,) * len(at), np.nan)
    wide[at] = values
    return wide
