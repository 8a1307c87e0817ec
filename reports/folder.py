"""The folder of a report: what an earlier report left there is replaced or removed, anything else is the user's."""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from datasets.errors import InputError

MANIFEST = "manifest.json"
OURS = re.compile(r"\..+\.\d+\.tmp")  # a file on its way into place


def check_folder(folder: Path) -> None:
    """See that a report may be written into a folder, before the work starts.

    Raises
    ------
    InputError
        If it holds something and no manifest of a run, or cannot be read.
    """
    try:
        found = sorted(path.name for path in folder.iterdir() if not _leftover(path)) if folder.exists() else []
    except OSError as error:
        raise InputError(f"the report cannot be written to {folder} ({error.strerror}); give another --out") from None
    if found and _listed(folder) is None:
        some = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
        raise InputError(f"{folder} holds what no run wrote ({some}); nothing there is touched: give another --out")


def write_files(folder: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Path:
    """Write the files of a report and its manifest, path below the folder to content; give the path of the first.

    All are written beside their places before the first is replaced. What the manifest of an earlier report lists and
    this one lacks is removed, and nothing else.

    Raises
    ------
    InputError
        If the folder cannot be written, a file of somebody else is in the way, or a path leads out of the folder.
    """
    try:
        check_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            _replace(folder, files, manifest)
    except OSError as error:
        raise InputError(f"the report cannot be written to {folder} ({error}); give another --out") from error
    return folder / next(iter(files))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, so that it is on the disk when this returns."""
    _into_place(path, _beside(path, content))


def _replace(folder: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    before = _listed(folder)
    _check_paths(folder, files, before)
    if before is None:  # ours from here on, for another run that looks and for the next one after a stop
        write_whole(folder / MANIFEST, _described(manifest, set(files)))
    beside = {folder / name: _beside(folder / name, content) for name, content in files.items()}
    old = set(before or ())
    # the list comes first and whole, so that a stop from here on leaves nothing that the next report would not know
    write_whole(folder / MANIFEST, _described(manifest, old | set(files)))
    for path, waiting in beside.items():
        _into_place(path, waiting)
    for name in sorted(old - set(files)):
        if _inside(folder, name):
            (folder / name).unlink(missing_ok=True)
    write_whole(folder / MANIFEST, _described(manifest, set(files)))


def _check_paths(folder: Path, files: Mapping[str, bytes], before: list[str] | None) -> None:
    for name in files:
        if not _inside(folder, name):
            raise InputError(f"the report cannot be written: {name!r} leads out of {folder}; give another --out")
        if before and name not in before and (folder / name).exists():
            raise InputError(f"{folder / name} is of no earlier report; move it away, or give another --out")


def _described(manifest: Mapping[str, Any], files: set[str]) -> bytes:
    return json.dumps({**manifest, "files": sorted(files)}, indent=1, allow_nan=False).encode()


def _listed(folder: Path) -> list[str] | None:
    """Files of the report that is in a folder, by its manifest; None if there is no manifest of ours."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or not {"suite", "cells"} <= set(found):
        return None
    files = found.get("files", [])
    return [name for name in files if isinstance(name, str)] if isinstance(files, list) else []


def _inside(folder: Path, name: str) -> bool:
    """Tell whether a path lies below a folder, links followed."""
    place = (folder / name).parent.resolve()
    return place.is_relative_to(folder.resolve()) and Path(name).name not in ("", ".", "..")


def _leftover(path: Path) -> bool:
    return path.name.startswith(".")


def _beside(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")
    try:
        with waiting.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        waiting.unlink(missing_ok=True)
        raise
    return waiting


def _into_place(path: Path, waiting: Path) -> None:
    waiting.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep another run from writing its report at the same time; what killed runs left is cleared."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in folder.rglob(".*.tmp"):
            if OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        yield
    finally:
        os.close(lock)
