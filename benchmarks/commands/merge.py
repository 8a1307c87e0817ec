"""``merge``: folders of results of several machines become one."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def merge(
    folders: Annotated[list[Path], typer.Argument(help="Folders of results, as --out of their runs named them.")],
    out: Annotated[Path, typer.Option(help="Folder that takes their cells.")] = Path("results"),
) -> None:
    """Bring cells of several folders of results together; `run` then finds them done and writes the page."""
    from benchmarks.merging import merge as merge_folders

    console = Console()

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    found = merge_folders(folders, out, say)
    told = f"{found.new} cells came into {out}, {found.known} were done there already"
    say(told + (f", {found.damaged} damaged files were left out" if found.damaged else ""))
