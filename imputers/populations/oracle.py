"""The oracle: the exact conditional distribution of every hole, where the law of the population is known."""

from typing import ClassVar

import numpy as np

from datasets.errors import MethodUnavailableError
from datasets.populations import POPULATIONS
from datasets.prediction import Prediction
from datasets.schema import Column, Floats
from imputers import IMPUTERS
from imputers.base import Imputer


@IMPUTERS.register("oracle")
class Oracle(Imputer):
    """Draw from the exact conditional distribution of a table whose population is known.

    It is no method for data, but the best that any method can do: draws from the true distribution of a row's holes
    given its observed cells, jointly within the row, and its survey weight where weights tell something about the
    answers. Nothing is estimated, so that its draws are those of Rubin (1987, Multiple Imputation for Nonresponse in
    Surveys, section 3.2) with the parameters known. Probabilities and expectations are exact.

    Assumes that the schema names the law that the rows were drawn from (see `datasets.populations`), which the twin's
    does, and holes missing at random: what a mechanism says about hidden answers is not used. Weights are known for
    the fitted rows alone; holes in a table of other rows are drawn given their cells. Columns that do not vary are
    left out of the condition.
    """

    family: ClassVar[str] = "populations"
    defaults: ClassVar[str] = "no settings"
    proper: ClassVar[bool] = True
    uses_weights: ClassVar[bool] = True
    told: ClassVar[str] = "the population's law"

    def _check_kinds(self) -> None:
        schema = self.full_schema_
        if schema.population not in POPULATIONS:
            raise MethodUnavailableError(
                f"oracle: the law of this table's population is not known; it is of samples of {', '.join(POPULATIONS)}"
            )
        known = POPULATIONS[schema.population]().schema
        changed = [c.name for c in schema if c.name not in known.names or not _alike(known[c.name], c)]
        if changed:
            raise MethodUnavailableError(
                f"oracle: columns {changed} are not as in the population {schema.population!r}, so that its law says "
                "nothing about them; leave them as they were sampled"
            )
        super()._check_kinds()

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self.law_ = POPULATIONS[self.schema_.population]().take(self.schema_.names)
        self._fitted = X

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        known = np.array_equal(X, self._fitted, equal_nan=True)
        return self.law_.predict(X, self.weights_ if known else None, n_draws, rng)


def _alike(one: Column, other: Column) -> bool:
    """Whether two columns have one kind and one scale."""
    return (one.kind, one.levels.tolist()) == (other.kind, other.levels.tolist())
