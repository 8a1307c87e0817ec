"""Cells: one experiment each, with the seeds and the key that follow from what it is."""

import hashlib
import inspect
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from datasets.mechanisms import MECHANISMS
from datasets.table import Dataset, Masked
from imputers import IMPUTERS


@dataclass(frozen=True)
class Cell:
    """Dataset × mechanism × rate × seed × imputer.

    Parameters
    ----------
    dataset : title of the dataset, e.g. ``"gss2022-twin (synthetic)"``.
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


def make_mask(dataset: Dataset, mechanism: str, rate: float, seed: int) -> Masked:
    """Hide cells of a dataset, seeded by the arguments alone."""
    rng = np.random.default_rng(_digest_number(dataset.title, mechanism, rate, seed))
    return Masked(dataset, MECHANISMS[mechanism](dataset, rate, rng))


def answer_key(cell: Cell, masked: Masked) -> str:
    """Hash of all that decides the answer: cell, data, mask, parameters and code of the method."""
    imputer = IMPUTERS[cell.imputer]
    digest = hashlib.sha256(json.dumps(asdict(cell), sort_keys=True).encode())
    digest.update(masked.truth.fingerprint.encode())
    digest.update(np.packbits(masked.hidden).tobytes())
    digest.update(json.dumps(parameters(cell.imputer), sort_keys=True).encode())
    digest.update(code_version(sys.modules[imputer.__module__], "imputers").encode())
    return digest.hexdigest()[:20]


def parameters(imputer: str) -> dict[str, Any]:
    """Hyper-parameters of a registered imputer, as JSON can hold them."""
    values = IMPUTERS[imputer]().get_params(deep=False)
    return {
        name: value if isinstance(value, int | float | str | None) else repr(value) for name, value in values.items()
    }


def code_version(module: ModuleType, package: str) -> str:
    """Hash of a module's source and of the modules of the package that it takes names from, and theirs.

    An edit to a method so gives its cells new keys, and no stale result survives it.
    """
    waiting, seen = [module], {module.__name__: module}
    while waiting:
        for value in vars(waiting.pop()).values():
            origin = value if isinstance(value, ModuleType) else inspect.getmodule(value)
            if origin and origin.__name__.split(".")[0] == package and origin.__name__ not in seen:
                seen[origin.__name__] = origin
                waiting.append(origin)
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(Path(str(seen[name].__file__)).read_bytes())
    return digest.hexdigest()[:16]


def _digest_number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")
