"""Fetching a publisher's Stata file: where it may be on this machine, and how it is downloaded safely."""

import hashlib
import json
import lzma
import os
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from datasets.errors import DataUnavailableError, InputError
from datasets.registry import Registry

SMALL, MOST_PACKED = 2**28, 200  # bytes unpacked that are fine, and times that a table can shrink
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError)
CONNECT_SECONDS, READ_SECONDS = 10, 60
FETCHERS: Registry[Callable[[Path | None], Path]] = Registry(
    "dataset with a file to fetch", package="datasets", variable="FETCHERS"
)


@dataclass(frozen=True)
class Source:
    """A file as its publisher offers it.

    Parameters
    ----------
    title : what it is, for messages.
    file : name of the Stata file, alone or inside a zip.
    environment : environment variable that may hold its path.
    addresses : where it can be downloaded, in the order tried.
    page : the page a person gets it from.
    """

    title: str
    file: str
    environment: str
    addresses: tuple[str, ...]
    page: str


def cache_folder() -> Path:
    """Folder of this user for downloaded files; it may not exist yet."""
    from platformdirs import user_cache_path

    return user_cache_path("imputation-benchmark")


def locate(source: Source, path: Path | None, check: Callable[[Path], None]) -> Path:
    """Find a source's file: the given path, the environment's, the cached file, or a download.

    ``check`` is called on a downloaded Stata file before it is kept, and raises `InputError` if it is
    not what it should be.

    Raises
    ------
    InputError
        If a path is given, by argument or environment, and there is no file.
    DataUnavailableError
        If no path is given, nothing is cached, and no address gives a file that passes the check.
    """
    named = named_file(path, source.environment, f"{source.file} or of its zip")
    if named is not None:
        return named
    cached = cache_folder() / source.file
    return cached if cached.is_file() else download(source, cached, check)


def named_file(path: Path | None, environment: str, wanted: str) -> Path | None:
    """Give the file that the path names, or else the environment variable; None if neither names one.

    Raises
    ------
    InputError
        If one of them names a file that is not there; the message asks for the path of ``wanted``.
    """
    named = os.environ.get(environment)
    for given, origin in ((path, "the data path"), (named and Path(named), environment)):
        if given:
            if not given.is_file():
                raise InputError(f"{origin} {given}: no such file; give the path of {wanted}")
            return given
    return None


def download(source: Source, target: Path, check: Callable[[Path], None]) -> Path:
    """Download a source to ``target`` and record address and sha256 in a JSON file beside it.

    Both appear whole or not at all.

    Raises
    ------
    DataUnavailableError
        If no address gives a file that passes the check; the message says what each one gave.
    """
    failures = []
    for address in source.addresses:
        with tempfile.TemporaryDirectory() as folder:
            try:
                archive = _retrieve(address, Path(folder))
                with stata_file(archive, source.file) as found:
                    check(found)
                    _keep(found, target, {"address": address, "archive_sha256": sha256(archive)})
            except (OSError, InputError) as error:
                failures.append(f"{address}: {error}")
            else:
                return target
    raise DataUnavailableError(
        f"{source.title} is not on this machine and could not be downloaded. Tried: {'; '.join(failures)}. "
        f"Get {source.file} from {source.page} and give its path with --data, or set {source.environment}."
    )


@contextmanager
def stata_file(path: Path, member: str) -> Iterator[Path]:
    """Path of a Stata file that may be in a zip; what is unpacked is gone when the context ends.

    Raises
    ------
    InputError
        If the zip is damaged, names files outside itself, or holds no Stata file, or more than one and
        none called ``member``.
    """
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if not is_zip:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        yield _unpack(path, member, Path(folder))


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _retrieve(address: str, folder: Path) -> Path:
    import pooch
    import requests

    target = folder / PurePosixPath(address).name
    retrieve = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=(CONNECT_SECONDS, READ_SECONDS))
    try:
        retrieve(address, str(target), None)
    except (requests.ConnectionError, requests.Timeout):
        raise OSError("no connection") from None  # requests would quote the stack of retries
    return target


def _unpack(path: Path, member: str, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            name = _member(path, archive.namelist(), member)
            unpacked, most = archive.getinfo(name).file_size, SMALL + MOST_PACKED * path.stat().st_size
            if unpacked > most:
                raise InputError(f"{path}: {name} in it unpacks to {unpacked >> 20:,} MB; it is not safe, get another")
            target = folder / PurePosixPath(name).name
            with archive.open(name) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
    except InputError:
        raise
    except DAMAGE as error:  # a RuntimeError: it wants a password
        raise InputError(f"{path}: the zip is damaged or locked ({error}); get it again") from None
    return target


def _member(path: Path, names: list[str], member: str) -> str:
    """Name of the Stata file in a zip."""
    outside = [name for name in names if name.startswith("/") or ".." in name.replace("\\", "/").split("/")]
    if outside:
        raise InputError(f"{path}: the zip names a file outside itself, {outside[0]!r}; it is not safe, get another")
    tables = [name for name in names if name.lower().endswith(".dta")]
    wanted = [name for name in tables if PurePosixPath(name).name.lower() == member.lower()] or tables
    if len(wanted) != 1:
        raise InputError(f"{path}: the zip holds {len(tables)} Stata files among {names[:5]}; it needs one, {member}")
    return wanted[0]


def _keep(file: Path, target: Path, record: dict[str, str]) -> None:
    """Move a checked file to its place, its record first: a data file without record never exists."""
    target.parent.mkdir(parents=True, exist_ok=True)
    record |= {"sha256": sha256(file), "retrieved": datetime.now(UTC).isoformat(timespec="seconds")}
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:  # same disk, so that the renames are atomic
        staged = Path(shutil.copy(file, folder))
        note = Path(folder) / "record.json"
        note.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        note.replace(target.with_name(target.name + ".json"))
        staged.replace(target)
