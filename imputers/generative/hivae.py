"""HI-VAE, the variational autoencoder for mixed data."""

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.generative.deep import DeepImputer
from imputers.shared.ranges import COUNT, POSITIVE

if TYPE_CHECKING:
    from torch import Generator

    from imputers.generative.networks.encoding import Batch
    from imputers.shared.training import Curve

WHOLE = 3500  # rows that get all steps; a tenth of them need, by trial, a third of the steps
VALIDATION_SAMPLES = 20  # posterior samples that predict the validation cells


@IMPUTERS.register("hivae")
class HIVAE(DeepImputer):
    """Variational autoencoder with a likelihood for each kind of item (HI-VAE).

    Nazábal, Olmos, Ghahramani & Valera (2020), Handling incomplete heterogeneous data using VAEs, Pattern
    Recognition 107, 107501: Gaussian-mixture prior, input-dropout encoder, likelihoods Gaussian, log-normal,
    Poisson, softmax and cumulative logit, evidence lower bound over the observed cells only. Which likelihood
    a numeric item gets is decided by `imputers.generative.networks.encoding.sort_of`.

    Departures from the authors' code, chosen on validation cells of GSS 2022: 30 clusters and 8 latent
    dimensions (10 and 2 there); the Gumbel-softmax keeps its temperature, in imputation too, where theirs is
    cooled and then replaced by the likeliest component; the encoder has one hidden layer; Adam starts at 0.01 and
    stops by validation cells of at most 1,024 rows; standardisation is by the whole table, not by batch. Fills
    are not those of the posterior mode: samples of the encoder are weighted by importance (Mattei & Frellsen 2019,
    MIWAE, ICML, section 3), expectations are their weighted means, and draws resample them.

    Assumes cells missing at random and rows exchangeable. New rows are imputed by the fitted network. Draws sample
    component, latent position and cell; the network's weights are held fixed.

    Parameters
    ----------
    n_clusters, n_components, n_per_column, n_hidden : components s of the Gaussian mixture, dimensions of the latent
        position z and of each column's own code y, and units of the encoder's hidden layer.
    temperature : of the Gumbel-softmax.
    max_iter, batch_size, learning_rate : mini-batches at most, and with 3,500 rows (fewer rows get fewer, by the square
        root), rows in each (an eighth of a small table), Adam's rate.
    n_samples : posterior samples behind expectations, probabilities and draws.

    Attributes
    ----------
    network_ : the trained network.
    curves_ : its learning; a score is the mean log predictive probability of a validation cell, over samples of the
        encoder without weights.
    """

    least_rows: ClassVar[int] = 1000
    defaults: ClassVar[str] = "chosen on the GSS 2022 core table"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_clusters": COUNT,
        "n_components": COUNT,
        "n_per_column": COUNT,
        "n_hidden": COUNT,
        "temperature": POSITIVE,
        "max_iter": COUNT,
        "batch_size": COUNT,
        "learning_rate": POSITIVE,
        "n_samples": COUNT,
    }

    def __init__(
        self,
        n_clusters: int = 30,
        n_components: int = 8,
        n_per_column: int = 5,
        n_hidden: int = 64,
        temperature: float = 1.0,
        max_iter: int = 800,
        batch_size: int = 256,
        learning_rate: float = 0.01,
        n_samples: int = 50,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.n_per_column = n_per_column
        self.n_hidden = n_hidden
        self.temperature = temperature
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.n_samples = n_samples

    def _learn(self, X: Floats, rng: np.random.Generator, generator: "Generator") -> list["Curve"]:
        import torch

        from imputers.generative.networks.encoding import Encoding
        from imputers.generative.networks.hivae import Network, Sizes
        from imputers.shared.training import Plan, train

        self.encoding_ = Encoding.fit(X, self.schema_)
        batch, _, asked = self.encoding_.split(X, self.device_, rng)
        sizes = Sizes(self.n_clusters, self.n_components, self.n_per_column, self.n_hidden)
        likelihoods = self.encoding_.likelihoods(X, self.device_)
        network = Network(likelihoods, batch.inputs.shape[1], sizes, self.temperature, generator).to(self.device_)
        self.network_ = network
        optimiser = torch.optim.Adam(network.parameters(), lr=self.learning_rate, fused=True)
        n_steps = math.ceil(self.max_iter * min(1.0, math.sqrt(len(X) / WHOLE)))
        plan = Plan(n_steps, min(self.batch_size, max(len(X) // 8, 32)))
        curve = train(
            "hivae",
            network,
            optimiser,
            lambda index, noise: -network.bound(batch.rows(index), noise).mean(),
            lambda noise: self._log_predictive(asked, noise),
            len(X),
            plan,
            generator,
        )
        return [curve]

    def _log_predictive(self, asked: "Batch", generator: "Generator") -> float:
        """Mean log probability of a validation cell, averaged over posterior samples."""
        s, z = self.network_.samples(asked.inputs, VALIDATION_SAMPLES, generator)
        cells = self.network_.log_prob(asked.values, s, z).logsumexp(dim=0)  # of the sum over samples, shape (rows, p)
        return float(asked.mean(cells)) - math.log(VALIDATION_SAMPLES)

    def _sample(self, X: Floats, n_draws: int, generator: "Generator") -> tuple[Floats, Floats]:
        import torch

        drawn, means = np.empty((n_draws, *X.shape)), np.full((*X.shape, self._widest()), np.nan)
        batch = self.encoding_.batch(X, self.device_)
        s, z, weights = self.network_.weighted(batch, self.n_samples, generator)
        # drawn on the processor, like all randomness here
        chosen = torch.multinomial(weights.T.cpu(), n_draws, replacement=True, generator=generator).T
        chosen = chosen[..., None, None].to(self.device_)
        for likelihood, location, shape in self.network_.heads(s, z):
            columns = likelihood.columns.cpu().numpy()
            picked = location.take_along_dim(chosen, dim=0), shape.take_along_dim(chosen, dim=0)
            drawn[..., columns] = likelihood.sample(*picked, generator).cpu().numpy()
            mean = torch.einsum("sr,srck->rck", weights, likelihood.mean(location, shape)).cpu().numpy()
            means[:, columns, : mean.shape[-1]] = mean
        return drawn, means
