"""What methods share that analyse a table with holes as it is, and fill nothing; and deletion, which gives moments."""

from typing import ClassVar, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.moments import Moments
from datasets.prediction import Prediction
from datasets.regression import Estimates
from datasets.schema import Floats
from imputers.base import Imputer


class Analysis(Imputer):
    """Base of methods that fill nothing: a subclass writes ``_fit`` and sets there what it estimates.

    Attributes
    ----------
    moments_ : moments of the design of the full table; None if the method gives none.
    estimates_ : of the schema's regression; None if the method gives none, or the schema states none.
    """

    family: ClassVar[str] = "deletion"
    deterministic: ClassVar[bool] = True
    moments_: Moments | None = None
    estimates_: Estimates | None = None

    def impute(
        self,
        X: pd.DataFrame | Floats,
        n_draws: int = 5,
        *,
        random_state: int | None = None,
        asked: NDArray[np.bool_] | None = None,
    ) -> Prediction:
        """Give what was estimated in `fit`; there are no draws, whatever the table.

        Parameters
        ----------
        X : table (n, p) with the columns of `fit`; only checked.
        n_draws, random_state, asked : not used, as nothing is drawn.
        """
        self._codes(X)
        return Prediction(moments=self.moments_, estimates=self.estimates_)

    def transform(self, X: pd.DataFrame | Floats) -> NoReturn:
        """Refuse: an analysis fills nothing.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"{type(self).__name__} analyses a table as it is and fills no holes; read its estimates with "
            "impute(X).moments or impute(X).estimates, or take a method that fills, e.g. 'mice'"
        )


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
        blocks = [self.full_schema_.blocks[j] for j in self._constants.varying]
        at = np.concatenate([np.arange(block.start, block.stop) for block in blocks])
        q = self.full_schema_.blocks[-1].stop
        self.moments_ = Moments(
            mean=_spread(inner.mean, q, np.ix_(at)),
            covariance=_spread(inner.covariance, q, np.ix_(at, at)),
            correlation=_spread(inner.correlation, q, np.ix_(at, at)),
            pairs=_spread(inner.pairs, q, np.ix_(at, at)),
        )
        regression = self.full_schema_.regression
        used = [] if regression is None else [self.full_schema_.index(name) for name in regression.names]
        whole = self._constants.whole(X)  # a regression may name a column that does not vary
        self.estimates_ = None if regression is None else self._estimates(whole, used)

    def _moments(self, X: Floats) -> Moments:
        raise TypeError(f"{type(self).__name__} must write _moments(X)")

    def _estimates(self, X: Floats, used: list[int]) -> Estimates:
        raise TypeError(f"{type(self).__name__} must write _estimates(X, used)")


def _spread(values: Floats, q: int, at: tuple[NDArray[np.intp], ...]) -> Floats:
    """Put values at their places among q columns; NaN elsewhere."""
    wide = np.full((q,) * len(at), np.nan)
    wide[at] = values
    return wide
