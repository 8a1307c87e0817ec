"""``impute``: fill the holes of one's own file."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins, load_plugins
from benchmarks.heartbeat import progress


def impute(
    file: Annotated[Path, typer.Argument(help="A csv, xlsx, dta, sav or parquet file.")],
    out: Annotated[Path, typer.Option(help="Folder of the completed tables.")],
    imputer: Annotated[
        str, typer.Option(help="Name, see `list`; parameters in brackets: knn(n_neighbors=5). Not with --fitted.")
    ] = "",
    draws: Annotated[int, typer.Option(min=1, help="Completed tables to draw.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same tables.")] = 1,
    schema: Annotated[Path | None, typer.Option(help="schema.toml that `describe` wrote and you edited.")] = None,
    format: Annotated[str, typer.Option(help="csv, parquet, xlsx, dta or sav.")] = "csv",
    fill_not_asked: Annotated[
        bool, typer.Option("--fill-not-asked", help="Also fill cells of questions that were not asked.")
    ] = False,
    long: Annotated[bool, typer.Option("--long", help="All draws in one file, counted by its column draw.")] = False,
    save: Annotated[
        Path | None, typer.Option(help="Folder to store what was learned in, for --fitted; not all methods can.")
    ] = None,
    fitted: Annotated[
        Path | None, typer.Option(help="Folder of --save: fill these rows with what was learned from others.")
    ] = None,
    load: Plugins = None,
) -> None:
    """Impute a file: completed draws, best single values, expectations, and an account of what was filled.

    Exit status 1 says that columns keep holes that could be filled, because they look like free text or identifiers.
    """
    from benchmarks.completion import check_folder, check_rows, complete_survey, learn, write_completion
    from benchmarks.reuse import bounded, recall, store
    from datasets.files.names import check_writable
    from datasets.files.survey_file import read_survey_file

    load_plugins(load)
    _check_asked(imputer, schema, save, fitted)
    known = None
    if fitted is not None:
        reused = recall(fitted, file)
        survey, known, imputer = reused.survey, reused.imputer, reused.request
    else:
        survey = read_survey_file(file, schema)
        check_rows(survey, imputer)
    check_writable(survey, format, draws if long else 1)
    for folder in (out, save):
        if folder is not None:
            check_folder(folder)
    for note in survey.notes:
        _tell(note)
    console = Console(stderr=True)
    if save is not None:
        with progress(console, f"{imputer} learns"):
            known = learn(survey, imputer, seed)
        store(survey, known, imputer, save)
        _tell(f"what {imputer} learned is stored in {save}, respondents' answers included if the method keeps them")
    elif known is not None:
        beyond = bounded(survey.dataset.values, known.full_schema_)[1]
        for name, count in beyond.items():
            column = known.full_schema_[name]
            _tell(f"{name}: {count:,} numbers beyond {column.low:g} to {column.high:g} count as the nearest of them")
    completion = complete_survey(
        survey, imputer, draws, seed, fitted=known, fill_not_asked=fill_not_asked, watch=partial(progress, console)
    )
    paths = write_completion(completion, survey, out, format, stacked=long)
    disagree = completion.convergence.warning()
    told = [completion.decided, *completion.account.sentences(), disagree]
    for sentence in (*filter(None, told), f"{completion.told}; wrote {len(paths)} files to {out}"):
        _tell(sentence)
    if completion.account.in_doubt:
        raise typer.Exit(1)


def _check_asked(imputer: str, schema: Path | None, save: Path | None, fitted: Path | None) -> None:
    """Refuse requests that contradict each other before anything is read."""
    from datasets.errors import InputError
    from datasets.request import run_number
    from imputers import make_imputer
    from imputers.fitted import check_storable

    if fitted is not None:
        given = [name for name, value in (("--imputer", imputer), ("--schema", schema), ("--save", save)) if value]
        if given:
            raise InputError(f"impute: --fitted brings its own imputer and schema; leave out {' and '.join(given)}")
        return
    if not imputer:
        raise InputError("impute: say which --imputer fills, see `list`, or which --fitted folder")
    made = make_imputer(imputer)
    if save is not None:
        check_storable(made, imputer)
    if run_number(imputer) > 1:
        raise InputError(f"impute: {imputer!r} asks for another run of a method; leave # out and give another --seed")


def _tell(sentence: str) -> None:
    Console().print(sentence, highlight=False, markup=False, soft_wrap=True)
