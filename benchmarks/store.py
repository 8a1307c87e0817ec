"""The store: predictions and records on disk, each written whole or not at all; the only cache there is."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from datasets.moments import Moments
from datasets.prediction import Prediction
from datasets.regression import Estimates
from reports.results import Provenance


@dataclass(frozen=True)
class Cost:
    """What a cell took: seconds to fit and to draw, peak memory of its process in MB."""

    fit_seconds: float
    draw_seconds: float
    peak_memory_mb: float


@dataclass(frozen=True, eq=False)
class Stored:
    """What is kept of a prediction: itself, its cost, the method's audit of itself, and what computed it."""

    prediction: Prediction
    cost: Cost
    audit: Mapping[str, float] = field(default_factory=dict)
    provenance: Provenance = field(default_factory=Provenance)


@dataclass(frozen=True)
class Store:
    """A folder with ``predictions/<key>.npz``, ``records/<key>.json``, ``logs/<key>.txt`` and ``learned/<key>/``.

    File names are hashes of everything that decides the content (see `cells.prediction_key`), so what is
    there is right, what is not there is missing, and parallel runs need no lock.
    """

    folder: Path

    def prediction_path(self, key: str) -> Path:
        """Where the prediction of a cell is kept."""
        return self.folder / "predictions" / f"{key}.npz"

    def record_path(self, key: str) -> Path:
        """Where the scores of a cell are kept."""
        return self.folder / "records" / f"{key}.json"

    def log_path(self, key: str) -> Path:
        """Where all that a cell printed is kept."""
        return self.folder / "logs" / f"{key}.txt"

    def learned_path(self, key: str) -> Path:
        """Folder where a method keeps what it learns in a cell: adapters, learning curves, checkpoints."""
        return self.folder / "learned" / key

    def save_prediction(self, key: str, stored: Stored) -> None:
        """Write a prediction and what is kept with it."""
        prediction, cost = stored.prediction, stored.cost
        arrays = {f"probabilities_{j}": table for j, table in prediction.probabilities.items()}
        if prediction.draws is not None:
            arrays["draws"] = prediction.draws
        if prediction.expected is not None:
            arrays["expected"] = prediction.expected
        if prediction.moments is not None:
            arrays |= {f"moments_{name}": array for name, array in vars(prediction.moments).items()}
        if prediction.estimates is not None:
            arrays |= {f"estimates_{name}": np.asarray(value) for name, value in vars(prediction.estimates).items()}
        arrays |= {f"audit_{name}": np.array(value) for name, value in stored.audit.items()}
        arrays["cost"] = np.array([cost.fit_seconds, cost.draw_seconds, cost.peak_memory_mb])
        arrays["provenance"] = np.array(json.dumps(asdict(stored.provenance)))
        path = self.prediction_path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez_compressed(file, **arrays)
        Path(file.name).replace(path)

    def load_prediction(self, key: str) -> Stored:
        """Read a prediction and what is kept with it."""
        with np.load(self.prediction_path(key), allow_pickle=False) as arrays:
            moments, own, estimates = (_part(arrays, kind) for kind in ("moments", "probabilities", "estimates"))
            prediction = Prediction(
                draws=arrays.get("draws"),
                expected=arrays.get("expected"),
                probabilities={int(j): table for j, table in own.items()},
                moments=Moments(**moments) if moments else None,
                estimates=_estimates(estimates) if estimates else None,
            )
            audit = {name: float(value) for name, value in _part(arrays, "audit").items()}
            provenance = Provenance(**json.loads(str(arrays["provenance"])))
            return Stored(prediction, Cost(*arrays["cost"].tolist()), audit, provenance)


def _part(arrays: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    """Arrays whose names start with a kind, by the rest of their names."""
    return {name.removeprefix(f"{kind}_"): arrays[name] for name in arrays if name.startswith(f"{kind}_")}


def _estimates(parts: Mapping[str, np.ndarray]) -> Estimates:
    return Estimates(tuple(parts["names"].tolist()), parts["coefficients"], parts["variances"], float(parts["freedom"]))
