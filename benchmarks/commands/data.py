"""``fetch``, ``describe`` and ``select``: looking at data before anything is imputed."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins, load_plugins

if TYPE_CHECKING:
    import pandas as pd

DataPath = Annotated[Path | None, typer.Option(help="The dataset's file, if it is not to be looked for.")]


def fetch(
    name: Annotated[str, typer.Argument(help="Dataset whose file is wanted, e.g. gss2022.")],
    data: DataPath = None,
    load: Plugins = None,
) -> None:
    """Find a dataset's file or download it, check it, and say where it is."""
    from datasets.surveys.fetch import FETCHERS

    load_plugins(load)
    Console().print(str(FETCHERS[FETCHERS.check(name)](data)), highlight=False, soft_wrap=True)


def describe(
    what: Annotated[str, typer.Argument(help="Name of a dataset, or your own csv, xlsx, dta, sav or parquet file.")],
    data: DataPath = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            help="Schema file of your own file; by default beside it and named after it. It is written if absent."
        ),
    ] = None,
    load: Plugins = None,
) -> None:
    """Show variables, kinds, levels and missing cells; of your own file also write a schema file to edit."""
    from datasets import DATASETS
    from datasets.files.describe import describe as describe_dataset

    load_plugins(load)
    if what.partition("(")[0] in DATASETS or not Path(what).suffix:
        dataset = DATASETS.resolve(what)(data)
        _show(describe_dataset(dataset), f"{dataset.title}: {len(dataset.values):,} rows")
        return
    _describe_file(Path(what), schema)


def _describe_file(path: Path, schema: Path | None) -> None:
    """Show somebody's own file, what was decided about it, and what might be stated."""
    from datasets.files.describe import describe as describe_dataset
    from datasets.files.describe import proposals
    from datasets.files.schema_file import header, write_schema
    from datasets.files.survey_file import listed, read_survey_file
    from datasets.schema import Role

    where = schema or _schema_beside(path)
    known = where.exists()
    survey = read_survey_file(path, where if known else None)
    proposed = proposals(survey)
    _show(describe_dataset(survey.dataset), f"{path}: {len(survey.table.cells):,} rows")
    told = [*survey.notes]
    for line in dict.fromkeys(proposed.skips.values()):
        names = [name for name, rule in proposed.skips.items() if rule == line]
        told.append(f"{listed(names)}: who was asked may be told by {line}, to be written under {header(names[0])}")
    drivers = [column.name for column in survey.dataset.schema if column.role is Role.DRIVER]
    if drivers and not known:
        told.append(
            f"{listed(drivers)}: taken for drivers, by which mar hides other answers; to change it, write "
            f'role = "item" under {header(drivers[0])}, and role = "driver" under others'
        )
    told.append(
        f"read with {where}, which is left as it is" if known else f"wrote {where}: edit it and pass it as --schema"
    )
    if not known:
        facts = replace(survey.table.facts, name=path.name)
        write_schema(survey.dataset.schema, survey.typed, survey.ignored, where, facts, proposed.lines)
    for line in told:
        Console().print(line, highlight=False, markup=False, soft_wrap=True)


def _schema_beside(path: Path) -> Path:
    """The schema file beside a data file and named after it; by its whole name if another file's has the short one."""
    from datasets.files.readers import format_of
    from datasets.files.schema_file import read_schema

    short = path.with_name(path.name[: -len(format_of(path))] + ".schema.toml")
    taken = short.exists() and read_schema(short).facts.name not in ("", path.name)
    return path.with_name(path.name + ".schema.toml") if taken else short


def select(
    target: Annotated[str, typer.Option(help="Variable to be informed about.")],
    dataset: Annotated[str, typer.Option(help="Dataset to search.")] = "gss2022",
    top: Annotated[int, typer.Option(min=1, help="How many variables to show.")] = 15,
    data: DataPath = None,
    load: Plugins = None,
) -> None:
    """Rank all variables of a survey file by their mutual information with a target."""
    from datasets.selection.ranking import SELECTABLE
    from datasets.selection.ranking import select as select_items

    load_plugins(load)
    table = SELECTABLE[SELECTABLE.check(dataset)](data)
    found = select_items(table.schema, table.values, target, top)
    _show(found.ranking, f"{dataset}: what tells most about {target}")
    if len(found.recodings):
        Console().print(f"left out as recodings of {target}: {', '.join(found.recodings['variable'])}", highlight=False)


def _show(frame: "pd.DataFrame", title: str) -> None:
    """Print a table at its full width, whatever the terminal's."""
    from tabulate import tabulate

    text = tabulate(frame.to_dict("list"), headers="keys", tablefmt="simple", floatfmt=".4f", intfmt=",")
    Console().print(f"{title}\n\n{text}", highlight=False, markup=False, soft_wrap=True)
