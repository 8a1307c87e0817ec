"""Runs hostile imputers from a copy of the project in another place, and prints how each ended; for the tests."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.versions import PACKAGES, ROOT
from reports.results import read_record

IMPUTERS = "looks-at-loaders,looks-at-code,looks-at-files"


def main(place: str) -> None:
    """Copy, run, print."""
    folder = Path(tempfile.mkdtemp(dir=place))
    try:
        run(folder)
    finally:
        shutil.rmtree(folder)


def run(folder: Path) -> None:
    """Run from a copy in a folder that also holds the data and takes the results."""
    for package in [*PACKAGES, "tests/benchmarks"]:
        shutil.copytree(ROOT / package, folder / package)
    (folder / "shared").mkdir()
    (folder / "shared" / "secret-survey.csv").write_text("age,party\n" + "44,red\n45,blue\n46,red\n" * 40)
    words = f"run --data shared/secret-survey.csv --mechanisms mcar --seeds 1 --out results --imputers {IMPUTERS}"
    command = [sys.executable, "-m", "benchmarks", *words.split(), "--load", "tests/benchmarks/hostile_imputers.py"]
    ended = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True)
    for path in (folder / "results" / "store" / "records").glob("*"):
        record = read_record(path)
        sys.stdout.write(f"{record.imputer} {record.status} {record.message}".strip() + "\n")
    if ended.returncode:
        raise SystemExit((ended.stdout + ended.stderr).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
