"""The network of not-MIWAE: that of MIWAE, and a curve for why each column's cells are missing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from imputers.generative.networks.encoding import Batch
from imputers.generative.networks.likelihoods import Likelihood
from imputers.generative.networks.miwae import Head, Network, Sizes
from imputers.generative.networks.self_masking import SelfMasking

PRIOR_SCALE = 2.5  # standard deviation of the slopes' Gaussian prior, per standard deviation of the item
FASTER = 30  # times the rate of the weights that the few numbers of the curves learn at


@dataclass(frozen=True, eq=False)
class Holed(Batch):
    """Rows whose holes carry information.

    Parameters
    ----------
    inputs, values, observed : see `Batch`.
    missing : 1 where the table has a hole, else 0, shape (rows, p). A validation cell is neither observed
        nor missing.
    """

    missing: Tensor

    def rows(self, index: Tensor | slice) -> "Holed":
        """Some of the rows."""
        return Holed(self.inputs[index], self.values[index], self.observed[index], self.missing[index])


class SelfMaskingNetwork(Network):
    """MIWAE's model times p(s | x), the probability that each cell is missing or not (Ipsen et al. 2021, section 3).

    Parameters
    ----------
    likelihoods, n_inputs, sizes, generator : see `Network`.
    missing : share of the fitted rows in which each column is missing, shape (p,).
    n_rows : fitted rows, over which the slopes' prior is spread.
    """

    def __init__(
        self,
        likelihoods: Sequence[Likelihood],
        n_inputs: int,
        sizes: Sizes,
        generator: torch.Generator,
        missing: Tensor,
        n_rows: int,
    ) -> None:
        super().__init__(likelihoods, n_inputs, sizes, generator)
        self.curves = nn.ModuleList(
            [SelfMasking(likelihood, missing[likelihood.columns]) for likelihood in likelihoods]
        )
        self.n_rows = n_rows

    @property
    def fills(self) -> Sequence[SelfMasking]:
        """Distributions of holes, given that they are holes."""
        return cast(Sequence[SelfMasking], self.curves)

    def stages(self) -> Iterator[float]:
        """As MIWAE first, which learns missing cells from the other columns; then with the curves.

        Curves that learn from the start take a wrong sign as easily as the right one, and keep it.
        """
        self.curves.requires_grad_(False)
        yield 1 / 3
        self.curves.requires_grad_(True)
        yield 2 / 3

    def groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """Parameters as an optimiser wants them; the curves' learn faster."""
        curves = {"params": list(self.curves.parameters()), "lr": FASTER * learning_rate, "weight_decay": 0.0}
        return [*super().groups(learning_rate, weight_decay), curves]

    def cells(self, batch: Batch, heads: Sequence[Head]) -> Tensor:
        """Log likelihood of each cell, that it is observed or missing included; shape (samples, rows, p).

        A missing cell counts with the integral over all values that it may have, a sum or a quadrature where the paper
        samples one.
        """
        found = super().cells(batch, heads)
        missing = cast(Holed, batch).missing
        for curve, (_, location, shape) in zip(self.fills, heads, strict=True):
            own = curve.columns
            seen = logsigmoid(-curve.log_odds(batch.values[:, own])) * batch.observed[:, own]
            found[..., own] += seen + curve.log_missing(location, shape) * missing[:, own]
        return found

    def bound(self, batch: Batch, n_samples: int, generator: torch.Generator) -> Tensor:
        """Bound of each row, with the row's part in the slopes' prior; shape (rows,) (equation 7)."""
        prior = -torch.stack([(curve.slope**2).sum() for curve in self.fills]).sum() / (2 * PRIOR_SCALE**2)
        return super().bound(batch, n_samples, generator) + prior / self.n_rows
