"""Learning from the observed cells: answer each from a random part of its row's others, and again."""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM

from imputers.llm.scratch.layout import answer_logits


@dataclass(frozen=True)
class Plan:
    """How long, how fast and on what to learn.

    Parameters
    ----------
    n_steps, batch_size : gradient steps, and rows in each.
    learning_rate, warm_up : of AdamW, reached after so many steps, then constant.
    dropout : share of the outputs that enter the residual stream set to zero.
    most_hidden : a question does not see a share of its row's other answers, uniform between 0 and this.
    averaging : share of the running average of the weights that each step keeps.
    """

    n_steps: int
    batch_size: int
    learning_rate: float
    warm_up: int = 60
    dropout: float = 0.1
    most_hidden: float = 0.9
    averaging: float = 0.998


def train(
    model: LlamaForCausalLM, words: Tensor, targets: Tensor, allowed: Tensor, plan: Plan, generator: torch.Generator
) -> list[float]:
    """Fit the model in place; it is left with the running average of its weights.

    Parameters
    ----------
    words : a word per cell (n, p); questions, the words 0…p-1, are never learned from.
    targets : items whose answers are learned, shape (q,).
    allowed : of `imputers.llm.scratch.layout.allowed_words`.
    plan : length and pace.
    generator : source of rows, hidden cells and dropout.

    Returns
    -------
    list of float
        Mean negative log-probability of the answers asked for at each step.
    """
    optimiser = _optimiser(model, plan.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / plan.warm_up))
    average = [parameter.detach().clone() for parameter in model.parameters()]
    question_of = torch.where(allowed.isfinite(), 1, 0).argmax(dim=0)  # of each answer, shape (words,)
    drop = partial(drop_out, share=plan.dropout, generator=generator)
    n_slots, n_asked = _mean_known(words, len(allowed)), _mean_known(words[:, targets], len(allowed))
    losses = []
    for step in range(plan.n_steps):
        rows = torch.randperm(len(words), generator=generator)[: plan.batch_size]
        prompt = observed_slots(words[rows], len(allowed), n_slots, generator)
        answers = observed_slots(words[rows][:, targets], len(allowed), n_asked, generator)
        asked = answers >= len(allowed)
        if not asked.any():
            continue
        seen = seen_answers(prompt, answers, len(allowed), plan.most_hidden, generator)
        scores = answer_logits(model, prompt, question_of[answers], seen, asked, allowed, drop)
        loss = cross_entropy(scores, answers[asked])
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


def observed_slots(words: Tensor, p: int, n_slots: int, generator: torch.Generator) -> Tensor:
    """So many slots of each row, at random from those with an answer while there are any, shape (b, n_slots).

    Training so spends little time on holes, of which there is nothing to learn.
    """
    places = torch.rand(words.shape, generator=generator) + (words < p)
    return words.gather(1, places.argsort(dim=1)[:, :n_slots])


def seen_answers(prompt: Tensor, answers: Tensor, p: int, most_hidden: float, generator: torch.Generator) -> Tensor:
    """Slots that each question sees, shape (b, q, slots): known ones, a random share, and never its own answer.

    Parameters
    ----------
    prompt : a word per slot, shape (b, slots).
    answers : the words that are asked for, shape (b, q).
    p : number of items; smaller words are no answers.
    most_hidden : share that is hidden at most; each question has its own.
    """
    shares = most_hidden * torch.rand(*answers.shape, 1, generator=generator)
    kept = torch.rand(*answers.shape, prompt.shape[1], generator=generator) >= shares
    return kept & (prompt >= p)[:, None, :] & (prompt[:, None, :] != answers[:, :, None])


def drop_out(outputs: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Set about this share of the outputs to zero, to the nearest 1/256, and even out the others.

    Eight factors come from one random number, which takes a fifth of the time of drawing each.
    """
    numbers = torch.empty(-(-outputs.numel() // 8), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    dropped = round(share * 256)
    kept = numbers.view(torch.uint8)[: outputs.numel()].view(outputs.shape) >= dropped
    return outputs * (kept * (256 / (256 - dropped)))


def _mean_known(words: Tensor, p: int) -> int:
    """Answers in a row on average, rounded up."""
    return math.ceil((words >= p).sum() / len(words))


def _optimiser(model: LlamaForCausalLM, learning_rate: float) -> torch.optim.AdamW:
    """AdamW that shrinks the matrices of the layers strongly, words' vectors less, and norms not at all."""
    groups: dict[float, list[nn.Parameter]] = {1.0: [], 0.2: [], 0.0: []}
    for name, parameter in model.named_parameters():
        groups[0.0 if "norm" in name else 1.0 if ".layers." in name else 0.2].append(parameter)
    shrunk = [{"params": parameters, "weight_decay": decay} for decay, parameters in groups.items()]
    return torch.optim.AdamW(shrunk, lr=learning_rate, betas=(0.9, 0.99), fused=True)
