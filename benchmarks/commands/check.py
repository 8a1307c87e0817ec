"""``check``: tell whether an imputer keeps the contract."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def check(
    name: Annotated[str, typer.Argument(help="Registered name of the imputer.")],
    load: Annotated[Path | None, typer.Option(help="Python file that registers it.")] = None,
) -> None:
    """Run the conformance tests on an imputer and say which rules it keeps."""
    from benchmarks.worker import attempt
    from imputers import IMPUTERS
    from imputers.conformance import CHECKS

    if load is not None:
        IMPUTERS.load(load)
    imputer = IMPUTERS[IMPUTERS.check(name)]
    console = Console()
    broken = 0
    for rule in CHECKS:
        message = attempt(partial(rule, imputer))
        broken += message is not None
        console.print("[green]pass[/green]" if message is None else "[red]FAIL[/red]", rule.__name__.replace("_", " "))
        if message is not None:
            console.print(f"     {message}", markup=False, highlight=False)
    console.print(f"{name}: {len(CHECKS) - broken} of {len(CHECKS)} rules kept")
    if broken:
        raise typer.Exit(1)
