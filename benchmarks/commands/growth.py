"""``growth``: how time and memory of imputers grow with rows and items, measured and fitted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.stopping import on_stop
from datasets.errors import DataUnavailableError, InputError

if TYPE_CHECKING:
    from benchmarks.growth.sources import Source

BASE = 24  # items where rows grow
ROWS, ITEMS = "3544,14176,56704,226816", "100,400"


def growth(
    imputers: Annotated[str | None, typer.Option(help="Comma-separated; by default all that need no weights.")] = None,
    rows: Annotated[str, typer.Option(help="Numbers of rows, of 24 items.")] = ROWS,
    items: Annotated[str, typer.Option(help="Numbers of items, of the first number of rows.")] = ITEMS,
    data: Annotated[Path | None, typer.Option(help="NORC's GSS2022.dta or its zip, for many items.")] = None,
    limit: Annotated[float, typer.Option(min=0, help="Processor seconds of one measurement at most.")] = 900,
    out: Annotated[Path, typer.Option(help="Folder of measurements and page.")] = Path("growth"),
) -> None:
    """Measure how time and memory of imputers grow, and fit it; what has been measured is not measured again.

    Rows are fresh respondents of the synthetic twin of the General Social Survey, items are of the survey itself.
    """
    from benchmarks.growth.kept import newest, read
    from benchmarks.growth.page import write_page
    from benchmarks.growth.schedule import measure_all
    from benchmarks.growth.sources import Twin

    console = Console()
    wide, said = _survey(data)
    console.print(said, highlight=False, soft_wrap=True)
    narrow: list[tuple[str, Source, int, int]] = [("the twin", Twin(), n, BASE) for n in _whole(rows, "--rows")]
    many = [("the survey", wide, narrow[0][2], p) for p in _whole(items, "--items")] if wide is not None else []
    kept = out / "measurements.csv"
    with on_stop("stopped; what was measured is kept: give the same command again to go on"):
        measure_all(_requests(imputers), [*narrow, *many], limit, kept, console)
    found = newest(read(kept))
    if not found:
        raise InputError("growth: nothing was measured; see above")
    console.print(f"wrote {write_page(out, found)}", highlight=False)


def _survey(data: Path | None) -> "tuple[Source | None, str]":
    from benchmarks.growth.sources import Survey, best_answered
    from datasets.surveys.gss import load_everything, variables

    try:
        table = load_everything(data)
    except DataUnavailableError as lacking:
        return None, f"growth with items is not measured: {lacking}"
    return Survey(best_answered(table, tuple(variables()["variables"]))), "rows of the twin, items of the survey"


def _requests(typed: str | None) -> list[str]:
    from benchmarks.growth.measuring import SCORING
    from datasets.request import split_requests
    from imputers import IMPUTERS

    return [
        SCORING,
        *(split_requests(typed) if typed else [name for name in IMPUTERS if IMPUTERS[name].family != "llm"]),
    ]


def _whole(typed: str, option: str) -> list[int]:
    try:
        found = [int(part) for part in typed.split(",") if part]
    except ValueError:
        found = [0]
    if any(number < 1 for number in found):
        raise InputError(f"{option} {typed}: wanted whole numbers from one on, separated by commas")
    return sorted(found)
