"""Fine-tuning: answer a respondent's hidden answers from the others in words, adjust the weights, and again."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from datasets.errors import InputError
from imputers.llm.prompts.relevance import Relevance
from imputers.llm.prompts.script import Script
from imputers.llm.scoring.packing import pack
from imputers.llm.scoring.reading import log_likelihoods
from imputers.llm.tuning.checkpoints import Checkpoints, digest, resume, write
from imputers.llm.tuning.examples import Example, make_example, micro_batches, respondents
from imputers.llm.tuning.recipe import Recipe
from imputers.shared.randomness import seeded
from imputers.shared.vocabulary import Positions
from imputers.shared.weights import LARGE, LanguageModel

LINES = 20  # of the log, about

logger = logging.getLogger(__name__)


def fine_tune(
    loaded: LanguageModel,
    script: Script,
    answers: Positions,
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    relevance: Relevance | None = None,
    checkpoints: Checkpoints | None = None,
    after_step: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Train, in place, those weights of a model that require gradients.

    Parameters
    ----------
    loaded : with an adapter, or random weights (`imputers.llm.tuning.adapters.make_trainable`).
    script : the items' lines, stems and options.
    answers : answer number of each cell (n, p), -1 for a hole. Validation cells must be -1 too: they then are
        neither known nor asked.
    recipe : length and pace.
    rng : source of all random numbers.
    relevance : which of the known answers are told; by default all that fit in the model's window, at random.
    checkpoints : where to keep the state, and to go on from if there is one; kept nowhere by default.
    after_step : is told the number of steps made and the last loss.

    Returns
    -------
    list of float
        Mean negative log-probability of a hidden answer, all its tokens and the line's end together, at every step.

    Raises
    ------
    InputError
        If nothing can be trained, nobody has answered anything, a question alone is longer than the model's window, the
        loss is not finite, or the checkpoint is of another training.
    """
    rows = np.flatnonzero((answers >= 0).any(axis=1))
    weights = {name: tensor for name, tensor in loaded.model.named_parameters() if tensor.requires_grad}
    _check(loaded, script, len(rows), len(weights))
    optimiser = torch.optim.AdamW(weights.values(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    seed, n_steps = int(rng.integers(2**62)), recipe.n_steps(len(rows))
    shapes = [(name, tuple(tensor.shape)) for name, tensor in weights.items()]
    telling = (relevance.shares.tolist(), relevance.n_features) if relevance else ()
    training = digest(loaded.name, loaded.precision, shapes, script, recipe, seed, answers.tolist(), *telling)
    losses = resume(checkpoints, training, weights, optimiser) if checkpoints else []
    with _training(loaded):
        for step in range(len(losses), n_steps):
            own = np.random.default_rng((seed, 1, step))
            batch = answers[respondents(rows, step, recipe.batch_size, seed)]
            examples = [make_example(row, script, recipe, loaded.window, own, relevance) for row in batch]
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate(step, n_steps)
            losses.append(_step(loaded, examples, recipe, optimiser, int(own.integers(2**62))))
            if checkpoints and checkpoints.due(step + 1, n_steps):
                write(checkpoints, training, weights, optimiser, losses)
            if step % max(1, n_steps // LINES) == 0 or step == n_steps - 1:
                logger.info("%s: step %d of %d, loss %.3f", loaded.name, step + 1, n_steps, losses[-1])
            if after_step:
                after_step(step + 1, losses[-1])
    return losses


def _step(
    loaded: LanguageModel, examples: Sequence[Example], recipe: Recipe, optimiser: torch.optim.Optimizer, seed: int
) -> float:
    """One gradient step; the loss is the mean over all answers, so that dividing the batch changes nothing."""
    n_answers = sum(example.n_answers for example in examples)
    total = 0.0
    optimiser.zero_grad()
    with seeded(seed, loaded.device):
        for part in micro_batches(examples, recipe.max_tokens):
            packed = pack(
                [example.prefix for example in part],
                [example.blocks for example in part],
                told=[example.told for example in part],
            )
            with torch.autocast(loaded.device.type, torch.bfloat16, enabled=loaded.device.type == "cuda"):
                loss = -log_likelihoods(loaded.model, packed).sum() / n_answers
            loss.backward()
            total += float(loss.detach())
    if not math.isfinite(total):
        raise InputError(
            f"fine-tuning {loaded.name}: the loss is {total}; take a learning_rate below {recipe.learning_rate:g}"
        )
    nn.utils.clip_grad_norm_([tensor for group in optimiser.param_groups for tensor in group["params"]], 1.0)
    optimiser.step()
    return total


@contextmanager
def _training(loaded: LanguageModel) -> Iterator[None]:
    """Dropout on; on a GPU a large model keeps no activations but recomputes them (Chen et al. 2016)."""
    recompute = loaded.device.type == "cuda" and loaded.n_parameters >= LARGE
    loaded.model.train()
    if recompute:
        loaded.model.gradient_checkpointing_enable({"use_reentrant": False})
    try:
        yield
    finally:
        if recompute:
            loaded.model.gradient_checkpointing_disable()
        loaded.model.eval()


def _check(loaded: LanguageModel, script: Script, n_respondents: int, n_weights: int) -> None:
    if not n_weights:
        raise InputError(f"fine-tuning {loaded.name}: all its weights are frozen; attach an adapter first")
    if not n_respondents:
        raise InputError("fine-tuning: nobody has answered anything; give a table with answers")
    longest = max(
        len(stem) + max(map(len, options)) for stem, options in zip(script.stems, script.options, strict=True)
    )
    if len(script.opening) + longest > loaded.window:
        raise InputError(
            f"fine-tuning {loaded.name}: a question with its answer takes {len(script.opening) + longest} tokens, "
            f"and the model reads {loaded.window} at most; shorten the item's wording, or take another model"
        )
