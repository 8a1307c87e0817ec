"""Damaged data files: mutated files of every format are read, and every end but a table or a sentence is counted.

python -m scripts.fuzz_files --files 10000

Libraries written in C run under the limits of `datasets.files.child`, in processes that are forked from one that has
loaded them, which is all that differs from how the suite reads. Files that end in a traceback, a hang, a crash or with
more than a gigabyte are kept in --keep.
"""

import argparse
import gzip
import io
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
from tabulate import tabulate

from benchmarks.attempt import attempt
from datasets.errors import InputError
from datasets.files import child, limited
from datasets.files.survey_file import read_survey_file
from datasets.surveys.fetch import stata_file

HANG_SECONDS, MOST_GB = 60, 1.0
ENDS = ("read", "refused", "traceback", "hang", "over 1 GB", "crash")
FIELDS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)


class HangError(BaseException):
    """A file took too long."""


@dataclass(frozen=True)
class End:
    """How the reading of a file ended, what was said, and the memory that it took beyond what was taken before."""

    end: str
    told: str
    gigabytes: float


def originals(folder: Path) -> dict[str, list[bytes]]:
    """Whole files, by ending: a small one and a longer one with texts, holes and labels."""
    found: dict[str, list[bytes]] = {}
    for n in (12, 90):
        rng = np.random.default_rng(n)
        cells = pd.DataFrame(
            {
                "age": np.where(rng.random(n) < 0.2, np.nan, rng.integers(18, 90, n)).astype(float),
                "party": rng.choice(["left", "right", "Grün, außen", ""], n),
                "trust": rng.integers(1, 6, n).astype(float),
                "income": np.round(rng.lognormal(7, 1, n), 2),
                "said": [f'words {k} of some length, with "quotes"' for k in range(n)],
            }
        )
        for ending, write in WRITES.items():
            path = folder / f"file{ending}"
            write(cells, path)
            found.setdefault(ending, []).append(path.read_bytes())
    return found


def _zip(cells: pd.DataFrame, path: Path) -> None:
    table = path.with_name("inner.dta")
    WRITES[".dta"](cells, table)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(table, "folder/GSS2022.dta")
        archive.writestr("readme.txt", "words")


def _dta(cells: pd.DataFrame, path: Path) -> None:
    import pyreadstat

    pyreadstat.write_dta(cells, str(path), variable_value_labels={"trust": {1: "none", 5: "full"}})


def _sav(cells: pd.DataFrame, path: Path) -> None:
    import pyreadstat

    said: dict[str, Any] = {"missing_ranges": {"age": [{"lo": 88, "hi": 99}]}}
    said |= {"variable_value_labels": {"trust": {1: "none"}}}
    pyreadstat.write_sav(cells, str(path), compress=path.suffix == ".zsav", **said)


WRITES: Mapping[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": lambda cells, path: cells.to_csv(path, index=False),
    ".tsv": lambda cells, path: cells.to_csv(path, index=False, sep="\t", encoding="cp1252"),
    ".csv.gz": lambda cells, path: cells.to_csv(path, index=False),
    ".xlsx": lambda cells, path: cells.to_excel(path, index=False),
    ".parquet": lambda cells, path: cells.to_parquet(path),
    ".feather": lambda cells, path: cells.to_feather(path),
    ".dta": _dta,
    ".sav": _sav,
    ".zsav": _sav,
    ".zip": _zip,
}


def mutated(ending: str, whole: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A damaged file; of packed ones, half have what is in them damaged, and are packed again."""
    inside = rng.random() < 0.5
    if ending == ".csv.gz" and inside:
        return gzip.compress(_damaged(gzip.decompress(whole), gzip.decompress(other), rng), mtime=0)
    if ending in (".xlsx", ".zip") and inside:
        return _damaged_inside(whole, rng)
    return _damaged(whole, other, rng)


def _damaged_inside(whole: bytes, rng: np.random.Generator) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        place = int(rng.integers(len(names)))
        for number, name in enumerate(names):
            content = old.read(name)
            new.writestr(name, _damaged(content, content, rng) if number == place else content)
    return buffer.getvalue()


def _damaged(whole: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed, fields set to extremes, parts cut out, doubled, or taken from another file."""
    found = bytearray(whole)
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        size = len(found)
        if size < 2:
            break
        start = int(rng.integers(min(size, 400) if rng.random() < 0.5 else size))  # headers are short
        length = int(rng.integers(1, max(2, size // 4)))
        match int(rng.integers(6)):
            case 0:
                for place in rng.integers(size, size=int(rng.integers(1, 9))):
                    found[int(place)] = int(rng.integers(256))
            case 1:
                width = int(rng.choice([1, 2, 4, 8]))
                value = int(FIELDS[int(rng.integers(len(FIELDS)))]) % 2 ** (8 * width)
                found[start : start + width] = value.to_bytes(width, "little" if rng.random() < 0.8 else "big")
            case 2:
                del found[start:]
            case 3:
                del found[start : start + length]
            case 4:
                found[start:start] = found[start : start + length]
            case _:
                found[start : start + length] = other[start : start + length]
    return bytes(found)


def peak() -> float:
    """Most memory in GB that this process or one of its children ever took.

    A child counts what its parent held when it was made, so that peaks mean nothing but by their difference.
    """
    of_all = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(of_all) / 2**20


def read(path: Path, before_all: float | None = None) -> End:
    """Read one file, and say how it ended; memory counts beyond a peak of before, by default that of now."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise HangError

    taken = peak() if before_all is None else before_all
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANG_SECONDS)
    error = attempt(lambda: _read(path))
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    if isinstance(error, HangError):
        end, told = "hang", f"more than {HANG_SECONDS} s"
    elif error is None or isinstance(error, InputError):
        end, told = ("read", "") if error is None else ("refused", str(error))
    else:
        end, told = "traceback", "".join(traceback.format_exception(error)[-3:])
    gigabytes = peak() - taken
    return End("over 1 GB" if gigabytes > MOST_GB and end in ("read", "refused") else end, told, gigabytes)


def _read(path: Path) -> None:
    if path.suffix == ".zip":
        with stata_file(path, "GSS2022.dta") as table:
            read_survey_file(table)
    else:
        read_survey_file(path)


def forked(order: str) -> tuple[int, str]:
    """As `datasets.files.limited.start`, in a process that has the libraries loaded."""
    with tempfile.TemporaryFile() as errors:
        pid = os.fork()
        if not pid:
            os.dup2(errors.fileno(), 2)
            sys.stdin = io.StringIO(order)
            error = attempt(child.main)
            if error is not None:
                traceback.print_exception(error)
            sys.stderr.flush()
            os._exit(0 if error is None else 1)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        errors.seek(0)
        return code, errors.read().decode("utf-8", "replace")


def work(seed: int, numbers: range, folder: Path, tell: connection.Connection) -> None:
    """Read files of these numbers, each made from seed and number; tell each before and after."""
    limited.start = forked
    whole, before_all = originals(folder), peak()
    for number in numbers:
        path = make(seed, number, whole, folder)
        tell.send((number, path.name, None))
        tell.send((number, path.name, read(path, before_all)))
        path.unlink()


def make(seed: int, number: int, whole: Mapping[str, list[bytes]], folder: Path) -> Path:
    """Write the damaged file of a number."""
    rng = np.random.default_rng((seed, number))
    ending = list(whole)[number % len(whole)]
    files = whole[ending]
    one, other = (files[int(place)] for place in rng.permutation(len(files))[:2])
    path = folder / f"{number}{ending}"
    path.write_bytes(mutated(ending, one, other, rng))
    return path


def ends(seed: int, numbers: range) -> Iterator[tuple[int, str, End]]:
    """Numbers, formats and ends of damaged files; a process that dies is a crash, and the next goes on behind it."""
    while numbers:
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.get_context("spawn").Process(
                target=work, args=(seed, numbers, Path(folder), theirs)
            )
            process.start()
            theirs.close()
            number, name = numbers[0], ""
            while True:
                try:
                    number, name, end = ours.recv()
                except EOFError:
                    break
                numbers = numbers[numbers.index(number) + (end is not None) :]
                if end is not None:
                    yield number, name.partition(".")[2], end
            process.join()
            if numbers:
                yield number, name.partition(".")[2], End("crash", f"exit code {process.exitcode}", 0.0)
                numbers = numbers[numbers.index(number) + 1 :]


def main() -> None:
    """Fuzz, and print a table of ends by format."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--keep", type=Path, help="folder for files that ended badly")
    asked = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    most, start = 0.0, time.monotonic()
    for number, ending, end in ends(asked.seed, range(asked.first, asked.first + asked.files)):
        counts.setdefault(ending, Counter())[end.end] += 1
        most = max(most, end.gigabytes)
        if end.end not in ("read", "refused"):
            sys.stdout.write(json.dumps({"file": f"{number}.{ending}", "end": end.end, "told": end.told}) + "\n")
            _keep(asked.seed, number, asked.keep)
    rows = [[ending, *(counts[ending][end] for end in ENDS)] for ending in sorted(counts)]
    rows.append(["all", *(sum(count[end] for count in counts.values()) for end in ENDS)])
    sys.stdout.write(tabulate(rows, headers=["format", *ENDS], tablefmt="github") + "\n")
    sys.stdout.write(
        f"most memory of a process, beyond what it began with: {most:.2f} GB; {time.monotonic() - start:,.0f} s\n"
    )
    bad = sum(count[end] for count in counts.values() for end in ENDS[2:])
    sys.exit(1 if bad else 0)


def _keep(seed: int, number: int, folder: Path | None) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            make(seed, number, originals(Path(scratch)), folder)


if __name__ == "__main__":
    main()
