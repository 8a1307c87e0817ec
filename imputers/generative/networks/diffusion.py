"""Gaussian diffusion of survey rows: noise levels, the sampler, and the space in which cells are noised."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datasets.schema import Floats, Kind, Schema

SHARP, FAR = 1e-3, 1e3  # noise of a cell that is known, and of one of which nothing is
NEVER = -1e9  # log odds of a level that is not there
SMALLEST_SCALE = 0.05  # a level that one row in 400 has would otherwise outweigh all others as input
KNOTS = 16  # quantiles of a number that the network reads


def noise_levels(n_levels: int, high: float, low: float) -> Tensor:
    """Noise falling from ``high`` to ``low``, by the same factor at every step, shape (n_levels,)."""
    return torch.logspace(math.log10(high), math.log10(low), n_levels)


def flow(denoise: Callable[[Tensor, float], Tensor], noise: Tensor, levels: Tensor) -> Tensor:
    """Carry noise from the first level to the last along the probability-flow equation.

    DPM-Solver++(2M): Lu, Zhou, Bao, Chen, Li & Zhu (2022), Fast solver for guided sampling of diffusion probabilistic
    models, algorithm 2, with unit signal. The noise starts about what is expected of the clean rows, not about zero,
    without which draws would stay behind.

    Parameters
    ----------
    denoise : expected clean rows given rows (..., d) with noise of a level.
    noise : standard normal numbers (..., d).
    levels : noise levels, as `noise_levels` gives them.
    """
    before = denoise(FAR * noise, FAR)
    noisy = before + levels[0] * noise
    for high, low in zip(levels[:-1].tolist(), levels[1:].tolist(), strict=True):
        clean = denoise(noisy, high)
        noisy = low / high * noisy + (1 - low / high) * (1.5 * clean - 0.5 * before)
        before = clean
    return noisy


@dataclass(frozen=True, eq=False)
class Space:
    """Space in which cells are noised, and the posterior of a cell given its noised value alone.

    A nominal cell is a corner of a simplex (one-hot), an ordinal one its score, a number itself, both standardised:
    the d coordinates. Levels of all labelled columns stand in one row of length L.

    Parameters
    ----------
    labelled, numeric : positions of the columns of each sort, shapes (c,) and (m,).
    place : where the levels of each labelled column stand among the L, shape (c, K), L where it has no more.
    owner : which of the labelled columns each level belongs to, shape (L,).
    members : the same as 0 and 1, shape (L, c).
    corners : coordinates of each level, shape (L, d - m).
    log_margins : log share of each level, shape (L,), half a case added so that none is impossible.
    thermometer : of an ordinal level the levels below it, of a nominal one itself, shape (L, L).
    centre, scale : of the numbers, shape (m,).
    knots : quantiles of the standardised numbers, shape (m, KNOTS).
    columns : which column each coordinate belongs to, shape (d,).
    """

    labelled: Tensor
    numeric: Tensor
    place: Tensor
    owner: Tensor
    members: Tensor
    corners: Tensor
    log_margins: Tensor
    thermometer: Tensor
    centre: Tensor
    scale: Tensor
    knots: Tensor
    columns: Tensor

    @classmethod
    def fit(cls, X: Floats, schema: Schema, device: torch.device) -> Self:
        """Learn margins, means and scales from codes X (n, p)."""
        labelled, numeric = schema.where(Kind.NOMINAL, Kind.ORDINAL), schema.where(Kind.NUMERIC)
        levels = [schema.columns[j].levels for j in labelled]
        counts = [(X[:, [j]] == own).sum(axis=0) + 0.5 for j, own in zip(labelled, levels, strict=True)]
        shares = [count / count.sum() for count in counts]
        kinds = [schema.columns[j].kind for j in labelled]
        corners = [_corners(*each) for each in zip(kinds, levels, shares, strict=True)]
        widths = [len(own) for own in levels]
        place = np.full((len(labelled), max(widths, default=1)), sum(widths))
        for c, width in enumerate(widths):
            place[c, :width] = sum(widths[:c]) + np.arange(width)
        centre, scale = np.nanmean(X[:, numeric], axis=0), np.nanstd(X[:, numeric], axis=0)
        knots = np.nanquantile((X[:, numeric] - centre) / scale, np.arange(1, KNOTS + 1) / (KNOTS + 1), axis=0)
        thermometers = [
            np.tril(np.ones((w, w)), -1) if kind is Kind.ORDINAL else np.eye(w)
            for kind, w in zip(kinds, widths, strict=True)
        ]
        coordinates = np.repeat(labelled, [corner.shape[1] for corner in corners])

        def tensor(array: Floats) -> Tensor:
            return torch.as_tensor(array, dtype=torch.float32, device=device)

        def index(array: NDArray[np.intp]) -> Tensor:
            return torch.as_tensor(array, dtype=torch.long, device=device)

        return cls(
            index(labelled),
            index(numeric),
            index(place),
            index(np.repeat(np.arange(len(labelled)), widths)),
            tensor(np.repeat(np.eye(len(labelled)), widths, axis=0)),
            _diagonal(corners).to(device),
            tensor(np.log(np.concatenate([*shares, []]))),
            _diagonal(thermometers).to(device),
            tensor(centre),
            tensor(scale),
            tensor(knots.T),
            index(np.concatenate([coordinates, numeric])),
        )

    @property
    def n_inputs(self) -> int:
        """Width of the beliefs."""
        return len(self.owner) + len(self.labelled) + len(self.numeric) * (2 + KNOTS)

    def chosen(self, values: Tensor) -> Tensor:
        """Where the levels at positions (rows, p) stand among the L, shape (rows, c)."""
        levels = values[:, self.labelled].long()
        return self.place.gather(1, levels.T).T if len(self.labelled) else levels

    def coordinates(self, values: Tensor) -> Tensor:
        """Positions of levels and numbers (rows, p) as clean coordinates (rows, d)."""
        levels = values.new_zeros(len(values), len(self.owner)).scatter_(1, self.chosen(values), 1.0)
        return torch.cat([levels @ self.corners, (values[:, self.numeric] - self.centre) / self.scale], dim=1)

    def numbers(self, standardised: Tensor) -> Tensor:
        """Numbers as they were measured (rows, m)."""
        return standardised * self.scale + self.centre

    def log_softmax(self, logits: Tensor) -> Tensor:
        """Log probabilities (rows, L) that sum to one in each labelled column; none is below e^-80."""
        highest = self.padded(logits.detach()).amax(dim=-1)
        # below -80 the exponential is a denormal number, which costs processors a hundred times as much
        logits = (logits - highest[:, self.owner]).clamp(min=-80.0)
        return logits - torch.log(logits.exp() @ self.members) @ self.members.T

    def padded(self, logits: Tensor) -> Tensor:
        """Log odds of levels (rows, L) by column, shape (rows, c, K), those that are not there beyond all odds."""
        padding = logits.new_full((len(logits), 1), NEVER)
        return torch.cat([logits, padding], dim=1).index_select(1, self.place.flatten()).unflatten(1, self.place.shape)

    def alone(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """Log probability of each level given its column's margin and its noised cell alone, shape (rows, L).

        Parameters
        ----------
        noisy : coordinates (rows, d).
        sigma : noise of every cell, shape (rows, p).
        """
        aligned = noisy[:, : self.corners.shape[1]] @ self.corners.T - (self.corners**2).sum(dim=1) / 2
        return self.log_softmax(self.log_margins + aligned * (sigma[:, self.labelled] ** -2 @ self.members.T))

    def beliefs(self, noisy: Tensor, sigma: Tensor, alone: Tensor) -> Tensor:
        """What every cell says by itself, as standardised inputs of a network; near 0 where it says nothing.

        They are the probabilities, given the noised cell and the column's margin, of each nominal level, of lying above
        each ordinal level or above each knot of a number, the number's expectation, and how much of a cell is known.
        """
        levels = _standardised(alone.exp() @ self.thermometer, self.log_margins.exp() @ self.thermometer)
        known = 1 / (1 + sigma**2)
        number = noisy[:, self.corners.shape[1] :] * known[:, self.numeric]
        spread = sigma[:, self.numeric] * known[:, self.numeric].sqrt()
        above = torch.special.ndtr((number.unsqueeze(-1) - self.knots) / spread.unsqueeze(-1))
        knots = _standardised(above, torch.special.ndtr(-self.knots)).flatten(1)
        return torch.cat([levels, number, knots, known], dim=1)


def _corners(kind: Kind, levels: Floats, shares: Floats) -> Floats:
    """Coordinates of the levels of a column: (K, K) if nominal, (K, 1) if ordinal."""
    if kind is Kind.NOMINAL:
        return np.eye(len(levels))
    centre = shares @ levels
    return ((levels - centre) / np.sqrt(shares @ (levels - centre) ** 2))[:, None]


def _diagonal(blocks: list[Floats]) -> Tensor:
    """One matrix with these blocks on its diagonal; (0, 0) if there are none."""
    blocks = blocks or [np.empty((0, 0))]
    return torch.block_diag(*(torch.as_tensor(block, dtype=torch.float32) for block in blocks))


def _standardised(shares: Tensor, margins: Tensor) -> Tensor:
    return (shares - margins) / (margins * (1 - margins)).clamp(min=0).sqrt().clamp(min=SMALLEST_SCALE)
