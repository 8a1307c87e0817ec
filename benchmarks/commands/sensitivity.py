"""``sensitivity``: how far an estimate moves if what is missing differs from what is observed, and where it tips."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins, load_plugins
from datasets.errors import InputError

if TYPE_CHECKING:
    from datasets.table import Dataset

GRID = "-1,-0.75,-0.5,-0.25,0,0.25,0.5,0.75,1"


def sensitivity(
    what: Annotated[str, typer.Argument(help="Your own file, or the name of a dataset.")],
    item: Annotated[str, typer.Option(help="Item whose missing answers may differ; of a nominal one 'vote: yes'.")],
    estimand: Annotated[str, typer.Option(help="'mean income', 'share vote = yes', 'income ~ educ + age'.")],
    out: Annotated[Path, typer.Option(help="Folder for the figures, the curve and a page.")],
    imputer: Annotated[str, typer.Option(help="narfcs or narfcs-pmm.")] = "narfcs-pmm",
    deltas: Annotated[
        str, typer.Option(help="Departures: in SDs of the item, or in log odds of the answer; comma-separated.")
    ] = GRID,
    value: Annotated[
        float | None, typer.Option(help="Value that the conclusion is about; 0 for a regression's slopes.")
    ] = None,
    draws: Annotated[int, typer.Option(min=2, help="Completed tables at each departure.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="The same for every departure.")] = 1,
    schema: Annotated[Path | None, typer.Option(help="Schema file of your own file.")] = None,
    data: Annotated[Path | None, typer.Option(help="The dataset's file, if it is not to be looked for.")] = None,
    load: Plugins = None,
) -> None:
    """Impute under departures from missingness at random (NARFCS), and draw the tipping-point curve of an estimand."""
    from benchmarks.completion import check_folder
    from benchmarks.sensitivity import curve
    from metrics.requested import requested
    from reports.drawing import png
    from reports.tipping import figure, told

    load_plugins(load)
    dataset = _dataset(what, schema, data)
    analysis = requested(estimand, dataset.schema)
    tried = _numbers(deltas)
    check_folder(out)
    found = curve(dataset, imputer, item, tried, analysis, draws, seed)
    about = 0.0 if value is None and analysis.terms else value
    unit = "log odds" if ": " in item and item not in dataset.schema.names else "SD"
    console, lines = Console(), []
    for number, name in enumerate(analysis.names, start=1):
        own = found[found["estimand"] == name]
        if about is not None:
            lines.append(told(own, about, item))
        (out / f"tipping-{number}.png").write_bytes(png(figure(own, about, item, unit)))
    found.to_csv(out / "curve.csv", index=False)
    page = [f"# {estimand} under departures of {item}", "", *(f"- {line}" for line in lines), ""]
    page += [f"![{name}](tipping-{number}.png)\n" for number, name in enumerate(analysis.names, start=1)]
    (out / "sensitivity.md").write_text("\n".join(page), encoding="utf-8")
    for line in (*lines, f"{len(tried)} departures, {draws} draws each; wrote {out}/sensitivity.md"):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _dataset(what: str, schema: Path | None, data: Path | None) -> "Dataset":
    """A registered dataset, or somebody's own file."""
    from datasets import DATASETS
    from datasets.files.survey_file import read_survey_file

    if what.partition("(")[0] in DATASETS or not Path(what).suffix:
        return DATASETS.resolve(what)(data)
    return read_survey_file(Path(what), schema).dataset


def _numbers(text: str) -> list[float]:
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        raise InputError(f"--deltas {text}: not all of them are numbers; write e.g. {GRID}") from None
    if 0.0 not in found:
        raise InputError(f"--deltas {text}: 0, missing at random, must be among them; write e.g. {GRID}")
    return found
