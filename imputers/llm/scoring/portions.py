"""Answers in portions of respondents, each kept when it is done: who is stopped goes on behind the last."""

import hashlib
from collections.abc import Callable
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers.shared.vocabulary import Positions

PORTION = 200  # respondents
Asked = NDArray[np.bool_]
Answers = tuple[list[Floats], Positions]
Ask = Callable[[Positions, Asked, np.random.Generator], Answers]


def in_portions(
    ask: Ask, answers: Positions, asked: Asked, rng: np.random.Generator, folder: Path | None, known: bytes
) -> Answers:
    """Ask all respondents, a portion after the other, and put together what was answered.

    Parameters
    ----------
    ask : of answer numbers (r, p), what is asked (r, p) and a source of random numbers, gives for each item the
        probabilities of its answers, shape (respondents asked, K), and answers drawn, shape (draws, r, p).
    folder : where portions are kept; None keeps none.
    known : all that decides what is answered beside the respondents and random numbers.
    """
    n_portions = max(1, ceil(len(answers) / PORTION))
    parts = []
    for rows in np.array_split(np.arange(len(answers)), n_portions):
        seed = int(rng.integers(2**62))
        name = _digest(known, seed, answers[rows].tobytes(), asked[rows].tobytes())
        path = None if folder is None else folder / f"{name}.npz"
        found = None if path is None else _read(path)
        if found is None:
            found = ask(answers[rows], asked[rows], np.random.default_rng(seed))
            if path is not None:
                _write(path, found)
        parts.append(found)
    shares = [np.concatenate(own) for own in zip(*(part for part, _ in parts), strict=True)]
    return shares, np.concatenate([drawn for _, drawn in parts], axis=1)


def _digest(*parts: str | int | bytes) -> str:
    return hashlib.sha256(
        b"\n".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
    ).hexdigest()


def _write(path: Path, found: Answers) -> None:
    """Write a portion, whole or not at all."""
    shares, drawn = found
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(file, drawn=drawn, **{f"item_{j}": share for j, share in enumerate(shares)})
    part.replace(path)


def _read(path: Path) -> Answers | None:
    """A portion that was kept; None if there is none."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        return [arrays[f"item_{j}"] for j in range(len(arrays.files) - 1)], arrays["drawn"]
