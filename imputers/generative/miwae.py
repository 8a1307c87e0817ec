"""MIWAE, the importance-weighted autoencoder for data with holes."""

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.generative.deep import DeepImputer
from imputers.shared.ranges import COUNT, NOT_NEGATIVE, POSITIVE

if TYPE_CHECKING:
    from torch import Generator

    from imputers.generative.networks.encoding import Batch
    from imputers.generative.networks.miwae import Network
    from imputers.shared.training import Curve, Plan, Score

VALIDATION_SAMPLES = 30  # importance samples that score the validation cells
VALIDATION_PART, FEW_ROWS = 5, 50  # these come from one row in five of a larger table: half-empty ones spare no more
FEW_CELLS = 20_000
LEAST_SHARE = 0.14  # of the steps, which the smallest table needs, too: with fewer its network learns nothing


@IMPUTERS.register("miwae")
class MIWAE(DeepImputer):
    """Deep latent variable model with an importance-weighted bound (MIWAE).

    Mattei & Frellsen (2019), MIWAE: deep generative modelling and imputation of incomplete data sets, ICML: the bound
    of the observed cells (equation 4), expectations by self-normalised importance sampling (equation 12), draws by
    sampling-importance resampling of latent position and cell (section 3.3). Numbers follow Student's t as in the
    authors' notebook, or the log-normal or Poisson that `imputers.generative.networks.encoding.sort_of` finds likelier;
    nominal and ordinal items have a softmax and a cumulative logit in the same bound, and levels are drawn from their
    probabilities.

    Departures from the notebook, chosen on validation cells of GSS 2022: encoder and decoder have a linear
    part beside their hidden layers, which extrapolates; the encoder is told which cells are observed; intercepts start
    at the margins; 5 importance samples for 20, with the doubly reparameterised gradient (Tucker et al. 2019, ICLR);
    weights decay, and learning stops early. hyperimpute's plugin is ``miwae-hyperimpute``.

    Assumes cells missing at random and rows exchangeable. New rows are imputed by the fitted network, whose weights are
    held fixed.

    Parameters
    ----------
    n_components, n_hidden : latent dimensions, and units of each hidden layer.
    n_importance : importance samples in the bound.
    max_examples : rows in all mini-batches together, at most; a table of fewer than 20,000 cells gets fewer.
    batch_size : rows in a step; a sixteenth of a small table, but 32 at least.
    learning_rate, weight_decay : of AdamW.
    n_samples : importance samples in imputation.

    Attributes
    ----------
    network_ : the trained network.
    curves_ : its learning; a score is the mean log predictive probability of a validation cell.
    """

    defaults: ClassVar[str] = "chosen on the GSS 2022 core table"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": COUNT,
        "n_hidden": COUNT,
        "n_importance": COUNT,
        "max_examples": COUNT,
        "batch_size": COUNT,
        "learning_rate": POSITIVE,
        "weight_decay": NOT_NEGATIVE,
        "n_samples": COUNT,
    }

    def __init__(
        self,
        n_components: int = 10,
        n_hidden: int = 128,
        n_importance: int = 5,
        max_examples: int = 70_000,
        batch_size: int = 128,
        learning_rate: float = 0.003,
        weight_decay: float = 0.3,
        n_samples: int = 150,
    ) -> None:
        self.n_components = n_components
        self.n_hidden = n_hidden
        self.n_importance = n_importance
        self.max_examples = max_examples
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.n_samples = n_samples

    def _learn(self, X: Floats, rng: np.random.Generator, generator: "Generator") -> list["Curve"]:
        import torch

        from imputers.generative.networks.encoding import Encoding

        self.encoding_ = Encoding.fit(X, self.schema_)
        rows, cells = self._validation_rows(X, rng)
        hidden = np.zeros(X.shape, dtype=bool)
        hidden[rows] = cells
        batch = self._batch(X, hidden)
        shown, asked = batch.rows(torch.as_tensor(rows, device=self.device_)), self._batch(X[rows], ~cells)
        self.network_ = self._network(X, batch.inputs.shape[1], generator).to(self.device_)

        def score(noise: "Generator") -> float:
            return self._log_predictive(shown, asked, noise) / float(cells.sum())

        return [self._train(batch, score, self._plan(X, share), generator) for share in self.network_.stages()]

    def _validation_rows(self, X: Floats, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Some rows of X (n, p), and which of their cells are validation cells; shapes (r,) and (r, p)."""
        from imputers.generative.networks.encoding import validation_rows

        rows, cells = validation_rows(X, rng)
        n_rows = max(len(X) // VALIDATION_PART, FEW_ROWS)
        return rows[:n_rows], cells[:n_rows]

    def _train(self, batch: "Batch", score: "Score", plan: "Plan", generator: "Generator") -> "Curve":
        """Raise the bound of some rows."""
        import torch

        from imputers.shared.training import train

        network = self.network_
        return train(
            type(self).__name__,
            network,
            torch.optim.AdamW(network.groups(self.learning_rate, self.weight_decay), fused=True),
            lambda index, noise: -network.bound(batch.rows(index), self.n_importance, noise).mean(),
            score,
            len(batch),
            plan,
            generator,
        )

    def _plan(self, X: Floats, share: float) -> "Plan":
        """Plan of a stage that has a share of all steps; tables of few cells, soon known by heart, get fewer."""
        from imputers.shared.training import Plan

        batch_size = min(self.batch_size, max(len(X) // 16, 32))
        part = min(max(X.size / FEW_CELLS, LEAST_SHARE), 1)
        n_steps = max(int(self.max_examples / batch_size * part), 50)
        return Plan(math.ceil(share * n_steps), batch_size, n_check=math.ceil(n_steps / 10))

    def _batch(self, X: Floats, hidden: NDArray[np.bool_]) -> "Batch":
        """Rows X (n, p) as the network reads them, without the cells that are hidden from it."""
        return self.encoding_.batch(np.where(hidden, np.nan, X), self.device_)

    def _network(self, X: Floats, n_inputs: int, generator: "Generator") -> "Network":
        from imputers.generative.networks.miwae import Network, Sizes, by_width, with_student_t

        likelihoods = by_width(with_student_t(self.encoding_.likelihoods(X, self.device_), self.schema_))
        return Network(likelihoods, n_inputs, Sizes(self.n_components, self.n_hidden), generator)

    def _log_predictive(self, shown: "Batch", asked: "Batch", generator: "Generator") -> float:
        """Log probability of the validation cells, which ``shown`` lacks, averaged over importance samples."""
        heads, log_weights = self.network_.weigh(shown, VALIDATION_SAMPLES, generator)
        found = self.network_.cells(asked, heads) + log_weights.log_softmax(dim=0).unsqueeze(-1)
        return float(found.logsumexp(dim=0).sum())

    def _sample(self, X: Floats, n_draws: int, generator: "Generator") -> tuple[Floats, Floats]:
        import torch

        drawn, means = np.empty((n_draws, *X.shape)), np.full((*X.shape, self._widest()), np.nan)
        heads, log_weights = self.network_.weigh(
            self._batch(X, np.zeros(X.shape, bool)), max(self.n_samples, n_draws), generator
        )
        weights = torch.softmax(log_weights, dim=0)
        chosen = torch.multinomial(weights.T.cpu(), n_draws, replacement=True, generator=generator).T
        chosen = chosen.to(self.device_)[..., None, None]
        for fill, (_, location, shape) in zip(self.network_.fills, heads, strict=True):
            columns = fill.columns.cpu().numpy()
            at = location.take_along_dim(chosen, dim=0), shape.take_along_dim(chosen, dim=0)
            drawn[..., columns] = fill.sample(*at, generator).cpu().numpy()
            mean = torch.einsum("sr,srck->rck", weights, fill.mean(location, shape)).cpu().numpy()
            means[:, columns, : mean.shape[-1]] = mean
        return drawn, means
