"""Learning from the observed cells: hide a random share of each row, answer it from the rest, and again."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from imputers.llm.layout import answer_logits


@dataclass(frozen=True)
class Plan:
    """How long, how fast and on what to learn.

    Parameters
    ----------
    n_steps, batch_size : gradient steps, and rows in each.
    learning_rate, warm_up : of AdamW, reached after so many steps, then constant.
    dropout : share of each layer's outputs set to zero.
    least_hidden, most_hidden : the share of a row's observed cells that is hidden is uniform between the two.
    averaging : share of the running average of the weights that each step keeps.
    """

    n_steps: int
    batch_size: int
    learning_rate: float
    warm_up: int = 60
    dropout: float = 0.1
    least_hidden: float = 0.1
    most_hidden: float = 0.6
    averaging: float = 0.998


def train(
    model: PreTrainedModel, words: Tensor, allowed: Tensor, plan: Plan, generator: torch.Generator
) -> list[float]:
    """Fit the model in place; it is left with the running average of its weights.

    Parameters
    ----------
    words : a word per cell (n, p); questions, the words 0…p-1, are never learned from.
    allowed : of `imputers.llm.layout.allowed_words`.
    plan : length and pace.
    generator : source of rows, hidden cells and dropout.

    Returns
    -------
    list of float
        Mean negative log-probability of the hidden answers at each step.
    """
    optimiser = _optimiser(model, plan.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / plan.warm_up))
    average = [parameter.detach().clone() for parameter in model.parameters()]
    question_of = torch.where(allowed.isfinite(), 1, 0).argmax(dim=0)  # of each answer, shape (words,)
    n_slots = math.ceil((words >= len(allowed)).sum() / len(words))
    losses = []
    with dropping_out(model, plan.dropout, generator):
        for step in range(plan.n_steps):
            rows = torch.randperm(len(words), generator=generator)[: plan.batch_size]
            batch = observed_slots(words[rows], n_slots, generator)
            hidden = hide_again(batch, len(allowed), plan, generator)
            if not hidden.any():
                continue
            shown = torch.where(hidden, question_of[batch], batch)
            loss = cross_entropy(answer_logits(model, shown, hidden, allowed), batch[hidden])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            # at first the average is over the last third or so of few steps, or the random start would stay in it
            pace = max(1 - plan.averaging, 3 / (4 + step))
            torch._foreach_lerp_(average, [parameter.detach() for parameter in model.parameters()], pace)
            losses.append(float(loss.detach()))
    with torch.no_grad():
        for parameter, mean in zip(model.parameters(), average, strict=True):
            parameter.copy_(mean)
    return losses


def observed_slots(words: Tensor, n_slots: int, generator: torch.Generator) -> Tensor:
    """So many slots of each row, at random from those with an answer while there are any, shape (b, n_slots).

    Training so spends no time on holes: there is nothing to learn from them, and nobody looks at them.
    """
    places = torch.rand(words.shape, generator=generator) + (words < words.shape[1])
    return words.gather(1, places.argsort(dim=1)[:, :n_slots])


def hide_again(words: Tensor, p: int, plan: Plan, generator: torch.Generator) -> Tensor:
    """Slots to hide of those with an answer, each row at a share of its own, shape of ``words`` (b, slots)."""
    shares = torch.rand(len(words), 1, generator=generator) * (plan.most_hidden - plan.least_hidden)
    chosen = torch.rand(words.shape, generator=generator) < plan.least_hidden + shares
    return chosen & (words >= p)


def kept_or_dropped(shape: torch.Size, share: float, generator: torch.Generator) -> Tensor:
    """Factors of dropout: zero for about this share, to the nearest 1/256, and for the others what evens it out.

    Eight come from one random number, which takes a fifth of the time of drawing each.
    """
    numbers = torch.empty(-(-shape.numel() // 8), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    dropped = round(share * 256)
    kept = numbers.view(torch.uint8)[: shape.numel()].view(shape) >= dropped
    return kept * (256 / (256 - dropped))


@contextmanager
def dropping_out(model: PreTrainedModel, share: float, generator: torch.Generator) -> Iterator[None]:
    """Dropout on what enters the residual stream, which Llama lacks, drawn from the generator."""

    def drop(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output * kept_or_dropped(output.shape, share, generator)

    into = [module for name, module in model.named_modules() if name.endswith(("embed_tokens", "o_proj", "down_proj"))]
    hooks = [module.register_forward_hook(drop) for module in into] if share else []
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _optimiser(model: PreTrainedModel, learning_rate: float) -> torch.optim.AdamW:
    """AdamW that shrinks the matrices of the layers, words' vectors a little, and norms not at all."""
    groups: dict[float, list[nn.Parameter]] = {0.1: [], 0.02: [], 0.0: []}
    for name, parameter in model.named_parameters():
        groups[0.0 if "norm" in name else 0.1 if ".layers." in name else 0.02].append(parameter)
    shrunk = [{"params": parameters, "weight_decay": decay} for decay, parameters in groups.items()]
    return torch.optim.AdamW(shrunk, lr=learning_rate, betas=(0.9, 0.99), fused=True)
