"""TabPFN, a transformer that was pre-trained on synthetic tables, in chained equations."""

from typing import Any

import numpy as np

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.pretrained.tabular import LEVELS, TabularImputer


@IMPUTERS.register("tabpfn")
class TabPFN(TabularImputer):
    """Chained equations by TabPFN, a pre-trained transformer that answers from the rows it is shown.

    Hollmann, Müller, Purucker et al. (2025), Accurate predictions on small data with a tabular foundation model, Nature
    637, 319–326, by the package ``tabpfn`` of its authors (9.2; from version 3.5 of the model on, one file of
    safetensors holds both heads). Nominal items have as many levels as the model tells apart, ten in most. Everything
    else is as in `TabularImputer`.
    """

    package = "tabpfn"

    def _head(self, kind: str, seed: int) -> Any:  # noqa: ANN401
        import tabpfn

        made = {"classifier": tabpfn.TabPFNClassifier, "regressor": tabpfn.TabPFNRegressor}[kind]
        return made(
            model_path=self.files_[kind],
            n_estimators=self.n_estimators,
            ignore_pretraining_limits=True,  # of rows, which are the user's to choose
            random_state=seed,
        )

    def _quantiles(self, regressor: Any, D: Floats) -> Floats:  # noqa: ANN401
        return np.column_stack(regressor.predict(D, output_type="quantiles", quantiles=LEVELS.tolist()))
