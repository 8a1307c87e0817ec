"""MIWAE, the importance-weighted autoencoder: hyperimpute's plugin learns it, the paper's formulas impute with it."""


import numpy as np
from numpy.typing import NDArray

from datasets.schema import Codes
from imputers import IMPUTERS
from imputers.encoding import MatrixImputer

ROWS = 64  # rows whose importance samples are held in memory at a time


@IMPUTERS.register("miwae")
class MIWAE(MatrixImputer):
    """Deep latent variable model with an importance-weighted bound (MIWAE).

    Mattei & Frellsen (2019), MIWAE: deep generative modelling and imputation of incomplete data sets, ICML:
    the bound of section 3.1, Student-t decoder. Trained by the ``miwae`` plugin of hyperimpute 0.1.17
    (Jarrett et al. 2022), whose defaults, one latent dimension and one hidden unit, learn nothing; the
    sizes here are those of the authors' notebook, with fewer importance samples (5 for 20) in training and
    some 800 mini-batches.

    The plugin's own ``transform`` returns a weighted mean of ten draws, which is neither an expectation nor a
    draw. So its trained networks are read instead: expectations are the self-normalised importance average
    of equation 12, draws are sampling-importance resampling (section 3.3). A draw resamples the latent
    position and then the cell; a nominal item's level is drawn from its dummies' means. The networks'
    weights are held fixed, so the draws are not proper in Rubin's sense.

    Answers are spread evenly over the width of their level before training (Uria, Murray & Larochelle 2013,
    RNADE, section 5.1): a density on bare codes would grow without bound around each of them. Assumes cells
    missing at random; survey weights are not used. New rows are imputed by the trained networks.

    Parameters
    ----------
    n_latent, n_hidden : latent dimensions, and units of each hidden layer.
    n_importance : importance samples in the bound.
    n_steps, batch_size : mini-batches in training, and rows in each.
    n_samples : importance samples in imputation.
    max_rows : more rows than these are sampled down for training, since the plugin looks at all at once.

    Attributes
    ----------
    plugin_ : the trained plugin.
    """

    def __init__(
        self,
        n_latent: int = 10,
        n_hidden: int = 128,
        n_importance: int = 5,
        n_steps: int = 800,
        batch_size: int = 256,
        n_samples: int = 100,
        max_rows: int = 10_000,
    ) -> None:
        self.n_latent = n_latent
        self.n_hidden = n_hidden
        self.n_importance = n_importance
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.n_samples = n_samples
        self.max_rows = max_rows

    def _fit_matrix(self, D: Codes, rng: np.random.Generator) -> None:
        from imputers.generative.isolation import isolated

        D = D[rng.permutation(len(D))[: self.max_rows]]
        widths = np.concatenate([np.full(b.stop - b.start, _width(c)) for c, b in self._blocks()])
        spread = D + (rng.random(D.shape) - 0.5) * widths / self.scale_
        steps_per_epoch = max(len(D) // self.batch_size, 1)
        with isolated():
            from hyperimpute.plugins.imputers.plugin_miwae import MIWAEPlugin

            self.plugin_ = MIWAEPlugin(
                n_epochs=1 + -(-self.n_steps // steps_per_epoch),  # the plugin trains one epoch fewer
                batch_size=self.batch_size,
                latent_size=self.n_latent,
                n_hidden=self.n_hidden,
                K=self.n_importance,
                random_state=int(rng.integers(2**31)),
            )
            self.plugin_._fit(spread)

    def _draws(self, X: Codes, n_draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        import torch

        D = self._encode(X)
        device = next(self.plugin_.encoder.parameters()).device
        generator = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
        drawn, expected = np.empty((n_draws, *X.shape)), np.full_like(D, np.nan)
        rows = np.flatnonzero(np.isnan(X).any(axis=1))
        for start in range(0, len(rows), ROWS):
            block = rows[start : start + ROWS]
            means, cells, expected[block] = self._sample(torch.as_tensor(D[block], dtype=torch.float32), n_draws, generator)
            drawn[:, block] = self._codes_of(means, cells, rng)
        self._mean = expected * self.scale_ + self.centre_  # answers the two questions that `answer` asks next
        return drawn[:, np.isnan(X)]

    def _sample(self, D: "torch.Tensor", n_draws: int, generator: "torch.Generator") -> tuple[Codes, Codes, Codes]:  # noqa: F821
        """Decoder means and cells (n_draws, rows, q) of resampled latent positions, and expectations (rows, q)."""
        import torch
        from torch.distributions import StudentT
        from torch.nn.functional import softplus

        known, device = ~torch.isnan(D).to(generator.device), generator.device
        D = D.nan_to_num(0.0).to(device)
        with torch.no_grad():
            mean, free = self.plugin_.encoder(D).chunk(2, dim=-1)
            noise = torch.randn((self.n_samples, *mean.shape), generator=generator, device=device)
            z = mean + softplus(free) * noise
            location, scale, freedom = self.plugin_.latent_sizeecoder(z).chunk(3, dim=-1)
            scale, freedom = softplus(scale) + 0.001, softplus(freedom) + 3
            log_q = -(noise**2).sum(-1) / 2 - torch.log(softplus(free)).sum(-1)
            log_p = (StudentT(freedom, location, scale).log_prob(D) * known).sum(-1) - (z**2).sum(-1) / 2
            weights = torch.softmax(log_p - log_q, dim=0)  # (samples, rows)
            chosen = torch.multinomial(weights.T, n_draws, replacement=True, generator=generator).T
            means, scale, freedom = (table.take_along_dim(chosen[..., None], dim=0) for table in (location, scale, freedom))
            # a Student-t is a Gaussian over the root of a gamma, whose sampler takes a generator
            gamma = torch._standard_gamma(freedom / 2, generator=generator)
            cells = means + scale * torch.randn(means.shape, generator=generator, device=device) / (gamma / (freedom / 2)).sqrt()
            expected = torch.einsum("sr,srq->rq", weights, location)
        return means.cpu().numpy(), cells.cpu().numpy(), expected.cpu().numpy()

