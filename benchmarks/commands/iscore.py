"""``iscore``: methods judged on the cells that people left open in one's own file, whose answers nobody knows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins, load_plugins
from datasets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datasets.schema import Floats, Schema
    from datasets.table import Dataset
    from metrics.imputation_score import ItemScore

USUAL = "mean, hot-deck, gaussian-em, mice-pmm, mice-cart"
ERRORS = 2.0  # standard errors within which a method cannot be told apart from the best
NOTE = """\
Energy I-Score of Näf, Grzesiak & Scornet (2025), in standard deviations of the answers; lower is better. For each item
with holes a method learns from what it filled in there, and foresees the answers that were given, from the items that
all of these people answered; questions not asked count as holes, and weights do not count. It assumes that, given
those items, who kept silent would have answered like the others: more than missingness at random. Errors cover who
answered, and not the methods' random numbers; what is within {errors:g} of them cannot be told apart."""


def iscore(
    file: Annotated[Path, typer.Argument(help="Your data file.")],
    imputers: Annotated[str, typer.Option(help="Methods, comma-separated.")] = USUAL,
    draws: Annotated[int, typer.Option(min=2, help="Draws of each answer.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same scores.")] = 1,
    rows: Annotated[int, typer.Option(min=1, help="Rows to try on, evenly spaced, of a larger file.")] = 2000,
    schema: Annotated[Path | None, typer.Option(help="Schema file of your file; see `describe`.")] = None,
    load: Plugins = None,
) -> None:
    """Judge methods on what people left open in your file, by whether the answers that were given follow from it."""
    from datasets.files.survey_file import read_survey_file
    from datasets.request import split_requests
    from datasets.surveys.thinning import thinned
    from imputers import make_imputer

    load_plugins(load)
    console, requests = Console(), split_requests(imputers)
    for request in requests:
        make_imputer(request)  # a mistake in one is told before any is tried
    table = read_survey_file(file, schema).dataset
    if len(table.values) > rows:
        console.print(f"tried on {rows:,} of {len(table.values):,} rows, evenly spaced; --rows changes that")
        table = thinned(table, rows)
    found = {}
    for request in requests:
        try:
            found[request] = scored(table, request, draws, seed)
        except InputError as refused:
            console.print(f"not judged: {request}, {refused}", markup=False, highlight=False, soft_wrap=True)
    if not any(found.values()):
        raise InputError(f"iscore: no item of {file} can be judged; it takes ten holes and ten answers in one")
    console.print(f"{as_table(found)}\n\n{NOTE.format(errors=ERRORS)}", markup=False, highlight=False, soft_wrap=True)


def scored(table: "Dataset", request: str, n_draws: int, seed: int) -> "dict[str, ItemScore]":
    """Scores of a registered method by item.

    Raises
    ------
    InputError
        If the method refuses the table, or fills nothing.
    """
    from imputers import make_imputer
    from metrics.imputation_score import energy_i_score

    def impute(X: "Floats", schema: "Schema", m: int) -> "Floats":
        draws = make_imputer(request).fit(X, schema=schema, random_state=seed).impute(X, n_draws=m).draws
        if draws is None:
            raise InputError("it fills no holes")
        return draws

    return energy_i_score(table.values, table.schema, impute, n_draws)


def as_table(found: "Mapping[str, dict[str, ItemScore]]") -> str:
    """A line a method, the best first: score, how much worse than the best, with its error, and its worst items."""
    from tabulate import tabulate

    from metrics.imputation_score import difference, overall

    order = sorted(found, key=lambda request: overall(found[request]))
    best, lines = found[order[0]], []
    for request in order:
        worse, error = difference(found[request], best)
        above = ("–", "") if request == order[0] else (f"{worse:.3f} ± {error:.3f}", _verdict(worse, error))
        lines.append((request, f"{overall(found[request]):.3f}", *above))
    items = tabulate(
        [
            (name, *(f"{found[request][name].score:.3f}" for request in order))
            for name in sorted(best, key=lambda name: -best[name].weight)
        ],
        headers=("item", *order),
        disable_numparse=True,
        tablefmt="pipe",
    )
    heads = ("method", "I-Score", "above the best", "")
    return f"{tabulate(lines, headers=heads, disable_numparse=True, tablefmt='pipe')}\n\n{items}"


def _verdict(worse: float, error: float) -> str:
    return "cannot be told apart" if worse <= ERRORS * error else "worse"
