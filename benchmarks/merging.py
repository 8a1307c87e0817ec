"""Merging: what was computed in several folders of results is brought together in the store of one."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.store import Store
from datasets.errors import InputError
from reports.folder import write_whole
from reports.results import read_record


@dataclass(frozen=True)
class Merged:
    """How many records came in, how many were there as done already, and how many files were damaged."""

    new: int
    known: int
    damaged: int


def merge(folders: Sequence[Path], out: Path, say: Callable[[str], None]) -> Merged:
    """Copy the cells of folders of results into ``out/store``; the folders stay as they are.

    Checksums are verified on the way, and what is damaged is left out and said. A cell that is done in ``out`` stays as
    it is; of several folders that have it done, the first counts.

    Raises
    ------
    InputError
        If a folder has no store, or is ``out`` itself.
    """
    for folder in folders:
        if not (folder / "store").is_dir():
            raise InputError(f"{folder} holds no store; give folders that --out of a run named")
        if folder.resolve() == out.resolve():
            raise InputError(f"{folder} is --out itself; give the others alone")
    store = Store(out / "store")
    parts = []
    with store.in_use():
        for folder in folders:
            parts.append(_merge_one(Store(folder / "store"), store, say))
    return Merged(*(sum(getattr(part, name) for part in parts) for name in ("new", "known", "damaged")))


def _merge_one(source: Store, store: Store, say: Callable[[str], None]) -> Merged:
    damaged = _copy_predictions(source, store, say)
    new = known = 0
    for path in sorted((source.folder / "records").glob("*.json")):
        try:
            record = read_record(path)
        except InputError as wrong:
            say(f"{wrong}; left out")
            damaged += 1
            continue
        before = store.read(path.stem, say)
        if before is not None and before.status == "done":
            known += 1
        else:
            store.write(path.stem, record)
            new += 1
    return Merged(new, known, damaged)


def _copy_predictions(source: Store, store: Store, say: Callable[[str], None]) -> int:
    """Copy the predictions that are lacking, with their logs and what was learned; give how many are damaged."""
    damaged = 0
    for path in sorted((source.folder / "predictions").glob("*.npz")):
        key = path.stem
        if store.prediction_path(key).exists():
            continue
        try:
            source.load_prediction(key)
        except InputError as wrong:
            say(f"{wrong}; left out")
            damaged += 1
            continue
        store.prediction_path(key).parent.mkdir(parents=True, exist_ok=True)
        if source.learned_path(key).is_dir():
            shutil.copytree(source.learned_path(key), store.learned_path(key), dirs_exist_ok=True)
        if source.log_path(key).is_file():
            store.log_path(key).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.log_path(key), store.log_path(key))
        write_whole(store.prediction_path(key), path.read_bytes())
    return damaged
