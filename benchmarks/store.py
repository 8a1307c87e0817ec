"""The store: predictions and records on disk, each written whole or not at all; the only cache there is."""

import fcntl
import hashlib
import io
import json
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from datasets.errors import InputError
from datasets.moments import Moments
from datasets.prediction import Prediction
from datasets.regression import Estimates
from reports.folder import write_whole
from reports.results import Provenance, Record, read_record, write_record

DAMAGE = (OSError, ValueError, TypeError, KeyError, EOFError, NotImplementedError, RuntimeError)
LEFT_OVER = [(folder, pattern) for folder in ("predictions", "records") for pattern in ("*.part", ".*.tmp", "tmp*")]


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

    While cells are computed, it holds ``claims/<key>.json``, too (see `benchmarks.claims`).

    File names are hashes of everything that decides the content (see `cells.prediction_key`). What is there has a
    checksum: a file that is damaged is set aside in ``damaged/``, and its cell computed again. Several runs may work
    in one store: a cell that is done stays done.
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
        arrays["sha256"] = np.array(_checksum(arrays))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        path = self.prediction_path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, buffer.getvalue())

    def load_prediction(self, key: str) -> Stored:
        """Read a prediction and what is kept with it.

        Raises
        ------
        InputError
            If the file cannot be read, is no prediction, or has been changed since it was written.
        """
        path = self.prediction_path(key)
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            if str(arrays.pop("sha256", "")) != _checksum(arrays):
                raise ValueError("its checksum is wrong: it was changed since it was written")
            return _stored(arrays)
        except (*DAMAGE, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{path} is not the prediction of a cell ({error})") from error

    def write(self, key: str, record: Record) -> Record:
        """Keep the record of a cell, unless one that is done is kept already; give the one that is kept then."""
        path = self.record_path(key)
        with self.locked():
            if record.status != "done" and path.exists():
                try:
                    kept = read_record(path)
                except InputError:
                    kept = record
                if kept.status == "done":
                    return kept
            write_record(record, path)
        return record

    def read(self, key: str, say: Callable[[str], None]) -> Record | None:
        """The record of a cell, or None; a damaged one is set aside, and that is said."""
        path = self.record_path(key)
        if not path.exists():
            return None
        try:
            return read_record(path)
        except InputError as damaged:
            say(f"{damaged}; {self.set_aside(path)}, and computed again")
            return None

    def set_aside(self, path: Path) -> str:
        """Move a damaged file away, and say where to."""
        place = self.folder / "damaged" / f"{time.time_ns()}-{path.name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
        return f"it is set aside as {place}"

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While a run works in the store; the first of them clears what killed runs left half-written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".in-use").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # another run works here, and may be writing
                pass
            else:
                for folder, pattern in LEFT_OVER:
                    for path in (self.folder / folder).glob(pattern):
                        path.unlink(missing_ok=True)
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While no other process is in such a context of the same store."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _stored(arrays: Mapping[str, np.ndarray]) -> Stored:
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


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _part(arrays: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    """Arrays whose names start with a kind, by the rest of their names."""
    return {name.removeprefix(f"{kind}_"): arrays[name] for name in arrays if name.startswith(f"{kind}_")}


def _estimates(parts: Mapping[str, np.ndarray]) -> Estimates:
    return Estimates(tuple(parts["names"].tolist()), parts["coefficients"], parts["variances"], float(parts["freedom"]))
