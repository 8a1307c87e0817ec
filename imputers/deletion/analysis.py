"""What methods share that analyse a table with holes as it is, and fill nothing."""

from typing import ClassVar, NoReturn

import numpy as np
import pandas as pd

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

    def impute(self, X: pd.DataFrame | Floats, n_draws: int = 5, *, random_state: int | None = None) -> Prediction:
        """Give what was estimated in `fit`; there are no draws, whatever the table.

        Parameters
        ----------
        X : table (n, p) with the columns of `fit`; only checked.
        n_draws, random_state : not used, as nothing is drawn.
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

    def _whole(self, X: Floats) -> Floats:
        """All columns of the table (n, p) from those that vary: a regression may name a constant one."""
        codes = np.tile(self._constants, (len(X), 1))
        codes[:, self._varying] = X
        return codes
