"""What travels: a parcel of cells to each worker, once, and an answer from it for each cell."""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from benchmarks.exposure import beside
from benchmarks.judge import Job
from benchmarks.processes import Limits
from benchmarks.store import Store
from benchmarks.versions import PACKAGES, ROOT
from datasets.errors import InputError
from reports.folder import write_whole
from reports.results import Record


@dataclass(frozen=True, eq=False)
class Parcel:
    """All that a worker needs: tables and masks are held once, however many cells share them.

    Parameters
    ----------
    jobs : by record key.
    files : those of ``--load`` and the Python files beside them, by a path of two parts.
    plugins, trusted : which of the files are loaded, and which of them where the truth is.
    code : hash of all files of the project.
    libraries : versions of Python and of the libraries that decide results.
    """

    jobs: Mapping[str, Job]
    limits: Limits
    files: Mapping[str, bytes]
    plugins: tuple[str, ...]
    trusted: tuple[str, ...]
    code: str
    libraries: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What became of a cell: its record, and contents of the files that belong to it."""

    record: Record
    seconds: float
    prediction: bytes | None
    log: bytes
    learned: Mapping[str, bytes]


def pack_parcel(jobs: Sequence[Job], limits: Limits, plugins: Sequence[Path], trusted: Sequence[Path]) -> Parcel:
    """A parcel of jobs, with the files that they need from this machine."""
    places = {folder: f"load{i}" for i, folder in enumerate(dict.fromkeys(path.resolve().parent for path in plugins))}

    def place(path: Path) -> str:
        return f"{places[path.resolve().parent]}/{path.name}"

    files = [path.resolve() for path in (*plugins, *beside([path.resolve() for path in plugins])) if path.is_file()]
    return Parcel(
        {job.record_key: job for job in jobs},
        limits,
        {place(path): path.read_bytes() for path in files if path.parent in places},
        tuple(map(place, plugins)),
        tuple(map(place, trusted)),
        project_code(),
        {name: _installed(name) for job in jobs for name in job.provenance.versions if _installed(name)},
    )


def _installed(library: str) -> str:
    """Version of Python or a library on this machine; empty for what is none, as R."""
    if library == "python":
        return platform.python_version()
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""


@cache
def project_code() -> str:
    """Hash of all Python files of the project."""
    digest = hashlib.sha256()
    for path in (path for package in sorted(PACKAGES) for path in sorted((ROOT / package).rglob("*.py"))):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def check_version(wanted: Parcel) -> None:
    """See that this machine computes what the driver would.

    Raises
    ------
    InputError
        If the project, Python or one of the libraries has another version here.
    """
    for library, version in wanted.libraries.items():
        here = _installed(library) or "not installed"
        if here != version:
            raise InputError(f"a worker has {library} {here}, the driver {version}; install requirements.lock on both")
    if project_code() != wanted.code:
        raise InputError("a worker has other files of this project than the driver; check out the same commit on both")


def read_answer(store: Store, job: Job, record: Record, seconds: float) -> Answer:
    """The answer to a job that was computed in a store of the worker's."""
    key, folder = job.prediction_key, store.learned_path(job.prediction_key)
    prediction, log = store.prediction_path(key), store.log_path(key)
    learned = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return Answer(
        record,
        seconds,
        prediction.read_bytes() if prediction.is_file() else None,
        log.read_bytes() if log.is_file() else b"",
        learned,
    )


def keep_answer(store: Store, job: Job, answer: Answer) -> None:
    """Write the files of an answer to the store of the driver.

    Raises
    ------
    InputError
        If the prediction arrived damaged, or a file would lie outside its folder.
    """
    key = job.prediction_key
    if answer.log:
        store.log_path(key).parent.mkdir(parents=True, exist_ok=True)
        with store.log_path(key).open("ab") as log:
            log.write(answer.log)
    folder = store.learned_path(key).resolve()
    for name, content in answer.learned.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise InputError(f"a worker sent a file {name!r} of what {job.cell.imputer} learned, outside its folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    if answer.prediction is not None:
        store.prediction_path(key).parent.mkdir(parents=True, exist_ok=True)
        write_whole(store.prediction_path(key), answer.prediction)
        store.load_prediction(key)
