"""What deletion methods share: they estimate moments, and fill nothing."""

from typing import ClassVar, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets.answer import Answer
from datasets.errors import InputError
from datasets.moments import Moments
from datasets.schema import Codes
from imputers.base import Imputer


class Deletion(Imputer):
    """Base of deletion methods: a subclass writes ``_moments(X)``, the moments of the design of X (n, p).

    Attributes
    ----------
    moments_ : moments of the design of the full table; NaN for columns that do not vary.
    """

    deterministic: ClassVar[bool] = True

    def _fit(self, X: Codes, rng: np.random.Generator) -> None:
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

    def _moments(self, X: Codes) -> Moments:
        raise TypeError(f"{type(self).__name__} must write _moments(X)")

    def answer(self, X: pd.DataFrame | Codes, n_draws: int = 5, *, random_state: int | None = None) -> Answer:
        """Give the moments estimated in `fit`; there are no draws, whatever the table.

        Parameters
        ----------
        X : table (n, p) with the columns of `fit`; only checked.
        n_draws, random_state : not used, as nothing is drawn.
        """
        self._codes(X)
        return Answer(moments=self.moments_)

    def transform(self, X: pd.DataFrame | Codes) -> NoReturn:
        """Refuse: deletion fills nothing.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"{type(self).__name__} is a deletion method: it estimates moments and fills no holes; read them with "
            "answer(X).moments, or take a method that fills, e.g. 'mice'"
        )


def _spread(values: NDArray[np.float64], q: int, at: tuple[NDArray[np.intp], ...]) -> NDArray[np.float64]:
    """Put values at their places among q columns; NaN elsewhere."""
    wide = np.full((q,) * len(at), np.nan)
    wide[at] = values
    return wide
