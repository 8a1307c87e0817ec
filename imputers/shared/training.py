"""The one loop that trains networks: mini-batches, early stopping by a score of validation cells."""

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from datasets.errors import InputError
from imputers.heartbeat import steps

logger = logging.getLogger(__name__)

Loss = Callable[[Tensor, torch.Generator], Tensor]
Score = Callable[[torch.Generator], float]


@dataclass(frozen=True)
class Plan:
    """How long to learn.

    Parameters
    ----------
    n_steps : gradient steps at most.
    batch_size : rows in each.
    n_check, patience : steps between looks at the validation cells, and looks without gain before stopping.
    """

    n_steps: int
    batch_size: int
    n_check: int = 100
    patience: int = 4


@dataclass(frozen=True)
class Curve:
    """What learning looked like.

    Parameters
    ----------
    losses : mean loss of the steps before each look; the first is NaN, as no step was made.
    scores : of the validation cells at each look, higher is better; the first before any step.
    steps : steps made before each look.
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    @property
    def best(self) -> int:
        """The look whose weights were kept."""
        return self.scores.index(max(self.scores))


def train(
    who: str,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss: Loss,
    score: Score,
    n_rows: int,
    plan: Plan,
    generator: torch.Generator,
) -> Curve:
    """Minimise a loss, and leave the network with the weights that score best on the validation cells.

    The optimiser's rate falls to zero along a cosine (Loshchilov & Hutter 2017, ICLR, equation 5, without restarts).

    Parameters
    ----------
    who : name of the method, for the log and for errors.
    network : changed in place, on its device; in training mode during the steps, in evaluation mode at each look and
        afterwards.
    loss : mean loss of some rows, given their numbers (b,).
    score : of the validation cells, higher is better; it is given the same random numbers at each look, so that
        looks differ by the weights alone.
    n_rows : number of rows to learn from.
    generator : of the processor; source of the order of the rows and of all noise.

    Raises
    ------
    InputError
        If the loss is not finite.
    """
    seed = int(torch.randint(2**62, (1,), generator=generator))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, plan.n_steps)
    curve, best, total = Curve(), dict[str, Tensor](), torch.zeros(())
    batches = _minibatches(n_rows, plan.batch_size, generator)
    for step in steps(range(plan.n_steps + 1), plan.n_steps + 1):
        if step:
            total = _step(optimiser, loss(next(batches), generator)) + total  # this order: on the loss's device
            schedule.step()
        if step % plan.n_check and step < plan.n_steps:
            continue
        since = step - (curve.steps[-1] if curve.steps else 0)
        _look(who, network, curve, step, float(total) / since if since else math.nan, score, seed)
        total = torch.zeros(())
        if curve.best == len(curve.scores) - 1:
            best = {name: value.clone() for name, value in network.state_dict().items()}
        if len(curve.scores) - 1 - curve.best >= plan.patience:
            break
    network.load_state_dict(best)
    network.eval()
    return curve


def write_curves(folder: Path, settings: Mapping[str, Any], curves: list[Curve]) -> None:
    """Keep a method's settings and learning curves as ``folder/curve.json``; NaN becomes null."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [asdict(curve) | {"losses": [None if math.isnan(x) else x for x in curve.losses]} for curve in curves]
    text = json.dumps({"settings": settings, "curves": written}, indent=1, allow_nan=False)
    (folder / "curve.json").write_text(text, encoding="utf-8")


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> Tensor:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


def _look(who: str, network: nn.Module, curve: Curve, step: int, loss: float, score: Score, seed: int) -> None:
    if step and not math.isfinite(loss):
        raise InputError(f"{who}: the loss is {loss} after {step} steps; take a lower learning_rate")
    network.eval()
    with torch.no_grad():
        curve.scores.append(score(torch.Generator().manual_seed(seed)))
    network.train()
    curve.losses.append(loss)
    curve.steps.append(step)
    logger.info("%s: step %d, loss %.4f, validation score %.4f", who, step, loss, curve.scores[-1])


def _minibatches(n: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Rows in random order, epoch after epoch without end."""
    while True:
        yield from torch.randperm(n, generator=generator).split(size)
