"""Cells: one experiment each, with the seeds and the key that follow from what it is."""

import ast
import hashlib
import inspect
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from datasets.mechanisms import MECHANISMS
from datasets.table import Dataset, Masked
from imputers import make_imputer

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("imputers", "metrics", "datasets")


@dataclass(frozen=True)
class Cell:
    """Dataset × mechanism × rate × seed × imputer.

    Parameters
    ----------
    dataset : title of the dataset, e.g. ``"gss2022-twin (synthetic)"``.
    imputer : as it was asked for, e.g. ``"mice"`` or ``"knn(k=5)"``.
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
    return Masked(dataset, MECHANISMS.resolve(mechanism)(dataset, rate, rng))


def prediction_key(cell: Cell, masked: Masked) -> str:
    """Hash of all that decides the answer: cell, data, mask, parameters and code of the method."""
    digest = hashlib.sha256(json.dumps(asdict(cell), sort_keys=True).encode())
    digest.update(masked.truth.fingerprint.encode())
    digest.update(np.packbits(masked.hidden).tobytes())
    digest.update(json.dumps(parameters(cell.imputer), sort_keys=True).encode())
    digest.update(code_version(Path(inspect.getfile(type(make_imputer(cell.imputer))))).encode())
    return digest.hexdigest()[:20]


def parameters(imputer: str) -> dict[str, Any]:
    """Hyper-parameters of the imputer that a request asks for, as JSON can hold them."""
    values = make_imputer(imputer).get_params(deep=False)
    return {
        name: value if isinstance(value, int | float | str | None) else repr(value) for name, value in values.items()
    }


def code_version(path: Path) -> str:
    """Hash of a Python file and of all files of this project that it imports, directly or not.

    An edit to a method so gives its cells new keys, and no stale result survives it. Imports are read from
    the source, those inside functions too.
    """
    waiting, seen = [path], {path}
    while waiting:
        for imported in _imported_files(waiting.pop()) - seen:
            seen.add(imported)
            waiting.append(imported)
    digest = hashlib.sha256()
    for file in sorted(seen, key=str):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _imported_files(path: Path) -> set[Path]:
    """Files of this project that a Python file imports; a name in a package may be a module or in its file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    bases = [ROOT.joinpath(*name.split(".")) for name in names if name.split(".")[0] in PACKAGES]
    candidates = {file for base in bases for file in (base.with_suffix(".py"), base / "__init__.py")}
    return {file for file in candidates if file.is_file()}


def _digest_number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")
