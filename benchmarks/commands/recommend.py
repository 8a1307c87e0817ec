"""``recommend``: which imputer to take for one's own file, and for what is to be done with it."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins
from benchmarks.commands.typed import command_line
from datasets.errors import InputError

SECONDS = {"s": 1, "m": 60, "h": 3600}


def recommend(
    data: Annotated[Path, typer.Option(help="Your data file.")],
    out: Annotated[Path, typer.Option(help="Folder of the page and its results.")],
    analysis: Annotated[str, typer.Option(help="What is to be estimated: 'income ~ age + educ'.")] = "",
    budget: Annotated[str, typer.Option(help="Time to spend, about: 90s, 10m, 2h.")] = "10m",
    schema: Annotated[Path | None, typer.Option(help="Schema file of your file; see `describe`.")] = None,
    imputers: Annotated[str | None, typer.Option(help="Candidates, comma-separated; by default twelve.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows to try on, evenly spaced, of a larger file.")] = 2000,
    jobs: Annotated[int, typer.Option(min=1, help="Cells at a time.")] = os.cpu_count() or 1,
    memory_limit: Annotated[float, typer.Option(min=0, help="GB of memory a cell may take.")] = 4,
    load: Plugins = None,
) -> None:
    """Try methods on your file, on masks like its own holes, and recommend one of those that do best."""
    from benchmarks.computing import Settings
    from benchmarks.methods import register, trusted
    from benchmarks.processes import Limits
    from benchmarks.recommend import CANDIDATES, Wish
    from benchmarks.recommend import recommend as run_recommend
    from benchmarks.stopping import on_stop
    from datasets.request import split_requests

    seconds, plugins = _seconds(budget), tuple(load or [])
    added = [name.partition(" ")[2] for name in register(plugins) if name.startswith("imputer ")]
    chosen = tuple(split_requests(imputers)) if imputers else (*CANDIDATES, *added)
    typed = {"data": data, "schema": schema, "analysis": analysis or None, "budget": budget, "imputers": imputers}
    command = command_line("recommend", typed | {"rows": rows, "load": plugins, "out": out})
    settings = Settings(out, jobs, Limits(seconds, memory_limit), command, (data,), plugins, trusted(plugins))
    console = Console()
    with on_stop("stopped; finished cells are stored: give the same command again to go on"):
        outcome = run_recommend(Wish(data, schema, analysis, seconds, chosen, rows), settings, console)
    console.print(f"wrote {outcome.report}", markup=False, highlight=False, soft_wrap=True)


def _seconds(text: str) -> float:
    """Seconds of a time such as ``10m``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip())
    seconds = float(found[1]) * SECONDS[found[2]] if found else 0.0
    if not seconds:
        raise InputError(f"--budget {text!r} is no time; write e.g. 90s, 10m or 2h")
    return seconds
