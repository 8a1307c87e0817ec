"""``compare``: two methods on the same masks and respondents, with intervals and a verdict for every score."""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datasets.errors import InputError

WIDE = 110  # columns of a file or a pipe

if TYPE_CHECKING:
    from reports.comparisons import Compared


def compare(
    first: Annotated[str, typer.Argument(help="An imputer, as it was asked for.")],
    second: Annotated[str, typer.Argument(help="Another.")],
    suite: Annotated[str, typer.Option(help="Suite that has run.")] = "gss",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results"),
    results: Annotated[Path | None, typer.Option(help="A results.parquet, in place of suite and folder.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Title of the data, if the suite has several.")] = None,
) -> None:
    """Print how far FIRST is ahead of SECOND: paired differences, 95 % intervals, and better, worse or cannot tell."""
    from reports.comparisons import comparisons
    from reports.results_file import from_parquet
    from reports.write import dataset_contest

    records, manifest = from_parquet(results or out / suite / "results.parquet")
    titles = sorted({record.dataset for record in records})
    if dataset is None and len(titles) > 1:
        raise InputError(f"the results are of {', '.join(titles)}; say which with --dataset")
    contest = dataset_contest(records, manifest, dataset or titles[0])
    found = comparisons(contest, first, second)
    masks = found[0].found.masks
    console = Console()
    shown = console if console.is_terminal else Console(width=WIDE)
    shown.print(_table(found, first, second))
    shown.print(
        f"Paired over {masks} masks and the respondents; ahead is positive where {first} is better. Masks: how many "
        "would tell a difference of this size with a power of 80 %; none: only more respondents would.",
        markup=False,
        highlight=False,
    )


def _table(found: "list[Compared]", first: str, second: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("score")
    for head in (first, second, "ahead", "95 %"):
        table.add_column(escape(head), justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("masks", justify="right")
    for board in dict.fromkeys(one.board for one in found):
        table.add_row(f"[bold]{board}[/bold]")
        for one in found:
            if one.board == board:
                table.add_row(*_row(one))
    return table


def _row(one: "Compared") -> tuple[str, ...]:
    apart = one.found
    wanted = "" if apart.verdict != "cannot tell" else f"{apart.wanted:.0f}" if isfinite(apart.wanted) else "none"
    span = escape(f"[{apart.low:+.4f}, {apart.high:+.4f}]")
    values = f"{one.first:.4f}", f"{one.second:.4f}", f"{apart.difference:+.4f}"
    return escape(one.title), *values, span, apart.verdict, wanted
