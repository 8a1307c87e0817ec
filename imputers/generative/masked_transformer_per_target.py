"""One masked transformer for each target item, the control of one that learns all items jointly."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Role
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.generative.masked_transformer import MaskedTransformer, target_columns
from imputers.shared.ranges import COUNT, POSITIVE


@IMPUTERS.register("masked-transformer-per-target")
class MaskedTransformerPerTarget(Imputer):
    """One masked transformer for each target item, and one for all other items.

    Each is a `MaskedTransformer` that reads all items and learns to answer its own only: separate conditional models
    (as in chained equations, van Buuren 2007, Statistical Methods in Medical Research 16), where `masked-transformer`
    is one joint model.

    Assumes what `MaskedTransformer` assumes, and that targets are independent given the observed answers: draws of
    different targets, and of a target and the other items, do not know of each other. So associations
    between items that one person leaves open together are lost. The other items' draws are joint.

    Parameters
    ----------
    targets : names of the items with a model of their own; by default those that the schema calls targets, or all
        if there are none.
    n_hidden, n_estimators, n_epochs, max_iter : of each `MaskedTransformer`.

    Attributes
    ----------
    parts_ : the fitted imputers, by the columns they answer.
    """

    defaults: ClassVar[str] = "chosen on the GSS 2022 core table"
    family = "generative"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "targets": [None, tuple, list],
        "n_hidden": COUNT,
        "n_estimators": COUNT,
        "n_epochs": POSITIVE,
        "max_iter": COUNT,
    }

    def __init__(
        self,
        targets: tuple[str, ...] | None = None,
        n_hidden: int = 64,
        n_estimators: int = 1,
        n_epochs: float = 30.0,
        max_iter: int = 900,
    ) -> None:
        self.targets = targets
        self.n_hidden = n_hidden
        self.n_estimators = n_estimators
        self.n_epochs = n_epochs
        self.max_iter = max_iter

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        targets = self._target_columns()
        others = [j for j in range(len(self.schema_)) if j not in targets]
        columns = [(int(j),) for j in targets] + ([tuple(others)] if others else [])
        self.parts_ = {
            own: MaskedTransformer(
                tuple(self.schema_.names[j] for j in own),
                n_hidden=self.n_hidden,
                n_estimators=self.n_estimators,
                n_epochs=self.n_epochs,
                max_iter=self.max_iter,
            ).fit(X, schema=self.schema_, random_state=int(rng.integers(2**62)))
            for own in columns
        }

    def _target_columns(self) -> NDArray[np.intp]:
        called = tuple(column.name for column in self.schema_ if column.role is Role.TARGET)
        return target_columns(self.targets or called or None, self.full_schema_, self.schema_)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        columns = np.nonzero(np.isnan(X))[1]
        draws, expected = np.full((n_draws, len(columns)), np.nan), np.full(len(columns), np.nan)
        tables: dict[int, Floats] = {}
        for own, part in self.parts_.items():
            own_draws, own_expected, own_tables = part.filled(X, n_draws, rng)
            holes = np.isin(columns, own)
            draws[:, holes], expected[holes] = own_draws[:, holes], own_expected[holes]
            tables |= {j: table for j, table in own_tables.items() if j in own}
        return Prediction(draws, expected, tables)
