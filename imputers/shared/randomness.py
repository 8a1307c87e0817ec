"""Torch's global random generator, seeded for some lines of code and afterwards as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Let code that knows only the global generator, such as layers' first weights and dropout, use this seed.

    Parameters
    ----------
    seed : of the processor's and the device's generator.
    device : where random numbers will be drawn.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def seed_from(generator: torch.Generator) -> int:
    """A seed drawn from a generator."""
    return int(torch.randint(2**62, (1,), generator=generator))
