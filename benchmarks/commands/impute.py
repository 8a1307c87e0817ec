"""``impute``: fill the holes of one's own file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins, load_plugins


def impute(
    file: Annotated[Path, typer.Argument(help="A csv, xlsx, dta, sav or parquet file.")],
    imputer: Annotated[str, typer.Option(help="Name, see `list`; parameters in brackets: knn(k=5).")],
    out: Annotated[Path, typer.Option(help="Folder of the completed tables.")],
    draws: Annotated[int, typer.Option(min=1, help="Completed tables to draw.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same tables.")] = 1,
    schema: Annotated[Path | None, typer.Option(help="schema.toml that `describe` wrote and you edited.")] = None,
    format: Annotated[str, typer.Option(help="csv, parquet, xlsx, dta or sav.")] = "csv",
    load: Plugins = None,
) -> None:
    """Impute a file: completed draws, the best single values, the expectations, and what was imputed."""
    from benchmarks.completion import complete_survey, write_completion
    from datasets.files.names import check_writable
    from datasets.files.survey_file import read_survey_file
    from imputers import make_imputer

    load_plugins(load)
    make_imputer(imputer)
    survey = read_survey_file(file, schema)
    check_writable(survey, format)
    console = Console()
    for note in survey.notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    completion = complete_survey(survey, imputer, draws, seed)
    paths = write_completion(completion, survey, out, format)
    console.print(f"{completion.told}; wrote {len(paths)} files to {out}", highlight=False, soft_wrap=True)
