"""``check``: tell whether an imputer keeps the contract."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins, load_plugins
from datasets.errors import MethodUnavailableError

if TYPE_CHECKING:
    from imputers.base import Imputer
    from imputers.conformance import Check


def check(
    name: Annotated[str, typer.Argument(help="Registered name of the imputer.")],
    load: Plugins = None,
) -> None:
    """Run the conformance tests on an imputer and say which rules it keeps."""
    from benchmarks.worker import attempt
    from imputers import IMPUTERS
    from imputers.conformance import CHECKS

    load_plugins(load)
    imputer = IMPUTERS[IMPUTERS.check(name)]
    console = Console()
    broken, lacking = 0, list[str]()
    for rule in CHECKS:
        seen = len(lacking)
        message = attempt(partial(_keep, rule, imputer, lacking))
        broken += message is not None
        verdict = "[green]pass[/green]" if message is None else "[red]FAIL[/red]"
        console.print("[yellow]skip[/yellow]" if len(lacking) > seen else verdict, rule.__name__.replace("_", " "))
        if message is not None:
            console.print(f"     {message}", markup=False, highlight=False)
    console.print(f"{name}: {len(CHECKS) - broken - len(lacking)} of {len(CHECKS)} rules kept")
    if lacking:
        console.print(f"{len(lacking)} not checked: {lacking[0]}", markup=False, highlight=False)
    if broken:
        raise typer.Exit(1)


def _keep(rule: "Check", imputer: "type[Imputer]", lacking: list[str]) -> None:
    """Apply a rule; what the machine lacks to run the method is no broken rule."""
    try:
        rule(imputer)
    except MethodUnavailableError as error:
        lacking.append(str(error))
