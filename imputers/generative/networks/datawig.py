"""The network of DataWig: strings by their n-grams, numbers by a hidden layer, one head; and how it learns."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding_bag, mse_loss

from datasets.schema import Floats
from imputers.shared.training import Curve, Plan, train

Scores = Floats

SMALLEST_BATCH, LARGEST_BATCH = 32, 256  # rows in a mini-batch: a 24th of the table within these
BATCHES_PER_EPOCH = 24
FEWEST_STEPS = 100
LOOKS = 10  # at the validation rows, in a training that is not stopped


@dataclass(frozen=True, eq=False)
class Predictors:
    """What is known of some rows.

    Parameters
    ----------
    strings : weights of n-grams and dummies of labels, side by side, shape (rows, q), single precision.
    numbers : standardised, 0 where missing, shape (rows, d).
    """

    strings: csr_matrix
    numbers: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, index: NDArray[np.intp] | slice) -> "Predictors":
        """Some of the rows."""
        return Predictors(self.strings[index], self.numbers[index])


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted.

    Parameters
    ----------
    truth : number of the label (rows,), or the standardised number (rows, 1).
    margin : scores of the head without predictors, shape (outputs,).
    loss : mean loss of scores (rows, outputs) given the truth.
    """

    truth: Tensor
    margin: Tensor
    loss: Callable[[Tensor, Tensor], Tensor]

    @classmethod
    def labels(cls, numbers: NDArray[np.intp], device: torch.device) -> "Target":
        """Labels 0…K-1, each of which occurs, by cross-entropy from their logarithmic shares."""
        shares = np.bincount(numbers) / len(numbers)
        margin = torch.as_tensor(np.log(shares), dtype=torch.float32)
        return cls(torch.as_tensor(numbers, device=device), margin, cross_entropy)

    @classmethod
    def numbers(cls, standardised: Scores, device: torch.device) -> "Target":
        """Numbers by squared error."""
        truth = torch.as_tensor(standardised[:, None], dtype=torch.float32, device=device)
        return cls(truth, torch.zeros(1), mse_loss)


@dataclass(frozen=True)
class Settings:
    """Units of the hidden layer, passes over the rows at most, Adam's rate, and decay of the weights."""

    n_hidden: int
    max_epochs: int
    learning_rate: float
    weight_decay: float


class Network(nn.Module):
    """Softmax or linear head on n-grams and on a hidden layer above the numbers (Biessmann et al. 2018, section 3).

    A linear head on features laid side by side is a sum of linear heads, and that on a bag of n-grams is a sum of
    rows of its weights. So strings stay sparse. The head starts at zero and its intercept at the margin.

    Parameters
    ----------
    n_strings, n_numbers : widths q and d of the predictors.
    n_hidden : units of the hidden layer.
    margin : the intercept's start, shape (outputs,).
    generator : source of the first weights.
    """

    def __init__(
        self, n_strings: int, n_numbers: int, n_hidden: int, margin: Tensor, generator: torch.Generator
    ) -> None:
        super().__init__()
        scale = math.sqrt(2 / max(n_numbers, 1))
        self.strings = nn.Parameter(torch.zeros(n_strings, len(margin)))
        self.turn = nn.Parameter(scale * torch.randn(n_numbers, n_hidden, generator=generator))
        self.bias = nn.Parameter(torch.zeros(n_hidden))
        self.numbers = nn.Parameter(torch.zeros(n_hidden, len(margin)))
        self.intercept = nn.Parameter(margin.clone())

    def forward(self, x: Predictors) -> Tensor:
        """Scores of the labels, or the standardised number, shape (rows, outputs)."""
        device, strings = self.intercept.device, x.strings
        bags = strings.indices, strings.indptr[:-1], strings.data
        places, starts, weights = (torch.as_tensor(part, device=device) for part in bags)
        scores = embedding_bag(places, self.strings, starts, mode="sum", per_sample_weights=weights)
        hidden = torch.relu(torch.as_tensor(x.numbers, device=device) @ self.turn + self.bias)
        return scores + hidden @ self.numbers + self.intercept

    def scores(self, x: Predictors) -> Scores:
        """Scores of the trained network, shape (rows, outputs)."""
        with torch.no_grad():
            return self(x).cpu().numpy().astype(float)


def learn(
    who: str, x: Predictors, target: Target, n_validation: int, settings: Settings, generator: torch.Generator
) -> tuple[Network, Scores, Curve]:
    """Train a network on all rows, for as many steps as serve best when the first ``n_validation`` are left out.

    Parameters
    ----------
    who : name of the method, for the log and for errors.
    x, target : of rows in random order; the target is on the device to train on.
    generator : of the processor; source of first weights and of the order of mini-batches.

    Returns
    -------
    network : trained on all rows.
    scores : of the validation rows, by a network that has not seen them.
    curve : of that network.
    """
    validation, kept = slice(n_validation), slice(n_validation, None)
    batch_size = int(np.clip(len(x) // BATCHES_PER_EPOCH, SMALLEST_BATCH, LARGEST_BATCH))
    n_steps = max(settings.max_epochs * len(x) // batch_size, FEWEST_STEPS)
    plan = Plan(n_steps, batch_size, n_check=n_steps // LOOKS)
    blind, curve = _trained(who, x, target, kept, validation, settings, plan, generator)
    steps = max(curve.steps[curve.best], 1)
    plan = Plan(steps, batch_size, n_check=steps)
    network, _ = _trained(f"{who}, all rows", x, target, slice(None), slice(None), settings, plan, generator)
    return network, blind.scores(x.rows(validation)), curve


def _trained(
    who: str,
    x: Predictors,
    target: Target,
    learned: slice,
    scored: slice,
    settings: Settings,
    plan: Plan,
    generator: torch.Generator,
) -> tuple[Network, Curve]:
    """A network trained on some rows, with the weights that have the least loss in others."""
    device = target.truth.device
    network = Network(x.strings.shape[1], x.numbers.shape[1], settings.n_hidden, target.margin, generator).to(device)
    optimiser = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    rows, others = x.rows(learned), x.rows(scored)
    truth, theirs = target.truth[learned], target.truth[scored]
    curve = train(
        who,
        network,
        optimiser,
        lambda index, _: target.loss(network(rows.rows(index.numpy())), truth[index.to(device)]),
        lambda _: -float(target.loss(network(others), theirs)),
        len(rows),
        plan,
        generator,
    )
    return network, curve
