"""TabCSDI, conditional diffusion for tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.generative.deep import DeepImputer
from imputers.shared.ranges import COUNT, NOT_NEGATIVE, POSITIVE, SHARE_ABOVE_ZERO, TWO_OR_MORE

if TYPE_CHECKING:
    from torch import Generator

    from imputers.shared.training import Curve

FEWEST, MOST = 120, 3000  # gradient steps, whatever the table's length
HIGHEST, LOWEST = 20.0, 0.05  # noise levels of the sampler, where standardised cells are all but unknown and known


@IMPUTERS.register("tab-csdi")
class TabCSDI(DeepImputer):
    """Diffusion of the hidden cells, conditional on those shown (TabCSDI).

    Zheng & Charoenphakdee (2022), Diffusion models for missing value imputation in tabular data, NeurIPS workshop on
    table representation learning: CSDI (Tashiro, Song, Song & Ermon 2021, NeurIPS, section 4) for tables. Observed
    cells are hidden at random and noised, and a network learns to denoise them given the cells still shown; the reverse
    process then carries the holes from noise to values. Nominal cells are one-hot, as in TabCSDI.

    Departures. Noise is continuous (Karras et al. 2022, NeurIPS), and the sampler that of Lu et al. (2022,
    DPM-Solver++), 20 levels for 100 to 150 steps. Every cell has a noise level of its own, next to none when shown and
    all but endless when missing, and the network reads what each cell says by itself by Bayes' rule, as in Bayesian
    flow networks (Graves et al. 2023), in place of noised values, a mask and an embedding of time. The loss is the log
    loss of every cell. A perceptron beside a linear layer stands for the transformer. All this was chosen on validation
    cells of GSS 2022, and so was conditional training, against learning all cells jointly and anew from the completed
    table as in DiffPuter (Zhang et al. 2025, ICLR).

    Assumes cells missing at random and rows exchangeable. New rows are imputed by the trained network, whose weights
    are held fixed. Draws are samples of the reverse process, jointly for all holes of a row. Margins count half a
    case more for every level.

    Parameters
    ----------
    n_hidden : units of each hidden layer.
    max_mask_ratio : largest share of a row's observed cells that is hidden in training; each row's is uniform below it.
    n_epochs, batch_size : passes over the table, but 120 to 3,000 mini-batches; rows in each, an eighth of a small
        table.
    learning_rate, weight_decay : of AdamW.
    n_steps : noise levels on the way from noise to values.

    Attributes
    ----------
    network_ : the trained denoiser.
    curves_ : its learning; a score is minus the log loss of a validation cell, given the cells shown alone.
    """

    defaults: ClassVar[str] = "chosen on the GSS 2022 core table"
    rows_at_once: ClassVar[int] = 512
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_hidden": COUNT,
        "max_mask_ratio": SHARE_ABOVE_ZERO,
        "n_epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": POSITIVE,
        "weight_decay": NOT_NEGATIVE,
        "n_steps": TWO_OR_MORE,
    }

    def __init__(
        self,
        n_hidden: int = 64,
        max_mask_ratio: float = 0.5,
        n_epochs: int = 60,
        batch_size: int = 256,
        learning_rate: float = 0.002,
        weight_decay: float = 1.0,
        n_steps: int = 20,
    ) -> None:
        self.n_hidden = n_hidden
        self.max_mask_ratio = max_mask_ratio
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.n_steps = n_steps

    def _learn(self, X: Floats, rng: np.random.Generator, generator: "Generator") -> list["Curve"]:
        import torch

        from imputers.generative.networks.denoiser import Denoiser
        from imputers.generative.networks.diffusion import Space
        from imputers.generative.networks.encoding import Encoding
        from imputers.shared.training import Plan, train

        self.encoding_ = Encoding.fit(X, self.schema_)
        batch, shown, asked = self.encoding_.split(X, self.device_, rng)
        space = Space.fit(X, self.schema_, self.device_)
        network = Denoiser(space, self.n_hidden, generator).to(self.device_)
        self.network_ = network
        batch_size = min(self.batch_size, max(len(X) // 8, 32))
        n_steps = int(np.clip(self.n_epochs * len(X) // self.batch_size, FEWEST, MOST))
        # the heads' intercepts hold margins and variances, which nothing should shrink
        free = [weight for weight in network.parameters() if weight.ndim == 1]
        rest = [weight for weight in network.parameters() if weight.ndim > 1]
        groups: list[dict[str, Any]] = [{"params": rest, "weight_decay": self.weight_decay}, {"params": free}]
        optimiser = torch.optim.AdamW(groups, lr=self.learning_rate, weight_decay=0.0, fused=True)
        curve = train(
            "tab-csdi",
            network,
            optimiser,
            lambda index, noise: network.loss(batch.values[index], batch.observed[index], self.max_mask_ratio, noise),
            lambda noise: -float(network.error(asked.values, shown.observed, asked.observed, noise)),
            len(X),
            # no early stopping: the rate has to fall before the weights settle
            Plan(n_steps, batch_size, n_check=n_steps // 10, patience=11),
            generator,
        )
        return [curve]

    def _sample(self, X: Floats, n_draws: int, generator: "Generator") -> tuple[Floats, Floats]:
        from imputers.generative.networks.diffusion import noise_levels

        drawn, means = np.empty((n_draws, *X.shape)), np.full((*X.shape, self._widest()), np.nan)
        batch, space = self.encoding_.batch(X, self.device_), self.network_.space
        labelled, numeric = space.labelled.cpu().numpy(), space.numeric.cpu().numpy()
        levels = noise_levels(self.n_steps, HIGHEST, LOWEST)
        many = batch.values.repeat(n_draws, 1), batch.observed.repeat(n_draws, 1)
        log_p, numbers = self.network_.sample(*many, levels, generator)
        drawn[..., labelled] = space.padded(log_p).argmax(dim=-1).reshape(n_draws, len(X), -1).cpu().numpy()
        drawn[..., numeric] = space.numbers(numbers).reshape(n_draws, len(X), -1).cpu().numpy()
        return drawn, means

    def _probabilities(self, X: Floats, means: NDArray[np.float32]) -> dict[int, Floats]:
        return {}  # in few steps the draws are not quite of the network's posterior, so what it says is not theirs

    def _expected(self, X: Floats, means: NDArray[np.float32], probabilities: Mapping[int, Floats]) -> None:
        return None
