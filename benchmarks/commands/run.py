"""``run`` and ``report``: a suite from data to leaderboard."""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.studies import STUDIES
from benchmarks.suites import MECHANISMS, NINETEEN, PUBLISHED, Suite, suite_named
from datasets.errors import InputError
from datasets.registry import load_plugin

if TYPE_CHECKING:
    from benchmarks.progress import Progress
    from benchmarks.run import Outcome
    from benchmarks.supervisor import Limits
    from datasets.table import Dataset

Names = Annotated[str | None, typer.Option(help="Comma-separated; by default those of the suite.")]


def run(
    suite: Annotated[str | None, typer.Option(help="Suite to run; see `list`.")] = None,
    data: Annotated[Path | None, typer.Option(help="The suite's data file, or without --suite your own.")] = None,
    schema: Annotated[Path | None, typer.Option(help="schema.toml of your own file; see `describe`.")] = None,
    imputers: Annotated[str | None, typer.Option(help="Comma-separated; parameters in brackets: knn(k=5).")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Language model to fine-tune: folder or hub id.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Respondents of a study; all by default.")] = None,
    mechanisms: Names = None,
    rates: Names = None,
    seeds: Names = None,
    jobs: Annotated[int, typer.Option(min=1, help="Cells at a time.")] = os.cpu_count() or 1,
    time_limit: Annotated[float, typer.Option(min=0, help="Seconds a cell may take.")] = 600,
    memory_limit: Annotated[float, typer.Option(min=0, help="GB of memory a cell may take.")] = 4,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results"),
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    strict_data: Annotated[bool, typer.Option("--strict-data", help="Never run on the synthetic twin.")] = False,
    load: Annotated[list[Path] | None, typer.Option(help="Python file that registers an imputer.")] = None,
) -> None:
    """Run a suite, or benchmark the imputers on your own file; run again to resume."""
    from benchmarks.progress import Progress
    from benchmarks.run import check_names
    from benchmarks.run import run as run_cells
    from benchmarks.supervisor import Limits

    console, limits = Console(), Limits(time_limit, memory_limit)
    progress = Progress(console)
    masks = {"schema": schema, "mechanisms": mechanisms, "rates": rates, "seeds": seeds}
    if suite == PUBLISHED:
        unused = masks | {"data": data, "imputers": imputers, "model": model, "rows": rows}
        _leave_out(suite, "runs the cells that figures were published for", unused)
        _run_published(out, jobs, limits, progress)
        return
    loaded = [name for path in load or [] for name in load_plugin(path)]
    if suite in STUDIES:
        _leave_out(suite, "has tables and masks of its own", masks | {"fail-fast": fail_fast})
        _run_study(suite, (model or [], imputers, data, rows, load or []), out, jobs, limits, progress)
        return
    _leave_out(suite or "your own", "is no study", {"rows": rows})
    added = [*loaded, *(f"llm(model={name!r})" for name in model or [])]
    planned = check_names(_narrowed(_planned(suite, data), imputers, mechanisms, rates, seeds, added))
    with _stoppable(console):
        outcome = run_cells(
            planned,
            _dataset(planned, data, schema, strict_data, own=suite is None, console=console),
            _writable(out),
            n_jobs=jobs,
            limits=limits,
            progress=progress,
            command=shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
            plugins=load or [],
            fail_fast=fail_fast,
        )
    _tell(outcome, console)


@contextmanager
def _stoppable(console: Console) -> Iterator[None]:
    """Tell whoever stops a run how to go on with it."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("stopped; finished cells are stored: give the same command again to go on", highlight=False)
        raise typer.Exit(130) from None


def _tell(outcome: "Outcome", console: Console) -> None:
    """Say how a run ended; failures end with status 1."""
    told = f"{outcome.done} of {outcome.planned} cells done, {outcome.failed} failed"
    told += f", {outcome.unavailable} unavailable" if outcome.unavailable else ""
    console.print(told if outcome.report is None else f"{told}: {outcome.report}", highlight=False, soft_wrap=True)
    if outcome.failed:
        raise typer.Exit(1)


def report(
    suite: Annotated[str, typer.Option(help="Suite to report on.")],
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results"),
) -> None:
    """Write the leaderboard of a suite again from what is stored."""
    from benchmarks.run import rebuild

    Console().print(str(rebuild(out, suite)), highlight=False, soft_wrap=True)


def _leave_out(suite: str, why: str, options: Mapping[str, object]) -> None:
    """Refuse options that a suite has no use for.

    Raises
    ------
    InputError
        If any was given.
    """
    given = ", ".join(sorted(f"--{name}" for name, value in options.items() if value))
    if given:
        raise InputError(f"suite {suite!r} {why}; leave out {given}")


def _run_published(out: Path, jobs: int, limits: "Limits", progress: "Progress") -> None:
    """Run the suite of published figures, which fixes its own tables, masks and imputers."""
    from benchmarks.published import run_published

    report = run_published(_writable(out), n_jobs=jobs, limits=limits, progress=progress)
    progress.console.print(str(report), highlight=False, soft_wrap=True)


def _run_study(
    suite: str,
    chosen: tuple[list[str], str | None, Path | None, int | None, list[Path]],
    out: Path,
    jobs: int,
    limits: "Limits",
    progress: "Progress",
) -> None:
    """Run a study with the models, imputers, data file, rows and plugins that were chosen."""
    from benchmarks.run_study import Chosen, ready, run_study
    from datasets.request import split_requests

    models, imputers, data, rows, plugins = chosen
    filling = Chosen(tuple(models), split_requests(imputers or ""), data, rows, tuple(plugins))
    study = ready(STUDIES[suite], filling)
    with _stoppable(progress.console):
        outcome = run_study(study, filling, _writable(out), n_jobs=jobs, limits=limits, progress=progress)
    _tell(outcome, progress.console)


def _planned(suite: str | None, data: Path | None) -> Suite:
    if suite is not None:
        return suite_named(suite)
    if data is None:
        raise InputError("run needs something to run on: give --suite NAME (see `list`) or --data FILE")
    return Suite(data.stem, data.name, MECHANISMS, (0.3,), (1, 2, 3), NINETEEN, 5)


def _narrowed(
    suite: Suite,
    imputers: str | None,
    mechanisms: str | None,
    rates: str | None,
    seeds: str | None,
    added: list[str],
) -> Suite:
    """The suite with what the options say in place of its own."""
    from datasets.request import split_requests

    chosen = split_requests(imputers or "") or suite.imputers
    return replace(
        suite,
        imputers=tuple(dict.fromkeys((*chosen, *added))),
        mechanisms=_names(mechanisms) or suite.mechanisms,
        rates=tuple(_number(text, "--rates") for text in _names(rates)) or suite.rates,
        seeds=tuple(int(_number(text, "--seeds")) for text in _names(seeds)) or suite.seeds,
    )


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{option} holds {text!r}, which is no number; separate numbers by commas") from None


def _dataset(
    suite: Suite, data: Path | None, schema: Path | None, strict: bool, *, own: bool, console: Console
) -> "Dataset":
    if own and data is not None:
        from datasets.files.survey_file import read_survey_file

        return read_survey_file(data, schema).dataset
    if schema is not None:
        raise InputError(f"--schema {schema} belongs to a file of your own: give --data and no --suite")
    from benchmarks.data import load

    return load(suite.dataset, data, strict=strict, console=console)


def _writable(folder: Path) -> Path:
    """The folder, made if it was not there.

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
    return folder
