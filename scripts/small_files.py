"""What methods make of small files: correlations of the completed data beside those of the data without holes.

python -m scripts.small_files --imputers mean,mice-pmm,gbm --sizes 30,100,300,1000 --out small-files.md
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate

from datasets.errors import InputError, MethodUnavailableError
from datasets.files.survey_file import read_survey_file
from datasets.prediction import complete
from datasets.request import split_requests
from datasets.schema import Column, Floats, Kind, Schema
from imputers import IMPUTERS, make_imputer

CORRELATION, MISSING = 0.9, 0.3
HIDDEN = 0.2  # of the answers of a file
SCHEMA = Schema(
    (
        Column("x", Kind.NUMERIC),
        Column("number", Kind.NUMERIC),
        Column("scale", Kind.ORDINAL, {float(k): f"grade {k}" for k in range(1, 6)}),
        Column("group", Kind.NOMINAL, {1.0: "low", 2.0: "middle", 3.0: "high"}),
    )
)
LEGEND = """\
Four tables of each size: x is normal and complete; a number has the correlation .9 with it; a scale of five grades and
three groups are cut from such numbers; 30 % of the cells of these three are hidden completely at random. An entry is
the mean, over four tables and five draws, of the correlation with x in the completed data less that in the data without
holes: of number / scale / group (by the group's code, which rises with x). 0 is best; filling with the mean gives
about -.15, filling by chance -.27. Deterministic methods overstate correlations, which is their nature."""


def table(n: int, seed: int) -> tuple[Floats, Floats]:
    """Data (n, 4) without holes and with holes."""
    rng = np.random.default_rng((n, seed))
    x = rng.normal(size=n)

    def related() -> Floats:
        return CORRELATION * x + np.sqrt(1 - CORRELATION**2) * rng.normal(size=n)

    whole = np.column_stack([x, related(), np.digitize(related(), [-1, -0.3, 0.3, 1]) + 1.0])
    whole = np.column_stack([whole, np.digitize(related(), [-0.5, 0.5]) + 1.0])
    hidden = rng.random(whole.shape) < MISSING
    hidden[:, 0] = False
    return whole, np.where(hidden, np.nan, whole)


def correlations(X: Floats) -> Floats:
    """Correlation of x with number, scale and group; shape (3,), 0 with what does not vary."""
    return np.array([np.corrcoef(X[:, 0], other)[0, 1] if np.std(other) else 0.0 for other in X[:, 1:].T])


def shift(request: str, n: int, tables: int = 4, n_draws: int = 5) -> Floats | None:
    """Correlations of completed data less those of the data without holes, shape (3,); None if nothing is filled.

    Raises
    ------
    InputError
        If the method refuses so small a table.
    """
    found = []
    for seed in range(tables):
        whole, X = table(n, seed)
        draws = make_imputer(request).fit(X, schema=SCHEMA, random_state=seed).impute(X, n_draws).draws
        if draws is None:
            return None
        found += [correlations(complete(X, fills)) - correlations(whole) for fills in draws]
    return np.mean(found, axis=0)


def correlation_errors(request: str, path: Path, tables: int = 4, n_draws: int = 5) -> tuple[float, float]:
    """Mean absolute error of the correlations of a file's columns, a fifth of whose answers are hidden at random.

    Correlations are pairwise, of ordinal and numeric columns, with hidden cells filled and natural holes left, less
    those of the answers; the mean is over pairs and tables. The first error is that of a single draw, which has its
    chance in it, the second that of the correlations averaged over the draws, which is what an analyst pools.
    """
    dataset = read_survey_file(path).dataset
    values, places = dataset.values, dataset.schema.where(Kind.ORDINAL, Kind.NUMERIC)
    pairs = np.triu_indices(len(places), 1)
    wanted = pd.DataFrame(values[:, places]).corr().to_numpy()[pairs]
    errors = []
    for seed in range(tables):
        hidden = ~np.isnan(values) & (np.random.default_rng(seed).random(values.shape) < HIDDEN)
        X = np.where(hidden, np.nan, values)
        draws = make_imputer(request).fit(X, schema=dataset.schema, random_state=seed).impute(X, n_draws).draws
        if draws is None:
            return np.nan, np.nan
        filled = [np.where(np.isnan(values), np.nan, complete(X, fills))[:, places] for fills in draws]
        found = np.array([pd.DataFrame(table).corr().to_numpy()[pairs] for table in filled])
        errors.append([np.abs(found - wanted).mean(), np.abs(found.mean(axis=0) - wanted).mean()])
    single, pooled = np.mean(errors, axis=0)
    return float(single), float(pooled)


def told(request: str, n: int) -> str:
    """One cell of the table."""
    try:
        moved = shift(request, n)
    except MethodUnavailableError:
        return "unavailable"
    except InputError as error:
        return f"refused: {error}"
    return "fills nothing" if moved is None else " / ".join(f"{value:+.2f}" for value in moved)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every imputer at every size and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--imputers", default=",".join(IMPUTERS), help="comma-separated; by default all")
    parser.add_argument("--sizes", default="30,100,300,1000", help="numbers of rows")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="files whose correlations are compared, too")
    parser.add_argument("--out", type=Path, help="markdown file; by default the table is only shown")
    options = parser.parse_args(arguments)
    sizes = [int(size) for size in options.sizes.split(",") if size]
    rows = []
    for request in split_requests(options.imputers):
        errors = ["{:.3f} / {:.3f}".format(*correlation_errors(request, path)) for path in options.data]
        rows.append([request, *[told(request, n) for n in sizes], *errors])
        sys.stderr.write(f"{rows[-1]}\n")
    shown = tabulate(
        rows,
        headers=["imputer", *[f"n = {n:,}" for n in sizes], *[path.stem for path in options.data]],
        tablefmt="pipe",
    )
    text = f"# Small files\n\n{LEGEND}\n\n{shown}\n"
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
