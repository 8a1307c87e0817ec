"""HI-VAE, the variational autoencoder for mixed data: the imputer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Codes, Kind
from imputers import IMPUTERS
from imputers.base import Imputer

if TYPE_CHECKING:
    from torch import Generator

ROWS = 64  # rows whose posterior samples are held in memory at a time
CHECKED_ROWS, CHECKED_SHARE = 1024, 0.15  # cells hidden again from the observed ones, to stop by


@IMPUTERS.register("hivae")
class HIVAE(Imputer):
    """Variational autoencoder with a likelihood for each kind of item (HI-VAE).

    Nazábal, Olmos, Ghahramani & Valera (2020), Handling incomplete heterogeneous data using VAEs, Pattern
    Recognition 107, 107501: Gaussian-mixture prior, input-dropout encoder, likelihoods Gaussian, log-normal,
    Poisson, softmax and cumulative logit, evidence lower bound over the observed cells only. Which likelihood
    a numeric item gets is told by `imputers.generative.hivae_encoding.sort_of`.

    Departures from the authors' code, chosen on cells hidden again from observed ones: 30 components (10
    there); the Gumbel-softmax keeps its temperature, in imputation too, where theirs is cooled and then
    replaced by the likeliest component; the encoder has one hidden layer; Adam starts at 0.01 and stops by
    cells hidden again from at most 1,024 rows; standardisation is by the whole table, not by batch; and a fill's
    expectation is the mean over posterior samples, not the value at the posterior mode.

    Assumes cells missing at random and rows exchangeable; survey weights are not used. New rows are imputed
    by the fitted network. Draws sample component, latent position and cell; they are not proper in Rubin's
    sense, since the network's weights are held fixed.

    Parameters
    ----------
    n_components, n_latent, n_own, n_hidden : sizes of s, z, each column's y, and the encoder's hidden layer.
    temperature : of the Gumbel-softmax.
    n_steps, batch_size, learning_rate : mini-batches at most, rows in each (an eighth of a small table), Adam's rate.
    n_samples : posterior samples behind expectations and probabilities.
    device : of torch; on ``"cuda"`` the random streams, and so the answers, are others than on ``"cpu"``.

    Attributes
    ----------
    encoding_, network_ : columns as the network reads them, and the trained network.
    scores_ : log predictive probability of a cell hidden again, every 100 steps.
    """

    def __init__(
        self,
        n_components: int = 30,
        n_latent: int = 2,
        n_own: int = 5,
        n_hidden: int = 64,
        temperature: float = 1.0,
        n_steps: int = 800,
        batch_size: int = 256,
        learning_rate: float = 0.01,
        n_samples: int = 50,
        device: str = "cpu",
    ) -> None:
        self.n_components = n_components
        self.n_latent = n_latent
        self.n_own = n_own
        self.n_hidden = n_hidden
        self.temperature = temperature
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.n_samples = n_samples
        self.device = device

    def _fit(self, X: Codes, rng: np.random.Generator) -> None:
        import torch

        from imputers.generative.hivae_encoding import Encoding
        from imputers.generative.hivae_network import Batch, Network, Sizes
        from imputers.generative.hivae_training import Plan, train

        self.device_ = torch.device(self.device)
        generator = torch.Generator(self.device_).manual_seed(int(rng.integers(2**62)))
        rows, again = _hide_again(X, rng)
        seen = X.copy()
        seen[rows] = np.where(again, np.nan, X[rows])
        self.encoding_ = Encoding.fit(X, self.schema_)
        batch, whole = self.encoding_.batch(seen, self.device_), self.encoding_.batch(X[rows], self.device_)
        hidden = torch.as_tensor(again, dtype=torch.float32, device=self.device_)
        check = Batch(batch.inputs[rows], whole.values, hidden)
        sizes = Sizes(self.n_components, self.n_latent, self.n_own, self.n_hidden)
        likelihoods = self.encoding_.likelihoods(X, self.device_)
        self.network_ = Network(likelihoods, batch.inputs.shape[1], sizes, self.temperature, generator)
        plan = Plan(
            self.n_steps, min(self.batch_size, max(len(X) // 8, 32)), self.learning_rate, n_check=100, patience=4
        )
        self.scores_ = train(self.network_, batch, check, plan, generator)
        self._range = np.nanmin(X, axis=0), np.nanmax(X, axis=0)

    def _draws(self, X: Codes, n_draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        import torch

        generator = torch.Generator(self.device_).manual_seed(int(rng.integers(2**62)))
        rows = np.flatnonzero(np.isnan(X).any(axis=1))
        drawn = np.empty((n_draws, len(rows), X.shape[1]))
        # the same posterior samples answer the two questions that `answer` asks next
        widest = max(1, *(len(column.levels) for column in self.schema_))
        self._means = np.full((*X.shape, widest), np.nan, dtype=np.float32)
        for start in range(0, len(rows), ROWS):
            block = rows[start : start + ROWS]
            drawn[:, start : start + ROWS], self._means[block] = self._sample(X[block], n_draws, generator, widest)
        return self.encoding_.codes(drawn)[:, np.isnan(X[rows])]

    def _sample(
        self, X: Codes, n_draws: int, generator: "Generator", widest: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draws (n_draws, rows, p), and expectations or level probabilities (rows, p, widest)."""
        import torch

        drawn, means = np.empty((n_draws, *X.shape)), np.full((*X.shape, widest), np.nan)
        with torch.no_grad():
            inputs = self.encoding_.batch(X, self.device_).inputs
            s, z = self.network_.samples(inputs, max(self.n_samples, n_draws), generator)
            for likelihood, location, shape in self.network_.heads(s, z):
                columns = likelihood.columns.cpu().numpy()
                drawn[..., columns] = likelihood.sample(location[:n_draws], shape[:n_draws], generator).cpu().numpy()
                mean = likelihood.mean(location, shape).mean(dim=0).cpu().numpy()
                means[:, columns, : mean.shape[-1]] = mean
        return drawn, means

    def _probabilities(self, X: Codes) -> Mapping[int, NDArray[np.float64]]:
        tables = {}
        for j in self.schema_.where(Kind.NOMINAL, Kind.ORDINAL):
            table = self._means[np.isnan(X[:, j]), j, : len(self.schema_.columns[j].levels)].astype(float)
            tables[int(j)] = table / table.sum(axis=1, keepdims=True)
        return tables

    def _expected(self, X: Codes) -> NDArray[np.float64]:
        fills = np.full(X.shape, np.nan)
        probabilities = self._probabilities(X)
        for j, column in enumerate(self.schema_):
            hole = np.isnan(X[:, j])
            if column.kind is Kind.ORDINAL:
                fills[hole, j] = probabilities[j] @ column.levels
            elif column.kind is Kind.NUMERIC:
                # an expectation beyond all that was observed is the exponential of a log-normal or Poisson running off
                fills[hole, j] = np.clip(self._means[hole, j, 0], self._range[0][j], self._range[1][j])
        return fills[np.isnan(X)]


def _hide_again(X: Codes, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Some rows, and which of their observed cells to hide again; shapes (r,) and (r, p)."""
    rows = rng.permutation(len(X))[:CHECKED_ROWS]
    observed = ~np.isnan(X[rows])
    again = observed & (rng.random(observed.shape) < CHECKED_SHARE)
    if not again.any():
        again[np.unravel_index(observed.argmax(), observed.shape)] = True
    return rows, again
