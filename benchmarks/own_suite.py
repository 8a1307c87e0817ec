"""Suites of one's own: of a TOML file, of a registered dataset, of a data file."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.suite import Block, Suite
from datasets.errors import InputError

FIELDS = {
    "dataset": str,
    "schema": str,
    "imputers": list,
    "mechanisms": list,
    "rates": list,
    "seeds": list,
    "draws": int,
    "rows": int,
}


def of_dataset(request: str) -> Suite:
    """The usual methods on a registered dataset, or on a file by its path."""
    if _is_file(request):
        return of_file(Path(request))
    return Suite(request.partition("(")[0].strip(), (Block(request),))


def of_file(path: Path, schema: Path | None = None) -> Suite:
    """The usual methods on a file of the user's."""
    return Suite(name_of(path), (Block(_file_request(path, schema)),))


def name_of(path: Path) -> str:
    """Name of the suite of a file, which a folder can have and neither the store nor a registered suite has."""
    from benchmarks.suites import SUITES

    plain = re.sub(r"[^-.\w]+", "-", path.stem).strip("-.")[:100] or "survey"
    taken = plain.casefold() in {"store", *(name.casefold() for name in SUITES)}
    return f"{plain}-file" if taken else plain


def read_suite(path: Path) -> Suite:
    """Read a suite from a TOML file; what it leaves out is as in `Block`.

    Examples
    --------
    A suite of one block; several stand under ``[[block]]``, with what they share above them::

        dataset = "survey.csv"           # a file, beside this one; or a registered dataset
        schema = "schema.toml"
        imputers = ["mean", "knn(n_neighbors=5)"]
        mechanisms = ["mcar", "mar(auc=0.8)"]
        rates = [0.2]
        seeds = [1, 2]
        draws = 5

    Raises
    ------
    InputError
        If there is no such file, it is not TOML, or a field is unknown, missing or of the wrong type.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"suite {path}: cannot be read ({error.strerror}); give the path of a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"suite {path} is not TOML: {error}") from None
    blocks = written.pop("block", [{}])
    if not (isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks)):
        raise InputError(f"suite {path}: a block is written under [[block]], with double brackets")
    return Suite(name_of(path), tuple(_block(path, written | block) for block in blocks))


def _block(path: Path, written: Mapping[str, Any]) -> Block:
    for name, value in written.items():
        if name not in FIELDS:
            raise InputError(f"suite {path} has a field {name!r}; the fields are: {', '.join(FIELDS)}")
        if not isinstance(value, FIELDS[name]):
            wanted = {str: "a text", list: "a list", int: "a whole number"}[FIELDS[name]]
            raise InputError(f"suite {path}: {name} is {value!r}; it must be {wanted}")
    if "dataset" not in written:
        raise InputError(f'suite {path} names no dataset; write dataset = "survey.csv", or a registered name')
    fields: dict[str, Any] = {name: tuple(value) for name, value in written.items() if isinstance(value, list)}
    fields |= {name: written[given] for given, name in {"draws": "n_draws", "rows": "rows"}.items() if given in written}
    return Block(_dataset(path, written["dataset"], written.get("schema")), **fields)


def _dataset(path: Path, dataset: str, schema: str | None) -> str:
    """The request for what a suite calls its dataset: a file beside it, or a registered name."""
    file = path.parent / dataset
    if file.is_file() or _is_file(file.name):
        return _file_request(file, None if schema is None else path.parent / schema)
    return dataset


def _is_file(name: str) -> bool:
    from datasets.files.file_table import FORMATS

    return name.lower().endswith(FORMATS)


def _file_request(path: Path, schema: Path | None) -> str:
    stated = "" if schema is None else f", schema={str(schema)!r}"
    return f"file({str(path)!r}{stated})"
