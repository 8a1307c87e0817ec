"""Messages between the runner and a sealed process: JSON and arrays of numbers, nothing that can be run."""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from datasets.condition import Condition
from datasets.errors import InputError
from datasets.moments import Moments
from datasets.prediction import Prediction
from datasets.regression import Estimates
from datasets.schema import Column, Floats, Kind, Regression, Role, Schema

HEAD = struct.Struct("!Q")  # length of the JSON, which says how long the arrays behind it are
TYPES = ("<f8", "<f4", "<i8", "<i4", "|b1")


def pack(content: Mapping[str, Any], arrays: Mapping[str, Floats] | None = None) -> bytes:
    """One message: what JSON can hold, and arrays of numbers by name; their types and digits are kept."""
    plain = {name: _plain(np.asarray(array)) for name, array in (arrays or {}).items()}
    shapes = {name: [array.dtype.str, *array.shape] for name, array in plain.items()}
    head = json.dumps({"content": content, "arrays": shapes}, default=np.generic.item).encode()
    return b"".join([HEAD.pack(len(head)), head, *(array.tobytes() for array in plain.values())])


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, Floats]]:
    """The content and the arrays of a message.

    Raises
    ------
    InputError
        If it is no message, or not whole.
    """
    try:
        (length,) = HEAD.unpack_from(message)
        start = HEAD.size + length
        head = json.loads(message[HEAD.size : start])
        content, arrays = dict(head["content"]), {}
        for name, (kind, *shape) in head["arrays"].items():
            if kind not in TYPES or not all(type(extent) is int and extent >= 0 for extent in shape):
                raise ValueError(f"an array has type {kind} and shape {shape}")
            count = math.prod(shape)
            arrays[str(name)] = np.frombuffer(message, kind, count, start).reshape(shape).copy()
            start += np.dtype(kind).itemsize * count
        if start != len(message):
            raise ValueError(f"{len(message)} bytes, of which {start} are expected")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, struct.error) as error:
        raise InputError(f"a process sent no message that can be read ({error})") from None
    return content, arrays


def _plain(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=None if array.dtype.str in TYPES else "<f8").reshape(array.shape)


def schema_to_json(schema: Schema) -> dict[str, Any]:
    """A schema as JSON can hold it."""
    pairs = ("labels", "missing")  # keys are numbers, which no key of JSON is
    columns = [asdict(column) | {name: [*getattr(column, name).items()] for name in pairs} for column in schema]
    regression = None if schema.regression is None else asdict(schema.regression)
    return {
        "columns": columns,
        "regression": regression,
        "population": schema.population,
        "checks": [check.text for check in schema.checks],
    }


def schema_from_json(written: Mapping[str, Any]) -> Schema:
    """The schema again, equal to the one written."""
    columns = tuple(
        Column(
            **column
            | {
                "kind": Kind(column["kind"]),
                "role": Role(column["role"]),
                "labels": {float(code): text for code, text in column["labels"]},
                "missing": {code: text for code, text in column["missing"]},
            }
        )
        for column in written["columns"]
    )
    stated = written["regression"]
    regression = stated and Regression(stated["outcome"], tuple(stated["covariates"]))
    return Schema(columns, regression, written["population"], tuple(map(Condition, written["checks"])))


def prediction_to_parts(prediction: Prediction) -> tuple[dict[str, Any], dict[str, Floats]]:
    """A prediction as names that JSON can hold and arrays of floats."""
    arrays = {f"probabilities_{j}": table for j, table in prediction.probabilities.items()}
    arrays |= {name: own for name in ("draws", "expected") if (own := getattr(prediction, name)) is not None}
    content: dict[str, Any] = {}
    if prediction.moments is not None:
        arrays |= {f"moments_{name}": array for name, array in vars(prediction.moments).items()}
    if prediction.estimates is not None:
        estimates = prediction.estimates
        content |= {"names": list(estimates.names), "freedom": estimates.freedom}
        arrays |= {"estimates_coefficients": estimates.coefficients, "estimates_variances": estimates.variances}
    return content, arrays


def prediction_from_parts(content: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Prediction:
    """The prediction again.

    Raises
    ------
    InputError
        If parts are missing or are none of a prediction.
    """
    try:
        own = {int(name.removeprefix("probabilities_")): arrays[name] for name in arrays if name.startswith("prob")}
        moments = {name.removeprefix("moments_"): arrays[name] for name in arrays if name.startswith("moments_")}
        estimates = None
        if "names" in content:
            estimates = Estimates(
                tuple(str(name) for name in content["names"]),
                arrays["estimates_coefficients"],
                arrays["estimates_variances"],
                float(content["freedom"]),
            )
        return Prediction(
            arrays.get("draws"), arrays.get("expected"), own, Moments(**moments) if moments else None, estimates
        )
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"a process sent no prediction ({type(error).__name__}: {error})") from None
