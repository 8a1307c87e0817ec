"""The methods of a run: what they are, learned without importing anybody's imputers where the truth will be."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.cells import Method
from benchmarks.sealed import Seal
from benchmarks.suite import Suite
from datasets.errors import InputError
from datasets.registry import load_plugin
from datasets.request import parse_request
from imputers import IMPUTERS

Methods = Mapping[str, Method]
TRUSTED = ("METRICS", "MECHANISMS", "DATASETS", "SUITES", "FETCHERS")


def trusted(plugins: Sequence[Path]) -> tuple[Path, ...]:
    """Files of the user's that register more than imputers: what they add makes or scores the truth.

    Raises
    ------
    InputError
        If there is no such file, or it is no text.
    """
    return tuple(path for path in plugins if any(name in _text(path) for name in TRUSTED))


def register(plugins: Sequence[Path]) -> list[str]:
    """Import files of the user's, those of imputers in a sealed process alone; say what they register.

    Raises
    ------
    InputError
        If a file does not exist, registers nothing, or fails.
    """
    others = trusted(plugins)
    for path in others:
        load_plugin(path)
    if not plugins:
        return []
    with Seal(plugins) as seal:
        found = seal.ask({"do": "load", "methods": []})["loaded"]
    return [str(name) for name in found]


def describe_methods(suite: Suite, plugins: Sequence[Path] = ()) -> Methods:
    """Every method of a suite by its request; those that are none of this project are asked in a sealed process.

    Raises
    ------
    InputError
        If there is no such imputer, it has no such parameter, or a value is out of its range.
    """
    requests = list(dict.fromkeys(request for block in suite.blocks for request in block.imputers))
    for request in requests:
        _, positional, named = parse_request(request)
        for value in (*positional, *named.values()):
            if isinstance(value, float) and not math.isfinite(value):
                raise InputError(f"{request}: {value} is no value of a parameter; give a finite number")
    own = {request for request in requests if IMPUTERS.owns(parse_request(request).name)}
    methods = {request: Method.of(request) for request in requests if request in own}
    others = [request for request in requests if request not in own]
    if not plugins:
        for request in others:
            IMPUTERS.check(parse_request(request).name)
    if others:
        with Seal(plugins, named_paths(others)) as seal:
            found = seal.ask({"do": "load", "methods": others})["methods"]
        for request, told in zip(others, found, strict=True):
            if "mistake" in told:
                raise InputError(told["mistake"])
            methods[request] = Method.described(told, added=True)
    return {request: methods[request] for request in requests}


def named_paths(requests: Iterable[str]) -> list[Path]:
    """Files and folders that requests name, as ``llm(model='/weights/of/mine')`` does."""
    found = []
    for request in requests:
        _, positional, named = parse_request(request)
        found += [Path(value).expanduser() for value in (*positional, *named.values()) if isinstance(value, str)]
    return [path for path in found if path.exists()]


def rooted(request: str) -> str:
    """A request with the full path of its model, if that is a file or folder here: who imputes stands elsewhere."""
    name, positional, named = parse_request(request)
    model = named.get("model")
    if not (isinstance(model, str) and Path(model).expanduser().exists()):
        return request
    named |= {"model": str(Path(model).expanduser().resolve())}
    values = [*map(repr, positional), *(f"{key}={value!r}" for key, value in named.items())]
    return f"{name}({', '.join(values)})"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"--load {path}: cannot be read ({error.strerror}); give the path of a Python file") from None
