"""``impute``: fill the holes of one's own file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins, load_plugins


def impute(
    file: Annotated[Path, typer.Argument(help="A csv, xlsx, dta, sav or parquet file.")],
    imputer: Annotated[str, typer.Option(help="Name, see `list`; parameters in brackets: knn(n_neighbors=5).")],
    out: Annotated[Path, typer.Option(help="Folder of the completed tables.")],
    draws: Annotated[int, typer.Option(min=1, help="Completed tables to draw.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same tables.")] = 1,
    schema: Annotated[Path | None, typer.Option(help="schema.toml that `describe` wrote and you edited.")] = None,
    format: Annotated[str, typer.Option(help="csv, parquet, xlsx, dta or sav.")] = "csv",
    fill_not_asked: Annotated[
        bool, typer.Option("--fill-not-asked", help="Also fill cells of questions that were not asked.")
    ] = False,
    long: Annotated[bool, typer.Option("--long", help="All draws in one file, counted by its column draw.")] = False,
    load: Plugins = None,
) -> None:
    """Impute a file: completed draws, best single values, expectations, and an account of what was filled.

    Exit status 1 says that columns keep holes that could be filled, because they look like free text or identifiers.
    """
    from benchmarks.completion import check_folder, complete_survey, write_completion
    from datasets.errors import InputError
    from datasets.files.names import check_writable
    from datasets.files.survey_file import read_survey_file
    from datasets.request import run_number
    from imputers import make_imputer

    load_plugins(load)
    make_imputer(imputer)
    if run_number(imputer) > 1:
        raise InputError(f"impute: {imputer!r} asks for another run of a method; leave # out and give another --seed")
    survey = read_survey_file(file, schema)
    check_writable(survey, format, draws if long else 1)
    check_folder(out)
    for note in survey.notes:
        _tell(note)
    completion = complete_survey(survey, imputer, draws, seed, fill_not_asked=fill_not_asked)
    paths = write_completion(completion, survey, out, format, stacked=long)
    for sentence in (*completion.account.sentences(), f"{completion.told}; wrote {len(paths)} files to {out}"):
        _tell(sentence)
    if completion.account.in_doubt:
        raise typer.Exit(1)


def _tell(sentence: str) -> None:
    Console().print(sentence, highlight=False, markup=False, soft_wrap=True)
