"""Training of HI-VAE: a plain loop of mini-batches, stopped by cells hidden again from the observed ones."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from imputers.generative.hivae_network import Batch, Network

N_SAMPLES = 20  # posterior samples that judge the cells hidden again


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn.

    Parameters
    ----------
    n_steps : gradient steps at most.
    batch_size : rows in each.
    learning_rate : of Adam at the start; it falls to zero along a cosine.
    n_check, patience : steps between looks at the cells hidden again, and looks without gain before stopping.
    """

    n_steps: int
    batch_size: int
    learning_rate: float
    n_check: int
    patience: int


def train(network: Network, batch: Batch, check: Batch, plan: Plan, generator: torch.Generator) -> list[float]:
    """Maximise the bound of ``batch`` and leave the network with the weights that predict ``check`` best.

    Parameters
    ----------
    network : changed in place.
    batch : the rows to learn from.
    check : rows whose ``observed`` marks cells that their ``inputs`` do not show.
    plan : length and pace.
    generator : source of the order of the rows and of the latent noise.

    Returns
    -------
    list of float
        Log predictive probability of a checked cell at each look, the first before any step.
    """
    # one fixed noise for all looks, so that they differ by the weights alone
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, plan.n_steps)
    scores, best = [_score(network, check, seed)], _weights(network)
    for step, index in zip(
        range(1, plan.n_steps + 1), _minibatches(len(batch), plan.batch_size, generator), strict=False
    ):
        loss = -network.bound(batch.rows(index), generator).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % plan.n_check == 0:
            scores.append(_score(network, check, seed))
            if scores[-1] == max(scores):
                best = _weights(network)
            if len(scores) - scores.index(max(scores)) > plan.patience:
                break
    network.load_state_dict(best)
    return scores


@torch.no_grad()
def _score(network: Network, check: Batch, seed: int) -> float:
    generator = torch.Generator(check.inputs.device).manual_seed(seed)
    s, z = network.samples(check.inputs, N_SAMPLES, generator)
    cells = torch.logsumexp(network.log_prob(check.values, s, z), dim=0)  # of the sum over samples, shape (rows, p)
    return float((cells * check.observed).sum() / check.observed.sum()) - math.log(N_SAMPLES)


def _weights(network: Network) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _minibatches(n: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Rows in random order, epoch after epoch without end."""
    while True:
        yield from torch.randperm(n, generator=generator, device=generator.device).split(size)
