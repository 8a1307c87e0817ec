"""The judge: checks what a sealed process sent back for a cell, scores it against the truth, and keeps it.

Predictions come in as numbers and names alone, and are checked before anything is done with them.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cells import Cell
from benchmarks.methods import rooted
from benchmarks.scoring import score
from benchmarks.store import Cost, Store, Stored
from benchmarks.wire import pack, prediction_from_parts, schema_to_json, unpack
from datasets.coherence import check_coherence
from datasets.errors import InputError
from datasets.prediction import Prediction, check_prediction, widen
from datasets.table import Masked
from reports.measures import AUDIT
from reports.results import Provenance, Record, plain_message


@dataclass(frozen=True, eq=False)
class Job:
    """One cell, and all that decides what becomes of it.

    Parameters
    ----------
    setting : mechanism of which that of the cell is a replicate.
    prediction_key, record_key : names in the store.
    plugins : files given by ``--load`` that the imputer may stand in.
    provenance : what computes the cell.
    added : whether the imputer is none of this project.
    by_row : whether the imputer answers each row by itself, so that only what may be hidden need be asked.
    modules : what its code imports.
    """

    cell: Cell
    setting: str
    masked: Masked
    prediction_key: str
    record_key: str
    store: Store
    plugins: tuple[Path, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    added: bool = False
    by_row: bool = False
    modules: frozenset[str] = frozenset()

    @cached_property
    def asked(self) -> NDArray[np.bool_]:
        """Holes for which answers are wanted (n, p)."""
        return self.masked.needed if self.by_row else np.isnan(self.masked.values)

    @property
    def record_path(self) -> Path:
        """Where its record is kept."""
        return self.store.record_path(self.record_key)

    def request(self, path: list[str]) -> bytes:
        """All that the process that imputes is told: masked values, schema, design, method, draws and a seed."""
        content = {
            "do": "impute",
            "path": path,
            "plugins": [str(plugin.resolve()) for plugin in self.plugins] if self.added else [],
            "imputer": rooted(self.cell.imputer),
            "n_draws": self.cell.n_draws,
            "random_state": self.cell.random_state,
            "schema": schema_to_json(self.masked.schema),
            "folder": str(self.store.learned_path(self.prediction_key).resolve()),
        }
        truth = self.masked.truth
        told = {"values": self.masked.values, "replicates": truth.replicates}
        told |= {"weights": truth.weights, "strata": truth.strata, "psu": truth.psu}
        if self.by_row:
            told["asked"] = self.asked.astype(float)
        return pack(content, {name: array for name, array in told.items() if array is not None})

    def record(self, status: str, message: str, seconds: float) -> Record:
        """Its record without scores."""
        cell = self.cell
        told = plain_message(message)
        return Record(cell.dataset, *cell.mask, cell.imputer, status, told, (), self.setting, seconds, self.provenance)


class Damaged(Exception):
    """A stored prediction that cannot be used, and was set aside."""


class NotKept(Exception):
    """A prediction that cannot be written to the store, and the reason."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause)
        self.cause = cause


def judge(job: Job, reply: bytes | None, seconds: float) -> Record:
    """Turn the reply of a sealed process, or without one the stored prediction, into the record of a cell.

    Raises
    ------
    Damaged
        If the stored prediction cannot be used.
    NotKept
        If the prediction cannot be written.
    """
    if reply is None:
        return _scored(job, _from_store(job), seconds)
    try:
        content, arrays = unpack(reply)
        status = str(content.get("status"))
        if status != "done":
            message = str(content.get("message")) or "it gave no reason"
            return job.record("unavailable" if status == "unavailable" else "failed", message, seconds)
        audit = content.get("audit")
        stored = Stored(
            prediction_from_parts(dict(content.get("prediction") or {}), arrays),
            _cost(content.get("cost"), seconds),
            _audit(audit if isinstance(audit, dict) else {}),
            job.provenance,
        )
        _check(job, stored.prediction)
    except InputError as wrong:
        return job.record("failed", f"InputError: {wrong}", seconds)
    try:
        job.store.save_prediction(job.prediction_key, stored)
    except OSError as error:
        raise NotKept(error) from None
    return _scored(job, stored, seconds)


def _check(job: Job, prediction: Prediction) -> None:
    values, schema = job.masked.values, job.masked.schema
    check_prediction(prediction, values, schema, job.cell.n_draws, job.asked)
    check_coherence(prediction, values, schema, job.asked)


def _scored(job: Job, stored: Stored, seconds: float) -> Record:
    start = time.perf_counter()
    told = {name.replace("_", "-"): value for name, value in vars(stored.cost).items()} | dict(stored.audit)
    found = score(job.masked, widen(stored.prediction, job.masked.values, job.asked))
    scores = [(one.metric, one.column, one.value) for one in found]
    scores += [(name, "(table)", value) for name, value in told.items()]
    influences = tuple(
        (one.metric, one.column, tuple(one.influence.astype(np.float32).tolist()))  # as results.parquet keeps them
        for one in found
        if one.influence is not None
    )
    return replace(
        job.record("done", "", seconds + time.perf_counter() - start),
        scores=tuple(scores),
        influences=influences,
        provenance=stored.provenance,
    )


def _from_store(job: Job) -> Stored:
    try:
        stored = job.store.load_prediction(job.prediction_key)
        _check(job, stored.prediction)
    except InputError as damaged:
        aside = job.store.set_aside(job.store.prediction_path(job.prediction_key))
        raise Damaged(f"{damaged}; {aside}, and computed again") from None
    return stored


def _cost(told: Any, seconds: float) -> Cost:  # noqa: ANN401 - whatever was sent
    """What a process says that it took, which cannot be more time than passed."""
    numbers = [float(part) for part in told if isinstance(part, int | float)] if isinstance(told, list) else []
    if len(numbers) != 3 or not all(math.isfinite(part) and part >= 0 for part in numbers):
        raise InputError(f"the process gave {told!r} as its cost; wanted seconds to fit and to draw, and MB of memory")
    if numbers[0] + numbers[1] > seconds + 1:
        raise InputError(f"the process says that it took {numbers[0] + numbers[1]:.1f} s, and ran for {seconds:.1f} s")
    return Cost(*numbers)


def _audit(found: Mapping[str, float]) -> Mapping[str, float]:
    """What an imputer found out about itself, in measures that the report can explain."""
    strange = sorted(set(found) - set(AUDIT))
    if strange:
        raise InputError(f"audit gives {strange}; the report knows {', '.join(sorted(AUDIT))}")
    if not all(isinstance(value, int | float) for value in found.values()):
        raise InputError(f"audit gives {found}; wanted numbers")
    return {name: float(value) for name, value in found.items()}
