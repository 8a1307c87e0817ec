"""The denoising autoencoder of mixed cells that MIDA and MIDAS share: its network, its losses and how it learns."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from imputers.generative.networks.encoding import Batch, Encoding
from imputers.generative.networks.likelihoods import Heads, Likelihood, Nominal, Ordinal, Real
from imputers.shared.noise import dropout, uniform
from imputers.shared.training import Curve, Plan, train

SMALLEST_VARIANCE = 1e-3  # of a standardised number, so that its logarithm is finite
SMALLEST_ERROR = 1e-3  # a squared one, on the standardised scale: the root of zero has no slope
FEWEST_STEPS = 100


@dataclass(frozen=True)
class Form:
    """How a network is built.

    Parameters
    ----------
    widths : units of each hidden layer up to the middle one; those after it mirror those before it.
    activation : of the hidden layers.
    corrupt_prob : share of the cells set to zero in training, before they enter.
    dropout : share of the hidden units set to zero.
    n_models : networks that learn side by side, from first weights of their own.
    """

    widths: Sequence[int]
    activation: Callable[[Tensor], Tensor]
    corrupt_prob: float
    dropout: float
    n_models: int = 1


class Autoencoder(nn.Module):
    """Predicts every cell of a row from its observed cells; one network, or several side by side.

    The last layer gives each column the location of its likelihood; the shapes, thresholds of ordinal items and
    spreads of numbers, are the same for all rows. Weights start as truncated normal numbers of variance
    1 / (units before + units after), as in the code of MIDAS, and outputs at the columns' margins.

    Parameters
    ----------
    encoding : of the inputs.
    likelihoods : of all columns, each column once.
    form : of the layers.
    generator : source of the first weights.
    """

    cells: Tensor

    def __init__(
        self, encoding: Encoding, likelihoods: Sequence[Likelihood], form: Form, generator: torch.Generator
    ) -> None:
        super().__init__()
        starts = [[at.cpu() for at in likelihood.start()] for likelihood in likelihoods]
        locations = torch.cat([location.flatten() for location, _ in starts])
        sizes = [len(encoding.owners), *form.widths, *form.widths[-2::-1], len(locations)]
        m = form.n_models
        self.likelihoods, self.form = list(likelihoods), form
        self.weights = nn.ParameterList([_weight(m, before, after, generator) for before, after in pairwise(sizes)])
        self.biases = nn.ParameterList([*(torch.zeros(m, 1, size) for size in sizes[1:-1]), locations.repeat(m, 1, 1)])
        self.shapes = nn.ParameterList([free.repeat(m, 1, 1, 1) for _, free in starts])
        self.blocks = [location.shape for location, _ in starts]
        self.register_buffer("cells", torch.as_tensor(encoding.owners))

    def corrupted(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Set some cells to zero, each with all its inputs: dummies of an item depend on each other."""
        cells = (*inputs.shape[:-1], int(self.cells[-1]) + 1)
        shown = uniform(cells, generator, inputs.device) >= self.form.corrupt_prob
        return inputs * shown[..., self.cells]

    def heads(self, inputs: Tensor, generator: torch.Generator) -> Heads:
        """Predict rows (views, rows, q), a view being a model, or a dropout mask of the only model.

        Returns
        -------
        likelihoods, their locations (views, rows, c, k) and their shapes (views, rows, c, l).
        """
        x = inputs
        *hidden, (weight, bias) = zip(self.weights, self.biases, strict=True)
        for before, at in hidden:
            x = self.form.activation(x @ before + at)
            if self.form.dropout:
                x = dropout(x, self.form.dropout, generator)
        cut = (x @ weight + bias).split([block.numel() for block in self.blocks], dim=-1)
        locations = [part.unflatten(-1, block) for part, block in zip(cut, self.blocks, strict=True)]
        return [
            (likelihood, location, likelihood.constrain(free).expand(*location.shape[:-1], -1))
            for likelihood, location, free in zip(self.likelihoods, locations, self.shapes, strict=True)
        ]

    def spread(self, asked: Batch, heads: Heads) -> None:
        """Set the spread of numbers to what the difference between views leaves unexplained of the validation cells.

        Draws then lie about their mean as widely as those cells did: the views give a part of that, the spread the
        rest. One cell that misses by a standard deviation is added, for columns that have few.

        Parameters
        ----------
        asked : rows with validation cells.
        heads : of the same rows.
        """
        for i, (likelihood, location, _) in enumerate(heads):
            if isinstance(likelihood, Real):
                known = asked.observed[:, likelihood.columns]
                z = (asked.values[:, likelihood.columns] - likelihood.centre) / likelihood.scale
                unexplained = (z - location[..., 0].mean(0)) ** 2 - location[..., 0].var(0, correction=0)
                variance = ((unexplained * known).sum(0) + 1) / (known.sum(0) + 1)
                self.shapes[i].data[:] = torch.log(variance.clamp(min=SMALLEST_VARIANCE)).unsqueeze(-1)


@dataclass(frozen=True)
class Course:
    """How a network learns.

    Parameters
    ----------
    loss : reconstruction loss of some rows.
    n_views : models, or dropout masks of the only model, that predict the validation cells together.
    max_epochs, batch_size : passes through the rows at most, but 100 steps; rows in each step, a quarter of few rows.
    """

    loss: Callable[[Batch, Heads], Tensor]
    n_views: int
    max_epochs: int
    batch_size: int

    def plan(self, n_rows: int) -> Plan:
        """Steps for a table of so many rows."""
        batch_size = min(self.batch_size, max(n_rows // 4, 32))
        return Plan(max(self.max_epochs * n_rows // batch_size, FEWEST_STEPS), batch_size)


def learn(
    who: str,
    network: Autoencoder,
    optimiser: torch.optim.Optimizer,
    course: Course,
    batch: Batch,
    asked: Batch,
    generator: torch.Generator,
) -> Curve:
    """Train a network to predict rows from corrupted ones, stopped by validation cells; then set its spreads.

    Only training corrupts: validation cells, and later the holes, are predicted from all that is observed.

    Parameters
    ----------
    who, optimiser, generator : see `imputers.shared.training.train`.
    network : changed in place.
    course : how to learn.
    batch, asked : from `Encoding.split`.
    """
    n_models = network.form.n_models

    def predicted(noise: torch.Generator) -> Heads:
        return network.heads(asked.inputs.expand(course.n_views, *asked.inputs.shape), noise)

    def loss(index: Tensor, noise: torch.Generator) -> Tensor:
        rows = batch.rows(index.repeat(n_models))
        inputs = rows.inputs.unflatten(0, (n_models, -1))
        own = [
            (likelihood, location.flatten(0, 1).unsqueeze(0), shape.flatten(0, 1).unsqueeze(0))
            for likelihood, location, shape in network.heads(network.corrupted(inputs, noise), noise)
        ]  # each model has rows of its own
        return n_models * course.loss(rows, own)

    def score(noise: torch.Generator) -> float:
        return -float(course.loss(asked, predicted(noise)))

    curve = train(who, network, optimiser, loss, score, len(batch), course.plan(len(batch)), generator)
    with torch.no_grad():
        network.spread(asked, predicted(generator))
    return curve


def loss_by_kind(batch: Batch, heads: Heads) -> Tensor:
    """Root mean squared error of numbers and cross-entropy of levels, summed over columns (Lall & Robinson 2022).

    Each column counts as much as it is observed, as in the authors' code. The prediction is the mean over
    the views, of numbers or of probabilities.

    Parameters
    ----------
    batch : rows, of which the cells that are not observed do not count.
    heads : every likelihood with its location (views, rows, c, k) and shape (views, rows, c, l).
    """
    total = batch.inputs.new_zeros(())
    for likelihood, location, shape in heads:
        values, known = batch.values[:, likelihood.columns], batch.observed[:, likelihood.columns]
        if isinstance(likelihood, Real):
            apart = (likelihood.mean(location, shape).mean(0)[..., 0] - values) / likelihood.scale
            mean = (apart**2 * known).sum(0) / known.sum(0).clamp(min=1)
            total = total + (torch.sqrt(mean.clamp(min=SMALLEST_ERROR)) * known.mean(0)).sum()
        else:
            log = likelihood.log_prob(values, location, shape).logsumexp(0) - math.log(len(location))
            total = total - (log * known).sum() / len(batch)
    return total


def squared_loss(batch: Batch, heads: Heads) -> Tensor:
    """Mean squared error of a cell, as a share of what its column's margin would get.

    That of a nominal item is between its dummies and their probabilities (Brier 1950, Monthly Weather Review 78), that
    of an ordinal one between cumulative dummies and cumulative probabilities (ranked probability score, Epstein 1969,
    Journal of Applied Meteorology 8). Both are least at the true probabilities.

    Parameters
    ----------
    batch, heads : see `loss_by_kind`.
    """
    total = batch.inputs.new_zeros(())
    for likelihood, location, shape in heads:
        values, known = batch.values[:, likelihood.columns], batch.observed[:, likelihood.columns]
        mean = likelihood.mean(location, shape).mean(0)
        if isinstance(likelihood, Nominal | Ordinal):
            dummies, margin = one_hot(values.long(), mean.shape[-1]).float(), likelihood.margins.nan_to_num(0.0)
            if isinstance(likelihood, Ordinal):
                mean, dummies, margin = mean.cumsum(-1), dummies.cumsum(-1), margin.cumsum(-1)
            error = ((mean - dummies) ** 2).sum(-1) / (margin * (1 - margin)).sum(-1)
        elif isinstance(likelihood, Real):
            error = ((mean[..., 0] - values) / likelihood.scale) ** 2
        total = total + (error * known).sum()
    return total / batch.observed.sum().clamp(min=1)


def gaussian_numbers(encoding: Encoding) -> Encoding:
    """The encoding, but every number Gaussian: a squared error knows no other likelihood."""
    sorts = tuple(sort if issubclass(sort, Nominal | Ordinal) else Real for sort in encoding.sorts)
    return replace(encoding, sorts=sorts)


def _weight(n_models: int, before: int, after: int, generator: torch.Generator) -> Tensor:
    weight = nn.init.trunc_normal_(torch.empty(n_models, before, after), a=-2, b=2, generator=generator)
    return weight / math.sqrt(before + after)
