"""Compare mice-pmm, mice and mice-cart with R's mice on one masked core table: seconds and quality, side by side.

Usage: ``python scripts/compare_with_r.py GSS2022.dta`` (or NORC's zip); needs R with the package ``mice``.
R is timed around its call of ``mice()`` alone; ours is the whole process of ``python -m benchmarks impute``, from
starting Python over reading the file to the last table written. Both use one thread, 5 draws and 5 sweeps, one after
the other on the same file. Hidden values are used for the scores only.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import tomli_w
from tabulate import tabulate

from datasets import DATASETS
from datasets.mechanisms import MECHANISMS
from datasets.prediction import Prediction
from datasets.schema import Column, Floats, Kind
from datasets.table import Masked
from metrics import METRICS

ROOT = Path(__file__).resolve().parents[1]
RUNS = {  # of R, with the imputer of ours that is held against it
    "pmm": ("R pmm, all items as numbers", "mice-pmm"),
    "default": ("R default (pmm, logreg, polyreg), ordinal items as numbers", "mice"),
    "ordered": ("R default (pmm, logreg, polyreg, polr)", "mice"),
    "cart": ("R cart, ordinal items as numbers", "mice-cart"),
}
QUICK = ("pmm", "default", "cart")  # 2 to 5 minutes together on a quiet machine; ordered takes far longer
LIMIT = 1800  # seconds for one run


def main(arguments: Sequence[str] | None = None) -> None:
    """Run R and ours on the same table and write the comparison as markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path, help="NORC's GSS2022.dta or its zip")
    parser.add_argument("--runs", nargs="+", default=QUICK, choices=list(RUNS), help="runs of R")
    parser.add_argument("--rate", type=float, default=0.3, help="share of cells to hide")
    parser.add_argument("--seed", type=int, default=1, help="of the mask and of our imputations")
    options = parser.parse_args(arguments)
    truth = DATASETS["gss2022"](options.file)
    masked = Masked(truth, MECHANISMS["mcar"](truth, options.rate, np.random.default_rng(options.seed)))
    with tempfile.TemporaryDirectory() as name:
        write_masked(masked, Path(name))
        rows = list(compare(masked, Path(name), options.runs, options.seed))
    digits = ("", *[".1f"] * 4, *[".3f"] * 5)
    table = tabulate(rows, headers="keys", tablefmt="pipe", floatfmt=digits, missingval="–")
    sys.stdout.write(f"{table}\n")


def write_masked(masked: Masked, folder: Path) -> None:
    """Write what both sides see: codes with blanks, and what each column means."""
    table = pd.DataFrame(masked.values, columns=masked.schema.names)
    table.convert_dtypes().to_csv(folder / "masked.csv", index=False)  # whole numbers without a point
    kinds = pd.DataFrame({"name": masked.schema.names, "kind": [str(column.kind) for column in masked.schema]})
    kinds.to_csv(folder / "kinds.csv", index=False)
    schema = {column.name: _entry(column) for column in masked.schema}
    (folder / "schema.toml").write_text(tomli_w.dumps(schema), encoding="utf-8")


def _entry(column: Column) -> dict[str, object]:
    """Say a column as `python -m benchmarks describe` writes it."""
    if column.labels:
        return {"kind": str(column.kind), "labels": {f"{code:g}": text for code, text in column.labels.items()}}
    facts = {"decimals": column.decimals, "low": column.low, "high": column.high}
    return {"kind": str(column.kind), **{key: value for key, value in facts.items() if value is not None}}


def compare(masked: Masked, folder: Path, runs: Sequence[str], seed: int) -> Iterator[dict[str, str | float]]:
    """Give a row for each run of R and, after it, for ours; a run of R that fails or takes too long says so."""
    for run in runs:
        title, imputer = RUNS[run]
        try:
            theirs = run_r(folder, run)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            yield {"run": f"{title}: {type(error).__name__}"}
            continue
        fills = read_fills(masked, folder, [f"{run}_{number}" for number in range(1, 6)])
        yield {"run": title, **_times(theirs, theirs), **quality(masked, fills)}
        ours = run_ours(folder, imputer, seed)
        fills = read_fills(masked, folder, [f"draw_{number}" for number in range(1, 6)])
        yield {"run": f"ours: {imputer}", **_times(ours, theirs), **quality(masked, fills), **stated(masked, folder)}


def run_r(folder: Path, run: str) -> tuple[float, float]:
    """Elapsed and processor seconds of R's mice()."""
    script = Path(__file__).with_suffix(".R")
    told = subprocess.run(
        ["Rscript", str(script), str(folder), run],
        env=_one_thread(),
        check=True,
        timeout=LIMIT,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.split()
    return float(told[-3]), float(told[-2])


def run_ours(folder: Path, imputer: str, seed: int) -> tuple[float, float]:
    """Elapsed and processor seconds of our whole process."""
    files = [str(folder / "masked.csv"), "--schema", str(folder / "schema.toml"), "--out", str(folder)]
    command = [sys.executable, "-m", "benchmarks", "impute", *files, "--imputer", imputer, "--seed", str(seed)]
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, env=_one_thread(), check=True, timeout=LIMIT, stdout=subprocess.DEVNULL, cwd=ROOT)
    elapsed, after = time.perf_counter() - started, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return elapsed, processor


def read_fills(masked: Masked, folder: Path, names: Sequence[str]) -> Floats:
    """Fills of the holes from completed tables, shape (tables, holes)."""
    tables = [pd.read_csv(folder / f"{name}.csv")[masked.schema.names].to_numpy(float) for name in names]
    return np.stack([table[np.isnan(masked.values)] for table in tables])


def quality(masked: Masked, fills: Floats) -> dict[str, float]:
    """Scores of draws alone: of their mean, of their mode, and of each."""
    answer = Prediction(fills)
    return {
        "NRMSE": _mean("nrmse", masked, answer),
        "accuracy": _mean("accuracy", masked, answer),
        "correlation error": _mean("design-correlation-error", masked, answer),
    }


def stated(masked: Masked, folder: Path) -> dict[str, float]:
    """Scores of the expectations and best values that our command writes beside the draws."""
    answer = Prediction(read_fills(masked, folder, ["point"]), read_fills(masked, folder, ["expected"])[0])
    return {"NRMSE, stated": _mean("nrmse", masked, answer), "accuracy, stated": _mean("accuracy", masked, answer)}


def _mean(metric: str, masked: Masked, answer: Prediction) -> float:
    """Mean over the items; accuracy over the nominal ones only."""
    scores = METRICS[metric].score(masked, answer)
    if metric == "accuracy":
        nominal = {column.name for column in masked.schema if column.kind is Kind.NOMINAL}
        scores = {name: value for name, value in scores.items() if name in nominal}
    return float(np.mean(list(scores.values())))


def _times(taken: tuple[float, float], reference: tuple[float, float]) -> dict[str, float]:
    return {
        "seconds": taken[0],
        "processor seconds": taken[1],
        "R / this": reference[0] / taken[0],
        "R / this, processor": reference[1] / taken[1],
    }


def _one_thread() -> dict[str, str]:
    return {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")}


if __name__ == "__main__":
    main()
