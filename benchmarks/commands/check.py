"""``check``: tell whether an imputer keeps the contract."""

from typing import Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins


def check(
    name: Annotated[str, typer.Argument(help="Registered name of the imputer.")],
    load: Plugins = None,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds that a rule may take.")] = 300,
    memory_limit: Annotated[float, typer.Option(min=0.1, help="GB that a rule may take.")] = 4,
) -> None:
    """Run the conformance tests on an imputer and say which rules it keeps.

    Each rule runs in a fresh process with limits on time and memory, so that an imputer that ends, hangs or crashes
    its process breaks that rule. The exit status is 1 if a rule is broken.
    """
    from benchmarks.checking import check_imputer
    from benchmarks.processes import Limits

    files = tuple(path.resolve() for path in load or ())
    check_imputer(name, files, Limits(time_limit, memory_limit), Console())
