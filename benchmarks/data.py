"""Which dataset a command works on: what a request asks for, or the synthetic twin in its stead."""

from pathlib import Path

from rich.console import Console

from benchmarks.study import short_name
from datasets import DATASETS
from datasets.errors import DataUnavailableError
from datasets.table import Dataset

TWIN = {"gss2022": "gss2022-twin"}


def load(request: str, path: Path | None, *, strict: bool, console: Console) -> Dataset:
    """Load a registered dataset; if its file cannot be had, say so and load its synthetic twin.

    Raises
    ------
    InputError
        If the name is unknown or the file unusable.
    DataUnavailableError
        If the file cannot be had and there is no twin, or ``strict`` forbids it.
    """
    loader = DATASETS.resolve(request)
    try:
        return loader(path)
    except DataUnavailableError as unavailable:
        if strict or request not in TWIN:
            raise
        twin = DATASETS[TWIN[request]](None)
        console.print(
            f"[bold]{request} cannot be had, so this runs on {twin.title}.[/bold] {unavailable} The twin is a "
            f"latent-class model of the survey: its respondents are invented, its results say "
            f"“{twin.title}” everywhere and are never mixed with real ones. --strict-data makes this an error.",
            highlight=False,
        )
        return twin


@DATASETS.register("gss2022-worded")
def load_worded(path: Path | None, n: int = 20, model: str = "") -> Dataset:
    """The five targets of the GSS 2022 with the n items whose wording a language model finds most similar.

    It stands here, as it needs a language model, which datasets know nothing of.

    Parameters
    ----------
    path : NORC's Stata file or its zip; None to look for it and, if need be, download it.
    n : number of items beside the targets.
    model : folder or hub id of the model whose mean hidden states are compared.

    Raises
    ------
    DataUnavailableError, MethodUnavailableError, InputError
        As `gss_features.with_items` and `imputers.shared.weights.load`.
    """
    from datasets.selection.criteria import by_wording
    from datasets.surveys.gss_features import WORDING, with_items
    from imputers.llm.scoring.wording_states import mean_states

    return with_items(path, n, f"{WORDING} to {short_name(model)}", by_wording(mean_states(model)))


def worded(n: int, model: str) -> str:
    """Request for the table of `load_worded`."""
    return f"gss2022-worded(n={n}, model={model!r})"
