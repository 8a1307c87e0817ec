"""HI-VAE as a plugin of the hyperimpute package: ``Imputers().add("hivae", HIVAEPlugin)``."""

from typing import Any

import pandas as pd

from datasets.files.frame import infer_schema
from imputers.generative.hivae import HIVAE
from imputers.generative.isolation import isolated

with isolated():  # hyperimpute sets thread variables when imported
    from hyperimpute.plugins.imputers import ImputerPlugin


class HIVAEPlugin(ImputerPlugin):
    """HI-VAE (Nazábal, Olmos, Ghahramani & Valera 2020) for users of hyperimpute.

    The same model as the imputer ``hivae``. Kinds are read off the table as `datasets.files.frame.infer_schema`
    does: whole numbers with two values are nominal, with up to ten ordinal, with more numeric; other numbers
    numeric; text and unordered categories nominal, ordered ones ordinal. Index, columns and dtypes are kept.

    Parameters
    ----------
    max_iter : mini-batches at most.
    n_samples : posterior samples behind each fill.
    random_state : seed; unlike other plugins this one leaves the global generators alone.

    Examples
    --------
    ::

        from hyperimpute.plugins.imputers import Imputers

        completed = Imputers().add("hivae", HIVAEPlugin).get("hivae").fit_transform(frame)
    """

    def __init__(self, max_iter: int = 800, n_samples: int = 50, random_state: int = 0) -> None:
        with isolated():
            super().__init__(random_state=random_state)
        self.max_iter = max_iter
        self.n_samples = n_samples
        self.random_state = random_state

    @staticmethod
    def name() -> str:
        """Name in hyperimpute's registry."""
        return "hivae"

    @staticmethod
    def hyperparameter_space(*args: Any, **kwargs: Any) -> list:  # noqa: ANN401 - hyperimpute's signature
        """No hyper-parameters are left to hyperimpute's search."""
        return []

    def _fit(self, X: pd.DataFrame, *args: Any, **kwargs: Any) -> "HIVAEPlugin":  # noqa: ANN401
        frame = _named(X)
        self.imputer_ = HIVAE(max_iter=self.max_iter, n_samples=self.n_samples)
        self.imputer_.fit(frame, schema=infer_schema(frame), random_state=self.random_state)
        return self

    def _transform(self, X: pd.DataFrame) -> pd.DataFrame:
        return self.imputer_.transform(_named(X)).set_axis(X.columns, axis=1)


def _named(X: pd.DataFrame) -> pd.DataFrame:
    """Give the same table text for column names, which arrays lack."""
    return X.set_axis([str(name) for name in X.columns], axis=1)


plugin = HIVAEPlugin  # the name that hyperimpute's loader looks for in a plugin file
