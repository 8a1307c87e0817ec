"""Tables: a dataset as observed, and the same with cells hidden whose truth only the benchmark knows."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import Floats, Schema


class Reason(IntEnum):
    """Why a cell is empty; survey files keep these apart, and so do we."""

    OBSERVED = 0
    NOT_ASKED = 1
    DONT_KNOW = 2
    NO_ANSWER = 3
    SKIPPED = 4
    REFUSED = 5
    NOT_AVAILABLE = 6
    OFF_SCALE = 7  # an answer that has no place on the scale, e.g. "other party" between left and right
    UNKNOWN = 8  # a blank, without a reason


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table of answers.

    Parameters
    ----------
    name : registered name.
    schema : meaning of the p columns.
    values : codes, shape (n, p); NaN is a hole. A read-only copy is kept.
    reasons : `Reason` per cell, shape (n, p); by default unknown for every hole.
    weights, strata, psu : survey design, each shape (n,), or None.
    origin : where the values come from, e.g. file name and sha256; goes into the manifest.
    synthetic : True if no respondent ever gave these answers.
    replicates : number of the replicate that each row belongs to, ascending, shape (n,); None if the rows are one
        table. Each replicate is masked, imputed and analysed as a table of its own.

    Raises
    ------
    InputError
        If shapes disagree, or a value is not on its scale.
    """

    name: str
    schema: Schema
    values: Floats
    reasons: NDArray[np.int8] = None  # type: ignore[assignment]  # an array once __post_init__ has run
    weights: Floats | None = None
    strata: Floats | None = None
    psu: Floats | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False
    replicates: Floats | None = None

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=float)
        self.schema.check(values)
        reasons = np.where(np.isnan(values), Reason.UNKNOWN, 0) if self.reasons is None else np.array(self.reasons)
        if reasons.shape != values.shape or ((reasons == Reason.OBSERVED) != ~np.isnan(values)).any():
            raise InputError(f"dataset {self.name!r}: reasons must have shape {values.shape} and be 0 where observed")
        self._freeze("values", values)
        self._freeze("reasons", reasons.astype(np.int8))
        for name in ("weights", "strata", "psu", "replicates"):
            vector = getattr(self, name)
            if vector is None:
                continue
            if np.shape(vector) != (len(values),) or not np.isfinite(vector).all():
                raise InputError(f"dataset {self.name!r}: {name} must be {len(values)} finite numbers, one a row")
            self._freeze(name, np.array(vector, dtype=float))
        if self.replicates is not None and (np.diff(self.replicates) < 0).any():
            raise InputError(f"dataset {self.name!r}: rows of a replicate must stand together, replicates in order")

    def _freeze(self, name: str, array: NDArray) -> None:
        array.flags.writeable = False
        object.__setattr__(self, name, array)

    @property
    def title(self) -> str:
        """Name as every artefact shows it."""
        return f"{self.name} (synthetic)" if self.synthetic else self.name

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that decides a result: name, schema, values, reasons and design."""
        rules = tuple(check.text for check in self.schema.checks)
        digest = hashlib.sha256(repr((self.name, self.schema, *rules)).encode())
        for array in (self.values, self.reasons, self.weights, self.strata, self.psu):
            digest.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
        if self.replicates is not None:
            digest.update(self.replicates.tobytes())
        return digest.hexdigest()[:16]


def parts(dataset: Dataset) -> Iterator[tuple[int, slice, Dataset]]:
    """Number, rows and table of each replicate; a dataset without replicates is the one of number 0."""
    if dataset.replicates is None:
        yield 0, slice(None), dataset
        return
    for number, rows in replicate_rows(dataset.replicates):
        weights, strata, psu = (v if v is None else v[rows] for v in (dataset.weights, dataset.strata, dataset.psu))
        values, reasons = dataset.values[rows], dataset.reasons[rows]
        one = replace(dataset, values=values, reasons=reasons, weights=weights, strata=strata, psu=psu, replicates=None)
        yield number, rows, one


def replicate_rows(replicates: Floats) -> Iterator[tuple[int, slice]]:
    """Number and rows of each replicate, whose rows stand together."""
    starts = np.flatnonzero(np.diff(replicates, prepend=np.nan) != 0)
    for start, stop in zip(starts, [*starts[1:], len(replicates)], strict=True):
        yield int(replicates[start]), slice(int(start), int(stop))


@dataclass(frozen=True, eq=False)
class Masked:
    """A dataset with cells hidden. Imputers never receive it: they receive `values` and the schema.

    Parameters
    ----------
    truth : the dataset before hiding.
    hidden : shape (n, p), True where an observed cell is hidden.

    Raises
    ------
    InputError
        If a hidden cell was not observed, so that it could never be scored.
    """

    truth: Dataset
    hidden: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.hidden.shape != self.truth.values.shape:
            raise InputError(f"hidden has shape {self.hidden.shape}, the table {self.truth.values.shape}")
        if (self.hidden & np.isnan(self.truth.values)).any():
            raise InputError(f"hidden marks cells of {self.truth.name!r} that were not observed; hide observed cells")

    @property
    def schema(self) -> Schema:
        """Meaning of the columns."""
        return self.truth.schema

    @cached_property
    def values(self) -> Floats:
        """What an imputer sees, shape (n, p): hidden and naturally missing cells are NaN."""
        values = np.where(self.hidden, np.nan, self.truth.values)
        values.flags.writeable = False
        return values

    @cached_property
    def needed(self) -> NDArray[np.bool_]:
        """Holes (n, p) to fill so that all is scored: of rows with hidden cells, but where the survey did not ask."""
        holes = np.isnan(self.values) & (self.truth.reasons != Reason.NOT_ASKED)
        return holes & self.hidden.any(axis=1, keepdims=True)

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """Tell for each hole, in row-major order, whether we hid it and so know its truth."""
        return self.hidden[np.isnan(self.values)]
