"""Which dataset a command works on: a registered one, the twin in its stead, or the user's own file."""

from pathlib import Path

from rich.console import Console

from datasets import DATASETS
from datasets.errors import DataUnavailableError
from datasets.table import Dataset

TWIN = {"gss2022": "gss2022-twin"}


def load(name: str, path: Path | None, *, strict: bool, console: Console) -> Dataset:
    """Load a registered dataset; if its file cannot be had, say so and load its synthetic twin.

    Raises
    ------
    InputError
        If the name is unknown or the file unusable.
    DataUnavailableError
        If the file cannot be had and there is no twin, or ``strict`` forbids it.
    """
    loader = DATASETS[DATASETS.check(name)]
    try:
        return loader(path)
    except DataUnavailableError as unavailable:
        if strict or name not in TWIN:
            raise
        twin = DATASETS[TWIN[name]](None)
        console.print(
            f"[bold]{name} cannot be had, so this runs on {twin.title}.[/bold] {unavailable} The twin is a "
            f"latent-class model of the survey: its respondents are invented, its results say "
            f"“{twin.title}” everywhere and are never mixed with real ones. --strict-data makes this an error.",
            highlight=False,
        )
        return twin
