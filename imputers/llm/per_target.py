"""One small Llama for each target item, the control of one that learns all items jointly."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats, Role
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.llm.llama_scratch import LlamaScratch, target_columns


@IMPUTERS.register("llama-per-target")
class LlamaPerTarget(Imputer):
    """One small Llama for each target item, and one for all other items.

    Each is a `LlamaScratch`, of the architecture of Touvron et al. (2023, arXiv 2302.13971), that reads all items and
    learns to answer its own only: separate conditional models, as in the founding experiment, where `llama-scratch`
    is one joint model.

    Assumes what `LlamaScratch` assumes, and that targets are independent given the observed answers: draws of
    different targets, and of a target and the other items, do not know of each other. So associations
    between items that one person leaves open together are lost. The other items' draws are joint.

    Parameters
    ----------
    targets : names of the items with a model of their own; by default those that the schema calls targets, or all
        if there are none.
    hidden, n_models, passes, most_steps : of each `LlamaScratch`.

    Attributes
    ----------
    parts_ : the fitted imputers, by the columns they answer.
    """

    def __init__(
        self,
        targets: tuple[str, ...] | None = None,
        hidden: int = 64,
        n_models: int = 1,
        passes: float = 30.0,
        most_steps: int = 900,
    ) -> None:
        self.targets = targets
        self.hidden = hidden
        self.n_models = n_models
        self.passes = passes
        self.most_steps = most_steps

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        targets = self._target_columns()
        others = [j for j in range(len(self.schema_)) if j not in targets]
        columns = [(int(j),) for j in targets] + ([tuple(others)] if others else [])
        self.parts_ = {
            own: LlamaScratch(
                tuple(self.schema_.names[j] for j in own),
                hidden=self.hidden,
                n_models=self.n_models,
                passes=self.passes,
                most_steps=self.most_steps,
            ).fit(X, schema=self.schema_, random_state=int(rng.integers(2**62)))
            for own in columns
        }

    def _target_columns(self) -> NDArray[np.intp]:
        called = tuple(column.name for column in self.schema_ if column.role is Role.TARGET)
        return target_columns(self.targets or called or None, self.full_schema_, self.schema_)

    def _draws(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        columns = np.nonzero(np.isnan(X))[1]
        draws = np.full((n_draws, len(columns)), np.nan)
        for own, part in self.parts_.items():
            holes = np.isin(columns, own)
            draws[:, holes] = part._draws(X, n_draws, rng)[:, holes]
        return draws

    def _expected(self, X: Floats) -> Floats:
        columns = np.nonzero(np.isnan(X))[1]
        expected = np.full(len(columns), np.nan)
        for own, part in self.parts_.items():
            holes = np.isin(columns, own)
            expected[holes] = part._expected(X)[holes]
        return expected

    def _probabilities(self, X: Floats) -> Mapping[int, Floats]:
        own_tables = ((own, part._probabilities(X)) for own, part in self.parts_.items())
        return {j: table for own, tables in own_tables for j, table in tables.items() if j in own}
