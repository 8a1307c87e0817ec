"""The denoiser of mixed rows: what a cell was before noise, given the noised cell itself and all others."""

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from imputers.generative.networks.diffusion import FAR, SHARP, Space, flow
from imputers.shared.noise import normal, uniform

N_BLOCKS = 2
LOG_BOUNDS = (-7.0, 2.0)  # of a number's variance given the other cells, its column's being 1
LOG_CENTRE, LOG_SPREAD = 0.5, 1.5  # of the noise levels learnt from, over those where cells turn from known to unknown


class Denoiser(nn.Module):
    """Posterior of every clean cell given a row of noised ones, each with a noise of its own.

    What the other cells say of a cell is a distribution: log odds of its levels against the column's margin, or mean
    and variance of a number. Bayes' rule joins to it what the noised cell says by itself, and the expectation of the
    clean coordinates denoises. For levels this is score interpolation (Dieleman et al. 2022, Continuous diffusion for
    categorical data); for numbers, with mean 0 and variance 1, the preconditioning of Karras, Aittala, Aila & Laine
    (2022), Elucidating the design space of diffusion-based generative models, NeurIPS, table 1.

    Parameters
    ----------
    space : where cells are noised.
    n_hidden : units of each hidden layer.
    generator : source of the first weights.
    """

    def __init__(self, space: Space, n_hidden: int, generator: torch.Generator) -> None:
        super().__init__()

        def weight(n_in: int, n_out: int, gain: float = 1.0) -> nn.Parameter:
            return nn.Parameter(gain * n_in**-0.5 * torch.randn(n_in, n_out, generator=generator))

        n_inputs, n_outputs = space.n_inputs, len(space.owner) + 2 * len(space.numeric)
        self.space = space
        self.enter = weight(n_inputs, n_hidden)
        self.widen = nn.ParameterList([weight(n_hidden, n_hidden, 2**0.5) for _ in range(N_BLOCKS)])
        self.narrow = nn.ParameterList([weight(n_hidden, n_hidden, 0.3) for _ in range(N_BLOCKS)])
        self.norms = nn.ModuleList([nn.LayerNorm(n_hidden) for _ in range(N_BLOCKS + 1)])
        self.biases = nn.Parameter(torch.zeros(N_BLOCKS, n_hidden))
        self.leave, self.leave_bias = weight(n_hidden, n_outputs, 0.1), nn.Parameter(torch.zeros(n_outputs))
        self.linear = nn.Parameter(torch.zeros(n_inputs, n_outputs))  # most effects add up

    def forward(self, noisy: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log probabilities of levels (rows, L), means and variances of standardised numbers, both (rows, m).

        Parameters
        ----------
        noisy : coordinates (rows, d).
        sigma : noise of every cell, shape (rows, p).
        """
        space = self.space
        alone = space.alone(noisy, sigma)
        logits, mean, log_spread = self._network(space.beliefs(noisy, sigma, alone)).split(
            [len(space.owner), len(space.numeric), len(space.numeric)], dim=1
        )
        log_p = space.log_softmax(alone + logits)
        own, spread = sigma[:, space.numeric] ** 2, torch.exp(log_spread.clamp(*LOG_BOUNDS))
        mean = (spread * noisy[:, space.corners.shape[1] :] + own * mean) / (spread + own)
        return log_p, mean, spread * own / (spread + own)

    def loss(self, values: Tensor, observed: Tensor, max_mask_ratio: float, generator: torch.Generator) -> Tensor:
        """Mean loss of observed cells that are hidden and noised: of each row a random share, at a random level.

        Parameters
        ----------
        values : positions of levels and numbers (rows, p).
        observed : 1 where observed, else 0, shape (rows, p).
        max_mask_ratio : largest share of a row that is hidden.
        """
        shares = max_mask_ratio * uniform((len(values), 1), generator, values.device)
        asked = observed * (uniform(observed.shape, generator, values.device) < shares)
        sigma = torch.exp(LOG_CENTRE + LOG_SPREAD * normal((len(values), 1), generator, values.device))
        return self.log_loss(values, observed - asked, asked, sigma, generator)

    def log_loss(
        self, values: Tensor, shown: Tensor, asked: Tensor, sigma: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Mean log loss of the cells asked for, of numbers less what it is when the other cells say nothing.

        Parameters
        ----------
        values : positions of levels and numbers (rows, p).
        shown, asked : 1 for cells known and for cells that are noised and asked for, else 0; others are unknown.
        sigma : noise of each row (rows, 1).
        """
        space = self.space
        sigma = torch.where(shown > 0, SHARP, torch.where(asked > 0, sigma, FAR))
        clean = space.coordinates(values) * (shown + asked)[:, space.columns]
        noisy = clean + sigma[:, space.columns] * normal(clean.shape, generator, clean.device)
        log_p, mean, variance = self(noisy, sigma)
        of_levels = -log_p.gather(1, space.chosen(values)) * asked[:, space.labelled]
        alone = 1 / (1 + sigma[:, space.numeric] ** -2)  # variance if they say nothing
        error = mean - clean[:, space.corners.shape[1] :]
        of_numbers = (torch.log(variance / alone) + error**2 / variance) / 2 * asked[:, space.numeric]
        return (of_levels.sum() + of_numbers.sum()) / asked.sum().clamp(min=1.0)

    def error(self, values: Tensor, shown: Tensor, asked: Tensor, generator: torch.Generator) -> Tensor:
        """Mean loss of the cells asked for, of which nothing is known but what the cells shown say."""
        return self.log_loss(values, shown, asked, values.new_full((len(values), 1), FAR), generator)

    def sample(
        self, values: Tensor, shown: Tensor, levels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Carry pure noise down the levels, given the cells shown; log probabilities (rows, L), numbers (rows, m)."""

        def denoise(noisy: Tensor, level: float) -> Tensor:
            log_p, numbers = self._given(values, shown, noisy, level)
            return torch.cat([log_p.exp() @ self.space.corners, numbers], dim=1)

        noise = normal((len(values), len(self.space.columns)), generator, values.device)
        end = flow(denoise, noise, levels)
        return self._given(values, shown, end, float(levels[-1]))

    def _given(self, values: Tensor, shown: Tensor, noisy: Tensor, level: float) -> tuple[Tensor, Tensor]:
        """Posterior where cells shown are as they are and the others noised to a level."""
        known = shown > 0
        noisy = torch.where(known[:, self.space.columns], self.space.coordinates(values), noisy)
        log_p, mean, _ = self(noisy, torch.where(known, SHARP, level))
        return log_p, mean

    def _network(self, inputs: Tensor) -> Tensor:
        hidden = inputs @ self.enter
        for norm, bias, widen, narrow in zip(self.norms, self.biases, self.widen, self.narrow, strict=False):
            hidden = hidden + silu(norm(hidden) @ widen + bias) @ narrow
        return silu(self.norms[-1](hidden)) @ self.leave + inputs @ self.linear + self.leave_bias
