"""``plan``: what fine-tuning a language model on a suite takes, before anything is downloaded."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.suites import suite_named
from datasets.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from benchmarks.plan_tables import Rows
    from imputers.llm.fine_tuned import FineTuned
    from imputers.llm.lengths import Pieces
    from imputers.llm.models import Shape


def plan(
    imputer: Annotated[str, typer.Argument(help="A fine-tuned language model, with parameters: llm(rank=8).")],
    suite: Annotated[str, typer.Option(help="Suite whose prompts are counted; see `list`.")] = "gss-llm",
    data: Annotated[Path | None, typer.Option(help="The suite's data file, if it is not to be looked for.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder with the config.json of a model of your own.")] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="Folder of a tokenizer, if not the model's own.")] = None,
    batch_tokens: Annotated[int, typer.Option(min=1, help="Tokens that are read at once.")] = 8192,
    training: Annotated[float, typer.Option(min=0.001, max=1, help="Share of a GPU's peak in training.")] = 0.18,
    answering: Annotated[float, typer.Option(min=0.001, max=1, help="Share of it in answering.")] = 0.07,
) -> None:
    """Say what fine-tuning a language model on a suite takes: parameters, memory, tokens, hours, and which GPU."""
    from imputers.shared.weights import check_packages

    check_packages(f"plan {imputer}", ("torch", "transformers", "peft", "safetensors"))
    from benchmarks.cells import make_mask
    from benchmarks.data import load
    from benchmarks.plan_tables import NOTES, Case, gpus, memory, n_cells, parameters, tokens, work
    from imputers.llm.budget import parameters as n_parameters
    from imputers.llm.lengths import Lengths

    console, chosen, asked = Console(), suite_named(suite), fine_tuned(imputer)
    origin, shape = shape_planned(imputer, asked, model)
    cutter, counted = cutter_of(origin, tokenizer)
    dataset = load(chosen.dataset, data, strict=False, console=console)
    masked = make_mask(dataset, chosen.mechanisms[0], chosen.rates[0], chosen.seeds[0])
    lengths = Lengths.count(masked.schema, masked.values, cutter, asked.wording, asked.n_bins, asked.n_features)
    recipe = replace(asked.recipe(n_parameters(shape)), most_tokens=batch_tokens)
    case = Case(shape, chosen, lengths, recipe, asked.adapter_rank(), asked.n_adapters)
    n, p = masked.values.shape
    console.print(f"{imputer} ({origin}) on {dataset.title}, {n:,} × {p}", highlight=False, soft_wrap=True)
    _show(console, ("parameters", ""), parameters(case))
    _show(console, ("memory", "GB", "in bytes"), memory(case))
    _show(console, (f"tokens of a respondent, {counted}", "mean", "95 %", "most"), tokens(case))
    _show(console, ("work of a cell", ""), work(case))
    heads = ("GPU", "GB", "bfloat16", "4-bit", "hours to train", "to answer", f"{n_cells(case)} cells")
    _show(console, heads, gpus(case, (training, answering)))
    console.print(f"\n{NOTES.format(training=training, answering=answering)}", highlight=False, soft_wrap=True)


def fine_tuned(request: str) -> "FineTuned":
    """The imputer that is asked for.

    Raises
    ------
    InputError
        If it is no fine-tuned language model, or trains all weights.
    """
    from imputers import make_imputer
    from imputers.llm.fine_tuned import FineTuned
    from imputers.llm.models import MODELS

    asked = make_imputer(request)
    if not isinstance(asked, FineTuned):
        raise InputError(f"plan: {request!r} is no fine-tuned language model; take llm or one of {', '.join(MODELS)}")
    if asked.weights != "pretrained":
        raise InputError(f"plan: {request!r} trains all weights; a plan is for adapters on pre-trained weights")
    return asked


def shape_planned(request: str, asked: "FineTuned", folder: Path | None) -> tuple[str, "Shape"]:
    """Where the model comes from, and its shape: of the folder, the imputer's own, or the declared one.

    Raises
    ------
    InputError
        If no model is named, or its sizes are not known here.
    """
    from imputers.llm.models import MODELS, read_shape

    known = {model.id: model.shape for model in MODELS.values()}
    origin = str(folder) if folder else asked.model or (asked.declared.id if asked.declared else None)
    if origin is None:
        raise InputError(f"plan: {request} is any language model; say which one by --model FOLDER")
    return origin, known[origin] if origin in known else read_shape(Path(origin).expanduser())


def cutter_of(origin: str, folder: Path | None) -> tuple["PreTrainedTokenizerBase | Pieces", str]:
    """The tokenizer of a folder, or the model's if it is on this machine, or what stands in for it; and which it is.

    Raises
    ------
    InputError
        If the folder holds none.
    """
    from transformers import AutoTokenizer

    from imputers.llm.lengths import Pieces

    place = str(folder or origin)
    try:
        return AutoTokenizer.from_pretrained(place, local_files_only=True, trust_remote_code=False), f"by {place}"
    except (OSError, ValueError) as absent:
        if folder is not None:
            raise InputError(f"--tokenizer {folder} holds no tokenizer that can be read; give its folder") from absent
        return Pieces(), "estimated from pieces of words, for want of the tokenizer"


def _show(console: Console, heads: tuple[str, ...], rows: "Rows") -> None:
    """Print a table at its full width, whatever the terminal's."""
    from tabulate import tabulate

    aligned = ("left", *("right" for _ in heads[1:-1]), "left" if heads[-1] == "in bytes" else "right")
    text = tabulate(rows, headers=heads, tablefmt="simple", disable_numparse=True, colalign=aligned)
    console.print(f"\n{text}", highlight=False, markup=False, soft_wrap=True)
