"""The command line's commands, put together."""

import typer

from benchmarks.commands.check import check
from benchmarks.commands.compare import compare
from benchmarks.commands.data import describe, fetch, select
from benchmarks.commands.growth import growth
from benchmarks.commands.impute import impute
from benchmarks.commands.iscore import iscore
from benchmarks.commands.listing import list_everything
from benchmarks.commands.merge import merge
from benchmarks.commands.plan import plan
from benchmarks.commands.recommend import recommend
from benchmarks.commands.run import report, run
from benchmarks.commands.sensitivity import sensitivity
from benchmarks.commands.verify import verify

app = typer.Typer(
    help="The reference benchmark for imputing missing answers in survey data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("list")(list_everything)
RESULTS = (run, merge, report, compare, verify)
OWN_FILE = (fetch, describe, select, recommend, iscore, impute, sensitivity)
METHODS = (check, plan, growth)
for command in (*RESULTS, *OWN_FILE, *METHODS):
    app.command()(command)
