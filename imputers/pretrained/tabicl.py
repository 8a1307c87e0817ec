"""TabICL, a transformer that reads tables column by column and row by row, in chained equations."""

import json
from functools import lru_cache
from typing import Any

import numpy as np

from datasets.errors import MethodUnavailableError
from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.pretrained.tabular import LEVELS, TabularImputer


@IMPUTERS.register("tabicl")
class TabICL(TabularImputer):
    """Chained equations by TabICL, a pre-trained transformer that answers from the rows it is shown.

    Qu, Holzmüller, Varoquaux & Le Morvan (2025), TabICL: a tabular foundation model for in-context learning on large
    data, ICML, arXiv 2502.05564, by the package ``tabicl`` of its authors (2.2). Its checkpoints are pickled, and are
    turned into safetensors by their owner first: their ``state_dict`` as tensors, their ``config`` as JSON in the
    header. Everything else is as in `TabularImputer`.
    """

    package = "tabicl"

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        super()._fit(X, rng)
        for path in self.files_.values():  # whether they can be used is told before the chains begin
            network(path)

    def _head(self, kind: str, seed: int) -> Any:  # noqa: ANN401
        import tabicl

        made = {"classifier": tabicl.TabICLClassifier, "regressor": tabicl.TabICLRegressor}[kind]
        head = made(n_estimators=self.n_estimators, allow_auto_download=False, random_state=seed)
        head.model_, head.model_config_ = network(self.files_[kind])
        head.model_path_ = self.files_[kind]
        head._load_model = lambda: None  # as the package itself does where a network is there
        return head

    def _quantiles(self, regressor: Any, D: Floats) -> Floats:  # noqa: ANN401
        return regressor.predict(D, output_type="quantiles", alphas=LEVELS.tolist())


@lru_cache(maxsize=2)
def network(path: str) -> tuple[Any, dict[str, Any]]:
    """Network of a file of safetensors, in evaluation mode, and its sizes.

    Raises
    ------
    MethodUnavailableError
        If the file has no sizes in its header, or its tensors are others than these say.
    """
    from safetensors import safe_open
    from tabicl._model.tabicl import TabICL as Network

    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no mapping
        header = file.metadata() or {}
    try:
        config = json.loads(header["config"])
        made = Network(**config)
        made.load_state_dict(tensors)
    except (KeyError, ValueError, TypeError, RuntimeError) as wrong:
        raise MethodUnavailableError(
            f"{path} holds no TabICL network ({' '.join(str(wrong).split())[:200]}); write it, where you trust the "
            "checkpoint, by c = torch.load('x.ckpt', weights_only=True) and safetensors.torch.save_file("
            "c['state_dict'], 'classifier.safetensors', {'config': json.dumps(c['config'])})"
        ) from wrong
    return made.eval(), config
