"""Cells: one experiment each, with the seeds and the key that follow from what it is."""

import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scoring import score
from benchmarks.versions import CodeVersion, code_version
from benchmarks.worker import describe
from datasets.mechanisms import MECHANISMS
from datasets.table import Dataset, Masked, parts
from metrics import METRICS


@dataclass(frozen=True)
class Cell:
    """Dataset × mechanism × rate × seed × imputer.

    Parameters
    ----------
    dataset : title of the dataset, e.g. ``"gss2022-twin (synthetic)"``.
    imputer : as it was asked for, e.g. ``"mice"`` or ``"knn(n_neighbors=5)"``.
    n_draws : draws asked for.
    """

    dataset: str
    mechanism: str
    rate: float
    seed: int
    imputer: str
    n_draws: int

    @property
    def mask(self) -> tuple[str, float, int]:
        """What decides which cells are hidden; the same for every imputer."""
        return self.mechanism, self.rate, self.seed

    @property
    def random_state(self) -> int:
        """Seed of the imputer."""
        return _digest_number(self.dataset, *self.mask, self.imputer)


@dataclass(frozen=True)
class Method:
    """An imputer as it was asked for.

    Parameters
    ----------
    parameters : as JSON can hold them.
    version : of its code and libraries.
    programs : versions of other programs.
    facts : what pages say of it; decides no result.
    added : whether it is none of this project; decides no result.
    """

    parameters: Mapping[str, Any]
    version: CodeVersion
    programs: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    added: bool = False

    @classmethod
    def of(cls, request: str) -> "Method":
        """Look up a method of this project."""
        return cls.described(describe(request))

    @classmethod
    def described(cls, told: Mapping[str, Any], *, added: bool = False) -> "Method":
        """A method of which `worker.describe` tells."""
        return cls(told["parameters"], code_version(*map(Path, told["files"])), told["programs"], told["facts"], added)


def scoring_version() -> CodeVersion:
    """Version of all metrics: a new metric scores stored predictions again and re-runs no imputer."""
    functions = (score, *(METRICS[name].score for name in METRICS))
    return code_version(*{Path(inspect.getfile(function)) for function in functions})


def make_mask(dataset: Dataset, mechanism: str, rate: float, seed: int) -> Masked:
    """Hide cells of a dataset, seeded by the arguments alone; of replicates, each as if it were alone."""
    hide, hidden = MECHANISMS.resolve(mechanism), np.zeros(dataset.values.shape, dtype=bool)
    for number, rows, part in parts(dataset):
        alone = dataset.replicates is None
        who = (dataset.title,) if alone else (dataset.schema.population, len(part.values), number)
        hidden[rows] = hide(part, rate, np.random.default_rng(_digest_number(*who, mechanism, rate, seed)))
    return Masked(dataset, hidden)


def prediction_key(cell: Cell, masked: Masked, method: Method) -> str:
    """Hash of all that decides a prediction: cell, data, mask, and the method with the libraries that it uses."""
    decides = {"parameters": method.parameters, "version": method.version.decides, "programs": method.programs}
    digest = hashlib.sha256(json.dumps([asdict(cell), decides], sort_keys=True).encode())
    digest.update(masked.truth.fingerprint.encode())
    digest.update(np.packbits(masked.hidden).tobytes())
    return digest.hexdigest()[:20]


def _digest_number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")
