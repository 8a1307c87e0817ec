"""``python -m benchmarks``: the command line."""

import sys

import typer
from rich.console import Console

from benchmarks.commands.check import check
from benchmarks.commands.data import describe, fetch, select
from benchmarks.commands.impute import impute
from benchmarks.commands.listing import list_everything
from benchmarks.commands.plan import plan
from benchmarks.commands.run import report, run
from datasets.errors import InputError

app = typer.Typer(
    help="The reference benchmark for imputing missing answers in survey data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("list")(list_everything)
for command in (run, report, fetch, describe, select, impute, check, plan):
    app.command()(command)


def main() -> None:
    """Run a command; a user's mistake is told in one sentence and exits with status 2."""
    try:
        app()
    except InputError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
