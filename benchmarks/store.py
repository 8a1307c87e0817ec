"""The store: answers and records on disk, each written whole or not at all; the only cache there is."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.answer import Answer
from datasets.moments import Moments


@dataclass(frozen=True)
class Cost:
    """What a cell took: seconds to fit and to draw, peak memory of its process in MB."""

    fit_seconds: float
    draw_seconds: float
    peak_memory_mb: float


@dataclass(frozen=True)
class Store:
    """A folder with ``answers/<key>.npz``, ``records/<key>.json`` and ``logs/<key>.txt``.

    File names are hashes of everything that decides the content (see `cells.answer_key`), so what is
    there is right, what is not there is missing, and parallel runs need no lock.
    """

    folder: Path

    def answer_path(self, key: str) -> Path:
        """Where the answer of a cell is kept."""
        return self.folder / "answers" / f"{key}.npz"

    def record_path(self, key: str) -> Path:
        """Where the scores of a cell are kept."""
        return self.folder / "records" / f"{key}.json"

    def log_path(self, key: str) -> Path:
        """Where all that a cell printed is kept."""
        return self.folder / "logs" / f"{key}.txt"

    def save_answer(self, key: str, answer: Answer, cost: Cost) -> None:
        """Write an answer and its cost."""
        arrays = {f"probabilities_{j}": table for j, table in answer.probabilities.items()}
        if answer.draws is not None:
            arrays["draws"] = answer.draws
        if answer.expected is not None:
            arrays["expected"] = answer.expected
        if answer.moments is not None:
            arrays |= {f"moments_{name}": array for name, array in vars(answer.moments).items()}
        arrays["cost"] = np.array([cost.fit_seconds, cost.draw_seconds, cost.peak_memory_mb])
        path = self.answer_path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez_compressed(file, **arrays)
        Path(file.name).replace(path)

    def load_answer(self, key: str) -> tuple[Answer, Cost]:
        """Read an answer and its cost."""
        with np.load(self.answer_path(key), allow_pickle=False) as arrays:
            moments = {name.removeprefix("moments_"): arrays[name] for name in arrays if name.startswith("moments_")}
            answer = Answer(
                draws=arrays.get("draws"),
                expected=arrays.get("expected"),
                probabilities={
                    int(name.removeprefix("probabilities_")): arrays[name]
                    for name in arrays
                    if name.startswith("probabilities_")
                },
                moments=Moments(**moments) if moments else None,
            )
            return answer, Cost(*arrays["cost"].tolist())
