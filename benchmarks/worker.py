"""The worker: what a sealed process does: load files of the user's, describe methods, impute a masked table.

It is given a message and gives one back. It holds no truth, scores nothing, and knows neither store nor run.
"""

import inspect
import re
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attempt import attempt, reason
from benchmarks.convergence import Convergence
from benchmarks.wire import pack, prediction_to_parts, schema_from_json, unpack
from datasets import DATASETS
from datasets.errors import InputError, MethodUnavailableError
from datasets.prediction import Prediction
from datasets.registry import load_plugin
from datasets.request import parse_request
from datasets.schema import Floats
from datasets.table import replicate_rows
from imputers import IMPUTERS, make_imputer
from imputers.compound import with_members
from imputers.design import sampled
from imputers.traces import tracing
from reports.results import plain_message


def answer(message: bytes) -> bytes:
    """Do what a message asks for and give the message to send back, a refusal or a failure included."""
    told = b""

    def work() -> None:
        nonlocal told
        request, arrays = unpack(message)
        DATASETS.close()  # the tables of its surveys are truths, and a method has no use for them
        sys.path[:0] = [path for path in request["path"] if path not in sys.path]
        try:
            told = WORK[request["do"]](request, arrays)
        except MethodUnavailableError as lacking:
            told = pack({"status": "unavailable", "message": plain_message(str(lacking))})

    failure = attempt(work)
    return told if failure is None else pack({"status": "failed", "message": reason(failure)})


def _load(request: Mapping[str, Any], arrays: Mapping[str, Floats]) -> bytes:
    """What files of the user's register, and what the methods that are asked for are."""
    try:
        loaded = _loaded(request)
    except InputError as mistake:
        return pack({"status": "done", "mistake": plain_message(str(mistake))})
    return pack({"status": "done", "loaded": loaded, "methods": [_described(name) for name in request["methods"]]})


def _loaded(request: Mapping[str, Any]) -> list[str]:
    return [name for path in request["plugins"] for name in load_plugin(Path(path))]


def _described(request: str) -> dict[str, Any]:
    """A method as JSON can hold it, or the mistake in its request."""
    try:
        return describe(request)
    except InputError as mistake:
        return {"mistake": plain_message(str(mistake))}


def describe(request: str) -> dict[str, Any]:
    """Parameters, code files, programs and facts of the imputer that a request asks for.

    Raises
    ------
    InputError
        If there is no such imputer, it has no such parameter, or a value is out of its range or no plain one.
    """
    imputer = make_imputer(request)
    plain = {name: _plain(request, name, value) for name, value in imputer.get_params(deep=False).items()}
    parts = with_members(imputer)
    files = sorted({inspect.getfile(type(part)) for part in parts})
    try:
        programs = {str(name): str(version) for part in parts for name, version in part.versions().items()}
    except MethodUnavailableError:  # its cells will say so
        programs = {}
    facts: dict[str, Any] = {
        "summary": plain_message(IMPUTERS.summary(parse_request(request).name)),
        "family": str(imputer.family),
        "deterministic": bool(imputer.deterministic),
        "proper": bool(imputer.proper),
        "by_row": bool(imputer.by_row),
        "uses_weights": bool(imputer.uses_weights),
        "told": plain_message(str(imputer.told)),
        "defaults": plain_message(str(imputer.defaults)),
    }
    return {"parameters": plain, "files": files, "programs": programs, "facts": facts}


def _plain(request: str, name: str, value: object) -> object:
    """A parameter as JSON can hold it, the same in every process."""
    if isinstance(value, int | str | None) or (isinstance(value, float) and np.isfinite(value)):
        return value
    if re.search(r" at 0x[0-9a-f]+", repr(value)):
        raise InputError(
            f"{request}: {name} is {value!r}, another one in each process, and finished cells could not be known "
            "again; let parameters be numbers, texts, or tuples of them"
        )
    return repr(value)


def _imputed(request: Mapping[str, Any], arrays: Mapping[str, Floats]) -> bytes:
    """Let an imputer see values, schema, design and a seed, and nothing else; its audit of itself is not timed."""
    _loaded(request)
    if "replicates" in arrays:
        return _imputed_each(request, arrays)
    imputer = make_imputer(request["imputer"])
    folder = request["folder"] and Path(request["folder"])
    start = time.perf_counter()
    imputer.fit(
        arrays["values"],
        schema=schema_from_json(request["schema"]),
        weights=arrays.get("weights"),
        random_state=request["random_state"],
        folder=folder,
        **sampled(imputer, arrays.get("strata"), arrays.get("psu")),
    )
    fitted = time.perf_counter()
    wanted: dict[str, Any] = {"asked": arrays["asked"].astype(bool)} if "asked" in arrays else {}
    with tracing() as visits:
        prediction = imputer.impute(arrays["values"], n_draws=request["n_draws"], **wanted)
    drawn = time.perf_counter()
    if not isinstance(prediction, Prediction):
        raise InputError(f"impute gave a {type(prediction).__name__}; wanted a Prediction")
    content, parts = prediction_to_parts(prediction)
    cost = [fitted - start, drawn - fitted, _peak_memory_mb()]
    audit = {str(name): float(value) for name, value in imputer.audit().items()}
    if visits:
        chains = 1 if imputer.deterministic else request["n_draws"]
        audit |= Convergence.of(visits, imputer.schema_, chains).measures()
    return pack({"status": "done", "prediction": content, "cost": cost, "audit": audit}, parts)


def _imputed_each(request: Mapping[str, Any], arrays: Mapping[str, Floats]) -> bytes:
    """Let a new imputer see each replicate, with a seed of its own; of what it gives, the draws are sent back."""
    schema = schema_from_json(request["schema"])
    fit_seconds, draw_seconds, fills = 0.0, 0.0, []
    for number, rows in replicate_rows(arrays["replicates"]):
        imputer, X = make_imputer(request["imputer"]), arrays["values"][rows]
        weights, strata, psu = (arrays[name][rows] if name in arrays else None for name in ("weights", "strata", "psu"))
        seed = int(np.random.SeedSequence((request["random_state"], number)).generate_state(1)[0])
        start = time.perf_counter()
        design = sampled(imputer, strata, psu)
        imputer.fit(X, schema=schema, weights=weights, random_state=seed, **design)
        fitted = time.perf_counter()
        draws = imputer.impute(X, n_draws=request["n_draws"]).draws
        fit_seconds, draw_seconds = fit_seconds + fitted - start, draw_seconds + time.perf_counter() - fitted
        if draws is None:
            raise InputError(f"{request['imputer']} fills nothing, so no replicate of it can be analysed; leave it out")
        fills.append(draws)
    content, parts = prediction_to_parts(Prediction(np.concatenate(fills, axis=1)))  # holes stand row by row
    cost = [fit_seconds, draw_seconds, _peak_memory_mb()]
    return pack({"status": "done", "prediction": content, "cost": cost, "audit": {}}, parts)


def _peak_memory_mb() -> float:
    """Peak resident memory of this process or of one it started; the kernel counts in KiB, on macOS in bytes."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


WORK: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Floats]], bytes]] = {"load": _load, "impute": _imputed}
