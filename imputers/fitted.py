"""Fitted imputers on disk, to fill new rows later: what was learned as JSON and arrays, without code.

A folder holds ``fitted.json``, which says what stands where, and ``arrays.npz``. Only methods that declare what their
learned state is made of (`Imputer.nouns`) can be stored.
"""

import json
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from datasets.condition import Condition
from datasets.errors import InputError
from datasets.schema import Column, Kind, Regression, Role, Schema
from imputers import make_imputer
from imputers.base import Imputer, Spelled
from imputers.constants import Constants
from imputers.door import Door

FACTS, ARRAYS = "fitted.json", "arrays.npz"
FORMAT = 1
NOUNS = (Schema, Column, Condition, Regression, Kind, Role)  # that any learned state may hold
OUTER = frozenset(  # attributes of every fitted imputer, which are not of its method
    [
        *("_door", "_constants", "_unseen", "full_schema_", "schema_", "set_aside_", "n_features_in_"),
        *("feature_names_in_", "random_state_", "weights_", "folder_", "_sklearn_output_config"),
    ]
)


def check_storable(imputer: Imputer, request: str) -> None:
    """Validate that what a method learns can be stored.

    Raises
    ------
    InputError
        If it cannot.
    """
    if imputer.nouns is None:
        raise InputError(
            f"{request}: what it learns is more than arrays and cannot be stored; store another method, "
            "e.g. mice, mice-pmm, mice-cart, gbm, hot-deck or mean, or fit this one anew on old and new rows together"
        )


def save_fitted(imputer: Imputer, request: str, folder: Path) -> None:
    """Store a fitted imputer.

    Parameters
    ----------
    imputer : fitted on codes with a schema, or on a DataFrame whose columns have texts for names.
    request : what it was made from, e.g. "mice(max_iter=10)".
    folder : is made; files of an earlier one in it are replaced.

    Raises
    ------
    InputError
        If the method cannot be stored, or the folder cannot be written.
    """
    check_storable(imputer, request)
    names = imputer._door.columns
    if names is not None and not all(isinstance(name, str) for name in names):
        raise InputError(f"{request}: its columns have names that are no texts, {list(names)[:5]}; rename them first")
    writing = _Writing(imputer.nouns or ())
    learned = {name: value for name, value in vars(imputer).items() if name not in OUTER | set(imputer.get_params())}
    outer = {
        "schema": imputer.full_schema_,
        "inferred": imputer._door.inferred,
        "n_columns": imputer._door.n_columns,
        "columns": None if names is None else list(names),
        "dtypes": [str(dtype) for dtype in imputer._door.dtypes],
        "aside": imputer.set_aside_,
        "seed": imputer.random_state_,
        "weights": imputer.weights_,
        "constants": imputer._constants.values,
        "unseen": imputer._unseen,
    }
    facts = {"format": FORMAT, "imputer": request, "outer": writing.of(outer), "learned": writing.of(learned)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / ARRAYS, **writing.arrays)
        (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}); choose another folder") from None


def load_fitted(folder: Path) -> tuple[Imputer, str]:
    """The imputer that was stored in a folder, and what it was made from.

    Raises
    ------
    InputError
        If there is none, it is damaged, or its method learns something else by now.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        with np.load(folder / ARRAYS, allow_pickle=False) as stored:
            arrays = dict(stored)
        if facts["format"] != FORMAT:
            raise ValueError(f"it has format {facts['format']}, wanted is {FORMAT}")
        request = str(facts["imputer"])
        imputer = make_imputer(request)
        reading = _Reading(imputer.nouns or (), arrays)
        _refit(imputer, reading.of(facts["outer"]), reading.of(facts["learned"]))
    except OSError as error:
        found = error.strerror or error
        raise InputError(f"{folder}: holds no fitted imputer ({found}); `impute --save` writes one") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{folder}: is damaged, or stored by another version ({error}); fit and store it anew"
        ) from None
    return imputer, request


def _refit(imputer: Imputer, outer: Mapping[str, Any], learned: Mapping[str, Any]) -> None:
    """Put back what `Imputer.fit` sets."""
    schema = outer["schema"]
    columns = None if outer["columns"] is None else pd.Index(outer["columns"])
    dtypes = tuple(pd.api.types.pandas_dtype(text) for text in outer["dtypes"])
    imputer._door = Door(schema, outer["inferred"], outer["n_columns"], columns, dtypes, dict(outer["aside"]))
    imputer.full_schema_, imputer.set_aside_ = schema, dict(outer["aside"])
    imputer.n_features_in_ = outer["n_columns"]
    imputer._name_features()
    imputer.random_state_, imputer.weights_, imputer.folder_ = outer["seed"], outer["weights"], None
    imputer._constants, imputer._unseen = Constants(outer["constants"]), outer["unseen"]
    imputer.schema_ = schema.take(imputer._constants.varying)
    for name, value in learned.items():
        if hasattr(type(imputer), name):
            raise ValueError(f"it would replace {name}")
        setattr(imputer, name, value)


class _Writing:
    """A learned state on its way to JSON and arrays."""

    def __init__(self, nouns: Sequence[object]) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.kinds = tuple(noun for noun in (*NOUNS, *nouns) if isinstance(noun, type))
        self.spelled = {noun.name: noun for noun in nouns if isinstance(noun, Spelled)}

    def of(self, value: object) -> Any:  # noqa: ANN401 - JSON
        """JSON that says what a value is."""
        kind = type(value)
        if isinstance(value, StrEnum) and kind in self.kinds:
            return {"noun": kind.__name__, "value": str(value)}
        if value is None or isinstance(value, bool | str | int) or (isinstance(value, float) and math.isfinite(value)):
            return float(value) if isinstance(value, np.floating) else value
        if isinstance(value, np.ndarray | np.generic | float) and np.asarray(value).dtype != object:
            key = str(len(self.arrays))
            self.arrays[key] = np.asarray(value)
            return {"array" if isinstance(value, np.ndarray) else "number": key}
        if isinstance(value, list | tuple) and kind in (list, tuple):
            return {kind.__name__: [self.of(part) for part in value]}
        if isinstance(value, Mapping):
            return {"pairs": [[self.of(key), self.of(part)] for key, part in value.items()]}
        if isinstance(value, slice):
            return {"slice": [self.of(part) for part in (value.start, value.stop, value.step)]}
        if is_dataclass(value) and kind in self.kinds:
            parts = {field.name: self.of(getattr(value, field.name)) for field in fields(value) if field.init}
            return {"noun": kind.__name__, "fields": parts}
        if kind.__name__ in self.spelled:
            return {"noun": kind.__name__, "text": self.spelled[kind.__name__].write(value)}
        raise InputError(
            f"a fitted imputer holds a {kind.__name__}, which it does not declare in nouns; declare it there"
        )


MAKERS: Mapping[str, Callable[[Any], Any]] = {
    "list": list,
    "tuple": tuple,
    "pairs": dict,
    "slice": lambda ends: slice(*ends),
}


class _Reading:
    """The way back; nothing is made but what the method declares."""

    def __init__(self, nouns: Sequence[object], arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = arrays
        self.kinds: dict[str, Any] = {noun.__name__: noun for noun in (*NOUNS, *nouns) if isinstance(noun, type)}
        self.spelled = {noun.name: noun for noun in nouns if isinstance(noun, Spelled)}

    def of(self, told: Any) -> Any:  # noqa: ANN401 - what a method learns
        """The value that JSON speaks of."""
        if not isinstance(told, dict):
            return told
        if "noun" in told:
            return self._noun(told)
        (what, parts), *others = told.items()
        if others:
            raise ValueError(f"an entry says both {what} and {others[0][0]}")
        if what in ("array", "number"):
            return self.arrays[parts] if what == "array" else self.arrays[parts][()]
        made = [[self.of(part) for part in pair] if what == "pairs" else self.of(pair) for pair in parts]
        return MAKERS[what](made)

    def _noun(self, told: Mapping[str, Any]) -> Any:  # noqa: ANN401
        name = told["noun"]
        if "text" in told:
            return self.spelled[name].read(told["text"])
        if "value" in told:
            return self.kinds[name](told["value"])
        return self.kinds[name](**{field: self.of(part) for field, part in told["fields"].items()})
