"""``run`` and ``report``: a suite from data to its page."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins
from benchmarks.commands.typed import command_line
from benchmarks.stopping import on_stop
from datasets.errors import InputError

if TYPE_CHECKING:
    from benchmarks.processes import Limits
    from benchmarks.run import Outcome
    from benchmarks.suite import Suite
    from datasets.table import Dataset

Names = Annotated[str | None, typer.Option(help="Comma-separated; by default those of the suite.")]


def run(
    suite: Annotated[str | None, typer.Option(help="Suite to run, see `list`; or a .toml file of yours.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Dataset to run on without a suite; see `list`.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data file of suite or dataset; without them your own.")] = None,
    schema: Annotated[Path | None, typer.Option(help="schema.toml of your own file; see `describe`.")] = None,
    imputers: Annotated[
        str | None, typer.Option(help="Comma-separated, parameters in brackets: knn(n_neighbors=5).")
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="Language model to fine-tune: folder or hub id.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of each table; all by default.")] = None,
    mechanisms: Names = None,
    rates: Names = None,
    seeds: Names = None,
    draws: Annotated[int | None, typer.Option(min=1, help="Draws of each imputer; by default the suite's.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Cells at a time.")] = os.cpu_count() or 1,
    time_limit: Annotated[
        float | None, typer.Option(min=0, help="Seconds a cell may take; by default 600, or more by what is predicted.")
    ] = None,
    memory_limit: Annotated[
        float | None, typer.Option(min=0, help="GB of memory a cell may take; by default 4, or more so.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results"),
    shard: Annotated[str | None, typer.Option(help="Part of the cells, as 3/16; see `merge`.")] = None,
    dask: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, or local:4 for four workers.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what the run will take, and run nothing.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    strict_data: Annotated[bool, typer.Option("--strict-data", help="Never run on the synthetic twin.")] = False,
    load: Plugins = None,
) -> None:
    """Run a suite, a dataset, or your own file; run again to resume.

    Exit status: 0 if all cells are done or unavailable, 1 if some failed, 2 for a mistake of yours, 130 or 143 if it
    was stopped.
    """
    from benchmarks.computing import Settings
    from benchmarks.growth.forecast import published, usual_limits
    from benchmarks.methods import describe_methods, register, trusted
    from benchmarks.outlook import outlook
    from benchmarks.processes import Limits
    from benchmarks.progress import Progress
    from benchmarks.run import check_suite, load_tables
    from benchmarks.run import run as run_suite
    from benchmarks.shards import read_shard
    from datasets.request import split_requests
    from reports.folder import check_folder

    console, plugins = Console(), tuple(load or [])
    loaded = register(plugins)
    options: dict[str, Any] = {
        "imputers": split_requests(imputers or ""),
        "mechanisms": split_requests(mechanisms or ""),
        "rates": _numbers(rates, "--rates", float),
        "seeds": _numbers(seeds, "--seeds", int),
        "model": tuple(model or []),
        "rows": rows,
        "n_draws": draws,
    }
    chosen = check_suite(_suite(suite, dataset, data, schema, loaded, options))
    typed: dict[str, object] = {"suite": suite, "dataset": dataset, "data": data, "schema": schema, "load": plugins}
    typed |= {"imputers": imputers, "mechanisms": mechanisms, "rates": rates, "seeds": seeds, "model": options["model"]}
    command = command_line("run", typed | {"rows": rows, "draws": draws})
    own, part = (data,) if data else (), read_shard(shard) if shard else None
    check_folder(out / chosen.name)
    methods = describe_methods(chosen, plugins)
    _writable(out)
    with on_stop("stopped; finished cells are stored: give the same command again to go on"):
        tables = load_tables(chosen, data if suite or dataset else None, strict=strict_data, console=console)
        usual, wider = usual_limits(chosen, tables, published(), jobs)
        limits = Limits(
            usual.seconds if time_limit is None else time_limit,
            usual.memory_gb if memory_limit is None else memory_limit,
        )
        settings = Settings(out, jobs, limits, command, own, plugins, trusted(plugins), fail_fast, part, dask)
        for sentence in filter(None, (wider, *outlook(chosen, tables, limits, jobs))):
            console.print(sentence, markup=False, highlight=False, soft_wrap=True)
        if plan:
            _show_plan(chosen, tables, limits, jobs, console)
            return
        try:
            outcome = run_suite(chosen, tables, methods, settings, Progress(console))
        except OSError as error:
            place = error.filename or out
            raise InputError(
                f"the run stopped, as {place} cannot be written ({error.strerror or error}); finished cells are "
                "stored: see to it and give the same command again"
            ) from None
    _tell(outcome, console, f" of shard {shard}, which has no page; see merge" if shard else "")


def _show_plan(
    suite: "Suite", tables: "Mapping[str, Dataset | str]", limits: "Limits", n_jobs: int, console: Console
) -> None:
    """Print what each imputer, and the run, will take by the published growth."""
    from tabulate import tabulate

    from benchmarks.growth.forecast import duration, plan_table, published
    from benchmarks.growth.kept import PUBLISHED
    from benchmarks.suite import is_language_model
    from benchmarks.versions import ROOT

    lines, seconds = plan_table(suite, tables, limits, published())
    heads = ("table", "imputer", "cells", "a cell", "GB", "all cells", "")
    right = {2, 3, 4, 5}
    aligned = ["right" if j in right else "left" for j in range(len(heads))]
    text = tabulate(lines, headers=heads, disable_numparse=True, colalign=aligned)
    console.print(text, highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"\nThe cells of imputers that were measured take {duration(seconds)} of work, with {n_jobs} at a time some "
        f"{duration(seconds / n_jobs)}, by the growth in {PUBLISHED.parent.relative_to(ROOT)}; cells in the "
        "store are not taken off, and another machine, share of holes or kind of items takes another time.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    speaking = list(dict.fromkeys(name for block in suite.blocks for name in block.imputers if is_language_model(name)))
    if speaking:
        told = f"Language models are foreseen one by one, by python -m benchmarks plan: {', '.join(speaking)}."
        console.print(f"\n{told}", highlight=False, markup=False, soft_wrap=True)


def report(
    results: Annotated[
        list[Path] | None, typer.Argument(help="One results.parquet, or several of one suite; or give --suite.")
    ] = None,
    suite: Annotated[str | None, typer.Option(help="Suite that has run, in place of a file.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the page; with --suite that of all results.")] = Path("results"),
) -> None:
    """Write the page of a suite from its results.parquet alone, or one page from several: of other methods, same masks.

    The first file says which tables and masks the page is about; what it has of a cell counts, if others have it, too.
    """
    from benchmarks.own_suite import name_of
    from reports.write import rebuild

    if (not results) == (suite is None):
        raise InputError("report makes a page of a results.parquet or of a suite that has run; give one of them")
    folder = out if suite is None else out / (name_of(Path(suite)) if suite.endswith(".toml") else suite)
    files = results or [folder / "results.parquet"]
    if suite is not None and not files[0].is_file():
        raise InputError(f"{files[0]} does not exist; run the suite first: python -m benchmarks run --suite {suite}")
    page, said = rebuild(files, folder)
    for line in (*said, str(page)):
        Console().print(line, markup=False, highlight=False, soft_wrap=True)


def _suite(
    suite: str | None,
    dataset: str | None,
    data: Path | None,
    schema: Path | None,
    loaded: list[str],
    options: Mapping[str, Any],
) -> "Suite":
    """The suite of a name, of a file, of a dataset, or of one's own data file, with what the options say."""
    from benchmarks.own_suite import of_dataset, of_file, read_suite
    from benchmarks.suites import narrowed, suite_named

    if suite is not None and dataset is not None:
        raise InputError("run was given --suite and --dataset; a suite has datasets of its own: give one of them")
    if schema is not None and (suite is not None or dataset is not None or data is None):
        raise InputError(f"--schema {schema} belongs to a file of your own: give --data alone with it")
    added = tuple(name.partition(" ")[2] for name in loaded if name.startswith("imputer "))
    if suite is not None and not suite.endswith(".toml"):
        return suite_named(suite, options, added)
    if suite is not None:
        own = read_suite(Path(suite))
    elif dataset is not None:
        own = of_dataset(dataset)
    elif data is not None:
        own = of_file(data, schema)
    else:
        raise InputError("run needs something to run on: give --suite NAME, --dataset NAME (see `list`) or --data FILE")
    return narrowed(own, options, added)


def _tell(outcome: "Outcome", console: Console, part: str) -> None:
    """Say how a run ended, of which part; failures end with status 1."""
    told = f"{outcome.done} of {outcome.planned} cells done, {outcome.failed} failed"
    told += (f", {outcome.unavailable} unavailable" if outcome.unavailable else "") + part
    shown = told if outcome.report is None else f"{told}: {outcome.report}"
    console.print(shown, markup=False, highlight=False, soft_wrap=True)
    if outcome.failed:
        raise typer.Exit(1)


def _numbers(text: str | None, option: str, kind: type[float]) -> tuple[float, ...]:
    found = []
    for part in (part.strip() for part in (text or "").split(",") if part.strip()):
        try:
            found.append(kind(part))
        except ValueError:
            wanted = "whole number" if kind is int else "number"
            raise InputError(f"{option} holds {part!r}, which is no {wanted}; separate numbers by commas") from None
    twice = next((value for value in found if found.count(value) > 1), None)
    if twice is not None:
        raise InputError(f"{option} holds {twice:g} twice in {text!r}; give it once")
    return tuple(found)


def _writable(folder: Path) -> None:
    """Make a folder if it is not there.

    Raises
    ------
    InputError
        If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"--out {folder}: cannot write there ({error.strerror}); choose another folder") from None
