"""MIWAE, the importance-weighted autoencoder: hyperimpute's plugin learns it, the paper's formulas impute with it."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind
from imputers import IMPUTERS
from imputers.matrix import MatrixImputer
from imputers.shared.levels import draw_level
from imputers.shared.ranges import COUNT

ROWS = 64  # rows whose importance samples are held in memory at a time


@IMPUTERS.register("miwae-hyperimpute")
class MIWAEHyperimpute(MatrixImputer):
    """Deep latent variable model with an importance-weighted bound (MIWAE).

    Mattei & Frellsen (2019), MIWAE: deep generative modelling and imputation of incomplete data sets, ICML:
    the bound of section 3.1, Student-t decoder. Trained by the ``miwae`` plugin of hyperimpute 0.1.17
    (Jarrett et al. 2022), whose defaults, one latent dimension and one hidden unit, learn nothing; the
    sizes here are those of the authors' notebook, with fewer importance samples (5 for 20) in training and
    some 600 mini-batches.

    The plugin's own ``transform`` returns a weighted mean of ten draws, which is neither an expectation nor a
    draw. So its trained networks are read instead: expectations are the self-normalised importance average
    of equation 12, or means of the draws where these are kept on a scale or within limits, which that average
    ignores; draws are sampling-importance resampling (section 3.3). A draw resamples the latent
    position and then the cell; a nominal item's level is drawn from its dummies' means. The networks'
    weights are held fixed.

    Answers are spread evenly over the width of their level before training (Uria, Murray & Larochelle 2013,
    RNADE, section 5.1): a density on bare codes would grow without bound around each of them. Assumes cells
    missing at random. New rows are imputed by the trained networks.

    Parameters
    ----------
    n_components, n_hidden : latent dimensions, and units of each hidden layer.
    n_importance : importance samples in the bound.
    max_iter, batch_size : mini-batches in training, and rows in each, an eighth of a small table.
    n_samples : importance samples in imputation.
    max_rows : more rows than these are sampled down for training, since the plugin looks at all at once.

    Attributes
    ----------
    plugin_ : the trained plugin.
    """

    family: ClassVar[str] = "generative"
    defaults: ClassVar[str] = "authors' notebook's, importance samples and steps cut"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": COUNT,
        "n_hidden": COUNT,
        "n_importance": COUNT,
        "max_iter": COUNT,
        "batch_size": COUNT,
        "n_samples": COUNT,
        "max_rows": COUNT,
    }

    def __init__(
        self,
        n_components: int = 10,
        n_hidden: int = 128,
        n_importance: int = 5,
        max_iter: int = 600,
        batch_size: int = 256,
        n_samples: int = 100,
        max_rows: int = 6_000,
    ) -> None:
        self.n_components = n_components
        self.n_hidden = n_hidden
        self.n_importance = n_importance
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.n_samples = n_samples
        self.max_rows = max_rows

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._range = np.stack([np.nanmin(X, axis=0), np.nanmax(X, axis=0)])
        super()._fit(X, rng)

    def _fit_matrix(self, D: Floats, rng: np.random.Generator) -> None:
        from imputers.generative.isolation import isolated

        D = D[rng.permutation(len(D))[: self.max_rows]]
        blocks = zip(self.schema_, self.schema_.blocks, strict=True)
        widths = np.concatenate([np.full(block.stop - block.start, _width(column)) for column, block in blocks])
        spread = D + (rng.random(D.shape) - 0.5) * widths / self.scale_
        batch_size = min(self.batch_size, max(len(D) // 8, 32))
        steps_per_epoch = max(len(D) // batch_size, 1)
        with isolated():
            from hyperimpute.plugins.imputers.plugin_miwae import MIWAEPlugin

            self.plugin_ = MIWAEPlugin(
                n_epochs=1 + -(-self.max_iter // steps_per_epoch),  # the plugin trains one epoch fewer
                batch_size=batch_size,
                latent_size=self.n_components,
                n_hidden=self.n_hidden,
                K=self.n_importance,
                random_state=int(rng.integers(2**31)),
            )
            self.plugin_._fit(spread)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        D = self._encode(X)
        drawn, means = np.empty((n_draws, *X.shape)), np.full_like(D, np.nan)
        rows = np.flatnonzero(np.isnan(X).any(axis=1))
        for start in range(0, len(rows), ROWS):
            block = rows[start : start + ROWS]
            location, scale, freedom, means[block] = self._resample(D[block], n_draws, rng)
            cells = location + scale * rng.standard_t(freedom)
            drawn[:, block] = self._levels(location, cells, rng)
        means = means * self.scale_ + self.centre_
        return Prediction(drawn[:, np.isnan(X)], self._expected(X, means, drawn), self._probabilities(X, means))

    def _resample(self, D: Floats, n_draws: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
        """Student-t parameters at resampled latent positions, each (n_draws, rows, q), and expectations (rows, q)."""
        import torch
        from torch.distributions import StudentT
        from torch.nn.functional import softplus

        device = next(self.plugin_.encoder.parameters()).device
        generator = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
        x = torch.as_tensor(np.nan_to_num(D), dtype=torch.float32, device=device)
        known = torch.as_tensor(~np.isnan(D), device=device)
        with torch.no_grad():
            mean, free = self.plugin_.encoder(x).chunk(2, dim=-1)
            noise = torch.randn((self.n_samples, *mean.shape), generator=generator, device=device)
            z = mean + softplus(free) * noise
            location, scale, freedom = self.plugin_.latent_sizeecoder(z).chunk(3, dim=-1)
            scale, freedom = softplus(scale) + 0.001, softplus(freedom) + 3
            log_q = -(noise**2).sum(-1) / 2 - torch.log(softplus(free)).sum(-1)
            log_p = (StudentT(freedom, location, scale).log_prob(x) * known).sum(-1) - (z**2).sum(-1) / 2
            weights = torch.softmax(log_p - log_q, dim=0)  # (samples, rows)
            chosen = torch.multinomial(weights.T, n_draws, replacement=True, generator=generator).T.unsqueeze(-1)
            drawn = [table.take_along_dim(chosen, dim=0) for table in (location, scale, freedom)]
            tables = [*drawn, torch.einsum("sr,srq->rq", weights, location)]
        location, scale, freedom, expected = (table.cpu().numpy().astype(float) for table in tables)
        return location, scale, freedom, expected

    def _levels(self, location: Floats, cells: Floats, rng: np.random.Generator) -> Floats:
        """Valid codes (n_draws, rows, p): a nominal level with the shares of its dummies' means, else the nearest."""
        n_draws, n, q = cells.shape
        flat = (cells * self.scale_ + self.centre_).reshape(-1, q)
        codes = self.schema_.undesign(flat).reshape(n_draws, n, -1)
        for j in self.schema_.where(Kind.NOMINAL):
            shares = self._shares(int(j), location * self.scale_ + self.centre_)
            drawn = draw_level(shares.reshape(n_draws * n, -1), rng).reshape(n_draws, n)
            codes[..., j] = self.schema_.columns[j].levels[drawn]
        return codes

    def _shares(self, j: int, D: Floats) -> Floats:
        """Level probabilities (..., K) of a nominal column from its dummies' means."""
        means = np.clip(D[..., self.schema_.blocks[j]], 1e-6, None)
        return means / means.sum(axis=-1, keepdims=True)

    def _probabilities(self, X: Floats, means: Floats) -> Mapping[int, Floats]:
        return {int(j): self._shares(int(j), means[np.isnan(X[:, j])]) for j in self.schema_.where(Kind.NOMINAL)}

    def _expected(self, X: Floats, means: Floats, drawn: Floats) -> Floats:
        """Importance averages of numbers without limits; means of the draws where these are kept on a scale."""
        fills = np.full(X.shape, np.nan)
        for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC):
            column, own = self.schema_.columns[j], np.isnan(X[:, j])
            if column.kind is Kind.NUMERIC and (column.low, column.high) == (None, None):
                fills[own, j] = np.clip(means[own, self.schema_.blocks[j].start], *self._range[:, j])
            else:
                fills[own, j] = drawn[:, own, j].mean(axis=0)
        return fills[np.isnan(X)]


def _width(column: Column) -> float:
    """Distance between neighbouring codes; 0 if any number may be one."""
    if column.kind is Kind.NUMERIC:
        return 0.0 if column.decimals is None else 10.0**-column.decimals
    return 1.0 if column.kind is Kind.NOMINAL else float(np.diff(column.levels).min())
