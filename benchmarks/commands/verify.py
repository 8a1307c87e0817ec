"""``verify``: compute some cells of a run again, and compare."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins


def verify(
    folder: Annotated[Path, typer.Argument(help="Folder of a page, or its results.parquet.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of the cells; at least one is computed.")] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Decides which cells.")] = 1,
    imputers: Annotated[str | None, typer.Option(help="Comma-separated; draw from the cells of these alone.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data file of the run.")] = None,
    time_limit: Annotated[float, typer.Option(min=0, help="Seconds a cell may take.")] = 3600,
    memory_limit: Annotated[float, typer.Option(min=0, help="GB of memory a cell may take.")] = 8,
    load: Plugins = None,
) -> None:
    """Compute a random tenth of a run's cells anew and compare all scores with those in its results.parquet.

    Exit status: 0 if all are equal, to the sixth digit, 1 if some differ, 2 for a mistake of yours.
    """
    from benchmarks.methods import register
    from benchmarks.processes import Limits
    from benchmarks.verify import verify as computed_again
    from datasets.request import split_requests

    plugins = tuple(load or [])
    register(plugins)
    file = folder / "results.parquet" if folder.is_dir() else folder
    console = Console()
    limits = Limits(time_limit, memory_limit)
    verdicts = computed_again(file, data, plugins, share, seed, split_requests(imputers or ""), limits, console)
    wrong = [verdict for verdict in verdicts if verdict.differs]
    for verdict in wrong:
        one = verdict.record
        told = (
            f"differs {one.imputer} on {one.dataset}, {one.mechanism} {one.rate:g} seed {one.seed}: {verdict.differs}"
        )
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(verdicts)} cells computed again, {len(wrong)} differ", markup=False, highlight=False)
    if wrong:
        raise typer.Exit(1)
