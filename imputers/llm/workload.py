"""What fine-tuning and answering a table amount to: steps, tokens and floating-point operations."""

from dataclasses import dataclass

import numpy as np

from imputers.llm.budget import (
    Batch,
    activations,
    adapter_parameters,
    checkpointed_activations,
    layer_matrices,
    parameters,
)
from imputers.llm.lengths import Lengths
from imputers.llm.models import Shape
from imputers.llm.option_scores import TOGETHER
from imputers.llm.recipe import Recipe
from imputers.shared.weights import LARGE


@dataclass(frozen=True)
class Work:
    """Tokens that a model reads, padding left out, and operations that this takes."""

    tokens: float
    flops: float


@dataclass(frozen=True)
class Exercises:
    """What fine-tuning shows of a respondent.

    Parameters
    ----------
    mean, longest : tokens of a respondent in one step.
    targets : questions asked of one, on average.
    """

    mean: float
    longest: float
    targets: float

    @classmethod
    def of(cls, lengths: Lengths, recipe: Recipe) -> "Exercises":
        """Expected over the share that is hidden, which is uniform between two bounds."""
        shares = np.linspace(recipe.least_hidden, recipe.most_hidden, 101)[:, None]
        targets = np.clip(shares * lengths.known, 1, recipe.n_targets).mean(axis=0)
        told = lengths.opening + (1 - shares) * (lengths.contexts - lengths.opening)
        tokens = told.mean(axis=0) + targets * lengths.question
        longest = (told[0] + np.clip(shares[0] * lengths.known, 1, recipe.n_targets) * lengths.question).max()
        return cls(float(tokens.mean()), float(longest), float(targets.mean()))

    def largest_batch(self, most_tokens: int, answer: float) -> Batch:
        """The part of a step that takes most memory: as many of the longest as are read at once.

        Parameters
        ----------
        answer : tokens of an answer.
        """
        rows = max(1, int(most_tokens / self.longest))
        return Batch(rows, round(self.longest), round(rows * self.targets * answer))


def forward_flops(shape: Shape, tokens: int, length: float, answers: int) -> float:
    """Floating-point operations of one pass: two for each weight and token, and attention over ``length`` tokens.

    Kaplan et al. (2020), Scaling Laws for Neural Language Models, arXiv 2001.08361, table 1.

    Parameters
    ----------
    tokens, answers : tokens read, and positions at which the head is applied.
    length : tokens that each token is compared with.
    """
    layers = shape.layers * (2 * layer_matrices(shape) + 4 * shape.attention * length)
    return tokens * layers + 2 * answers * shape.vocabulary * shape.hidden


def training_flops(shape: Shape, batch: Batch, rank: int, forwards: int = 1) -> float:
    """Floating-point operations of one step.

    Backward, the frozen weights cost as much as forward, since only the gradient of their input is wanted; attention
    and adapters, where both factors have gradients, cost twice as much.

    Parameters
    ----------
    forwards : forward passes through the layers; 2 with gradient checkpointing.
    """
    frozen = 2 * shape.layers * layer_matrices(shape)
    both = 4 * shape.layers * shape.attention * batch.length + 2 * adapter_parameters(shape, rank)
    head = 2 * batch.answers * shape.vocabulary * shape.hidden
    return float(batch.tokens * ((forwards + 1) * frozen + (forwards + 2) * both) + 2 * head)


def recomputes(shape: Shape) -> bool:
    """Whether fine-tuning on a GPU does the forward pass again rather than keep all activations."""
    return parameters(shape) >= LARGE


def kept_activations(shape: Shape, batch: Batch, rank: int) -> int:
    """Memory of the activations that fine-tuning on a GPU keeps."""
    kept = checkpointed_activations if recomputes(shape) else activations
    return kept(shape, batch, rank)


def training_work(shape: Shape, lengths: Lengths, recipe: Recipe, rank: int) -> Work:
    """Work of training one adapter on a GPU."""
    exercises = Exercises.of(lengths, recipe)
    rows = recipe.n_steps(len(lengths.contexts)) * recipe.batch_size
    batch = Batch(rows, round(exercises.mean), round(rows * exercises.targets * lengths.answer))
    return Work(rows * exercises.mean, training_flops(shape, batch, rank, 1 + recomputes(shape)))


def answering_work(shape: Shape, lengths: Lengths, n_draws: int) -> Work:
    """Work of answering all holes once for their probabilities, and once more for each draw.

    The context is read once each time, and every question behind it; a drawn answer is read on as a line.
    """
    questions = lengths.contexts + lengths.trees
    tokens = float(((1 + n_draws) * questions + n_draws * lengths.lines).sum())
    together = float((lengths.contexts + np.minimum(lengths.trees, TOGETHER)).mean())
    places = round(float(lengths.places.sum()) * (1 + n_draws))
    return Work(tokens, forward_flops(shape, round(tokens), together, places))
