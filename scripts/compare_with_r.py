"""Compare mice-pmm, mice and mice-cart with R's mice on one masked core table: seconds and quality, side by side.

Usage: ``python scripts/compare_with_r.py GSS2022.dta`` (or NORC's zip), with R, ``mice`` and ``rpart`` installed.
R is timed around its call of ``mice()`` alone; ours is the whole process of ``python -m benchmarks impute``, from
starting Python over reading the file to the last table written. Both use one thread, 5 draws and 5 sweeps, one after
the other, pair by pair. Hidden values are used for the scores only.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datasets import DATASETS
from datasets.answer import Answer
from datasets.mechanisms import MECHANISMS
from datasets.schema import Kind
from datasets.schema_file import write_schema
from datasets.table import Masked
from metrics import METRICS

ROOT = Path(__file__).resolve().parents[1]
PAIRS = (("pmm", "mice-pmm"), ("default", "mice"), ("ordered", "mice"), ("cart", "mice-cart"))
TITLES = {
    "pmm": "R pmm, all items as numbers",
    "default": "R default: pmm, logreg, polyreg; ordinal items as numbers",
    "ordered": "R default: pmm, logreg, polyreg, polr",
    "cart": "R cart; ordinal items as numbers",
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
R_LIMIT = 1800  # seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the pairs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, help="NORC's GSS2022.dta or its zip")
    parser.add_argument("--runs", nargs="+", default=list(TITLES), choices=list(TITLES), help="of R")
    parser.add_argument("--rate", type=float, default=0.3, help="share of cells to hide")
    parser.add_argument("--seed", type=int, default=1, help="of the mask and of the imputations")
    options = parser.parse_args(arguments)
    truth = DATASETS["gss2022"](options.file)
    masked = Masked(truth, MECHANISMS["mcar"](truth, options.rate, np.random.default_rng(options.seed)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_masked(masked, folder)
        rows = [row for run, imputer in PAIRS if run in options.runs for row in compare(masked, folder, run, imputer)]
    sys.stdout.write(pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3f") + "\n")


def write_masked(masked: Masked, folder: Path) -> None:
    """Write what both sides see: codes with blanks, and the kind of each column."""
    table = pd.DataFrame(masked.values, columns=masked.schema.names)
    table.convert_dtypes().to_csv(folder / "masked.csv", index=False)  # whole numbers without a point
    kinds = pd.DataFrame({"name": masked.schema.names, "kind": [str(column.kind) for column in masked.schema]})
    kinds.to_csv(folder / "kinds.csv", index=False)
    write_schema(masked.schema, folder / "schema.toml")


def compare(masked: Masked, folder: Path, run: str, imputer: str) -> list[dict[str, object]]:
    """Run R and ours one after the other; one table row each."""
    r_seconds, warnings = run_r(folder, run)
    our_seconds = run_ours(folder, imputer)
    draws = {"R": read_fills(masked, folder, f"r_{run}"), "ours": read_fills(masked, folder, "draw")}
    quality = {who: score(masked, Answer(fills)) for who, fills in draws.items()}
    own = Answer(draws["ours"], read_fills(masked, folder, "expected")[0])
    ...


if __name__ == "__main__":
    main()
