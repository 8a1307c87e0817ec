"""Checkpoints: a training that was killed goes on from one safetensors file as if nothing had happened."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from datasets.errors import InputError

FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoints:
    """Where to keep the state of a training, and how often.

    One file holds the weights that are trained, the optimiser's moments and, as JSON in its header, the losses so far.
    Random numbers need no room: each step draws its own from the seed and its number.

    Parameters
    ----------
    folder : of this training alone; made if need be.
    every : steps between checkpoints; one more is written at the end.
    """

    folder: Path
    every: int = 25

    def __post_init__(self) -> None:
        if self.every < 1:
            raise InputError(f"checkpoints every {self.every} steps cannot be; every must be 1 or more")

    def due(self, step: int, n_steps: int) -> bool:
        """Whether to write after so many steps."""
        return step % self.every == 0 or step == n_steps


def digest(*parts: object) -> str:
    """Fingerprint of all that decides a training; two of the same are the same training."""
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()


def write(
    checkpoints: Checkpoints,
    training: str,
    weights: Mapping[str, torch.Tensor],
    optimiser: torch.optim.Optimizer,
    losses: list[float],
) -> None:
    """Write a checkpoint; the one before is replaced at once or not at all.

    Parameters
    ----------
    training : of `digest`.
    weights : those that are trained, by name.
    losses : of the steps so far.
    """
    tensors = {f"weights/{name}": tensor.detach() for name, tensor in weights.items()}
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{number}/{name}": tensor for name, tensor in state.items()}
    checkpoints.folder.mkdir(parents=True, exist_ok=True)
    part = checkpoints.folder / f"{FILE}.part"
    save_file(tensors, part, {"training": training, "losses": json.dumps(losses)})
    part.replace(checkpoints.folder / FILE)


def resume(
    checkpoints: Checkpoints, training: str, weights: Mapping[str, torch.Tensor], optimiser: torch.optim.Optimizer
) -> list[float]:
    """Put weights and optimiser in the state of the last checkpoint; the losses up to it, none if there is none.

    Raises
    ------
    InputError
        If the checkpoint is of another training.
    """
    path = checkpoints.folder / FILE
    if not path.exists():
        return []
    with safe_open(path, framework="pt") as file, torch.no_grad():
        header = file.metadata()
        if header["training"] != training:
            raise InputError(
                f"{path} is of a training on other data, with other settings or another seed; give this one a folder "
                "of its own, or delete the file"
            )
        for name, tensor in weights.items():
            tensor.copy_(file.get_tensor(f"weights/{name}"))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key in file.keys():  # noqa: SIM118 - the file is no mapping
            kind, number, name = [*key.split("/", 2), ""][:3]
            if kind == "optimiser":
                state.setdefault(int(number), {})[name] = file.get_tensor(key)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return list(json.loads(header["losses"]))
