"""Faults put into real runs, and what became of the results: a table of injected, survived and lost.

python -m scripts.faults --fuzz fuzz.txt --out robustness.md

A fault is survived if the run that met it, or the same command given again, ends with every cell as an undisturbed run
has it, and nothing that was finished has gone. ``fuzz.txt`` is what `scripts.fuzz_files` printed.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from tabulate import tabulate

from benchmarks.versions import ROOT, commit, machine
from reports.results import COSTS, read_record

WORDS = "run --dataset toy --rows 100 --imputers mean,hot-deck --seeds 1,2 --jobs 2"
HOSTILE = ROOT / "tests" / "benchmarks" / "hostile_imputers.py"
LONGEST = 300.0  # seconds of a run
INTRO = """\
# Faults, and what became of the results

Faults are put into real runs on a small table by `python -m scripts.faults`. A fault is survived if the run that met
it, or the same command given again, ends with the scores that an undisturbed run has, and nothing that was finished is
gone; a run that is stopped or refused must say so in a line, with its exit status and without a traceback."""

FUZZED = """\
Data files of ten formats are damaged by `python -m scripts.fuzz_files` (bytes changed, fields set to extremes, parts
cut out, doubled or swapped; half of the packed files inside), and read; *refused* is one sentence."""
Scores = dict[str, tuple[tuple[str, str, float], ...]]


@dataclass(frozen=True)
class Row:
    """A kind of fault, how often it was injected, and how often it was not survived."""

    fault: str
    injected: int
    lost: int


def start(out: Path, words: str = WORDS, inside: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a run into a folder."""
    command = [*inside, sys.executable, "-m", "benchmarks", *words.split(), "--out", str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status and output of a run, once it has ended."""
    told, _ = process.communicate(timeout=LONGEST)
    return process.returncode, told


def scores(out: Path) -> Scores:
    """Scores of every cell that is done, without costs, by the name of its record."""
    found: Scores = {}
    for path in sorted((out / "store" / "records").glob("*.json")):
        record = read_record(path)
        if record.status == "done":
            found[path.stem] = tuple(score for score in record.scores if score[0] not in COSTS)
    return found


def disturbed(out: Path, whole: Scores, times: int, disturb: Callable[[subprocess.Popen[str]], bool]) -> Row:
    """Disturb runs in one folder so many times, each resuming the last; then let it finish."""
    lost = injected = 0
    name = (disturb.__doc__ or "").rstrip(".")
    while injected < times:
        process = start(out)
        before = scores(out)
        injected += 1
        fine = disturb(process)
        status, told = end(process)
        kept = scores(out)
        lost += not fine or "Traceback" in told or any(kept.get(cell) != before[cell] for cell in before)
        if status == 0:
            break
    end(start(out))
    return Row(name, injected, lost + (scores(out) != whole))


def kills_driver(process: subprocess.Popen[str]) -> bool:
    """The driver is killed (SIGKILL) at a random moment."""
    time.sleep(random.uniform(1, 12))
    process.kill()
    return True


def stops(number: signal.Signals) -> Callable[[subprocess.Popen[str]], bool]:
    """A disturbance that stops the driver at a random moment, which it must tell."""

    def stop(process: subprocess.Popen[str]) -> bool:
        time.sleep(random.uniform(1, 12))
        process.send_signal(number)
        return process.wait(60) in (0, 128 + number)

    stop.__doc__ = f"The driver is stopped ({number.name}) at a random moment."
    return stop


def kills_server(process: subprocess.Popen[str]) -> bool:
    """The server of sealed processes is killed at a random moment."""
    with suppress(StopIteration, psutil.NoSuchProcess):
        next(_sealed(process, depth=1)).kill()
    return process.wait(LONGEST) in (0, 1)


def kills_method(process: subprocess.Popen[str]) -> bool:
    """The process of a method is killed while it works."""
    with suppress(StopIteration, psutil.NoSuchProcess):
        next(_sealed(process, depth=3)).kill()
    return process.wait(LONGEST) in (0, 1)


def _sealed(process: subprocess.Popen[str], depth: int) -> Iterator[psutil.Process]:
    """Processes of the seal so many generations below the driver, as they are seen to come."""
    time.sleep(random.uniform(1, 6))
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        found = psutil.Process(process.pid).children()
        for _ in range(depth - 1):
            found = [child for parent in found for child in parent.children()]
        for child in found:
            if "benchmarks.seal" in child.cmdline():
                yield child
        time.sleep(0.005)


def damages(folder: Path, whole: Scores, what: str, times: int) -> Row:
    """Change a byte of some stored files, and run again."""
    files = sorted((folder / "store" / what).iterdir())
    for path in random.sample(files, min(times, len(files))):
        content = bytearray(path.read_bytes())
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        path.write_bytes(content)
    if what == "predictions":  # which are read only where a record is gone
        for path in (folder / "store" / "records").iterdir():
            path.unlink()
    _, told = end(start(folder))
    lost = sum(scores(folder).get(cell) != whole[cell] for cell in whole) + ("Traceback" in told)
    return Row(f"A bit of a stored file is flipped ({what})", min(times, len(files)), lost)


def two_drivers(out: Path, whole: Scores) -> Row:
    """Let two runs work in one folder at the same time."""
    runs = [start(out), start(out)]
    ended = [end(run)[0] for run in runs]
    return Row("Two runs in one folder at the same time", 2, (ended != [0, 0]) + (scores(out) != whole))


def hostile(out: Path) -> Row:
    """Run imputers that exit, crash, forge, peek and leave children; whatever is no cheat must be done."""
    names = re.findall(r'@IMPUTERS.register\("(.+)"\)', HOSTILE.read_text(encoding="utf-8"))
    words = f"run --dataset toy --rows 100 --mechanisms mcar --seeds 1 --load {HOSTILE} --imputers"
    status, told = end(start(out, f"{words} mean,{','.join(names)}"))
    records = [read_record(path) for path in (out / "store" / "records").iterdir()]
    cheated = [r for r in records if "found the truth" in r.message]
    lost = len(names) + 1 - len(records) + len(cheated) + ("Traceback" in told) + (status != 1)
    return Row("Imputers that exit, crash, forge results or look for the truth", len(names), lost)


def full_disks(folder: Path) -> Row:
    """Run into folders on disks that fill up, or cannot be written."""
    lost = 0
    sizes = (0, 40, 120, 250, 400)
    for kilobytes in (*sizes, None):
        out = folder / f"full-{kilobytes}"
        out.mkdir()
        mount = f"mount -t tmpfs -o size=512k none {out} && head -c {512 - (kilobytes or 0)}k /dev/zero > {out}/filled"
        shell = mount if kilobytes is not None else f"mount -t tmpfs -o ro none {out}"
        status, told = end(start(out, inside=("unshare", "-rm", "sh", "-c", f'{shell} && exec "$@"', "sh")))
        lost += not (status == 2 and told.count("error: ") == 1 and "Traceback" not in told)
    return Row("The disk is full, or cannot be written", len(sizes) + 1, lost)


def main() -> None:
    """Inject all faults, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=10, help="how often each fault of a process is injected")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fuzz", type=Path, help="what scripts.fuzz_files printed")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    random.seed(asked.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        status, told = end(start(folder / "whole"))
        if status:
            raise SystemExit(told)
        whole = scores(folder / "whole")
        rows = []
        disturbances = [kills_driver, stops(signal.SIGINT), stops(signal.SIGTERM), kills_server, kills_method]
        for number, disturb in enumerate(disturbances):
            rows.append(disturbed(folder / f"disturbed-{number}", whole, asked.times, disturb))
            _tell(rows[-1])
        for work in (
            lambda: damages(folder / "whole", whole, "records", 2 * asked.times),
            lambda: damages(folder / "whole", whole, "predictions", 2 * asked.times),
            lambda: two_drivers(folder / "two", whole),
            lambda: hostile(folder / "hostile"),
            lambda: full_disks(folder),
        ):
            rows.append(work())
            _tell(rows[-1])
    table = tabulate(
        [[row.fault, row.injected, max(row.injected - row.lost, 0), row.lost] for row in rows],
        headers=["fault", "injected", "survived", "lost"],
        tablefmt="github",
    )
    parts = [INTRO, table, *_fuzzed(asked.fuzz), f"Commit {commit()}; {machine()}."]
    asked.out.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    sys.exit(1 if any(row.lost for row in rows) else 0)


def _tell(row: Row) -> None:
    sys.stdout.write(f"{row.fault}: {row.injected} injected, {row.lost} lost{os.linesep}")
    sys.stdout.flush()


def _fuzzed(printed: Path | None) -> list[str]:
    if printed is None:
        return []
    lines = printed.read_text(encoding="utf-8").splitlines()
    table = "\n".join(line for line in lines if line.startswith("|"))
    return [FUZZED, table, *(f"{line[0].upper()}{line[1:]}." for line in lines if line.startswith("most memory"))]


if __name__ == "__main__":
    main()
