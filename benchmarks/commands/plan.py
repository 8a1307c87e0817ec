"""``plan``: what a language model takes on a suite, before anything is downloaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from benchmarks.commands.plugins import Plugins, load_plugins
from datasets.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from datasets.schema import Floats
    from datasets.table import Masked
    from imputers.llm.fine_tuned import FineTuned
    from imputers.llm.in_context import ZeroShot
    from imputers.llm.planner import Device, Foreseen, Network, Work
    from imputers.llm.prompts.script import Pieces
    from imputers.llm.tuning.recipe import Recipe
    from imputers.llm.workload import Reading

FAMILIES = ("llama", "mistral", "qwen2")
SHOWN = 3  # tables that are named
NOTES = """\
GB are 10⁹ bytes. Respondents with hidden cells alone are asked, for what they were asked in the survey; each draw reads
the questions again. To check is to calibrate, and the audit. Hours are operations at {training:.0%} of a GPU's peak in
training and {answering:.0%} in answering, which Llama-2-13b in bfloat16 reached on an H100 at 18 % and 7 %
(`python -m scripts.gpu_throughput`), and more where a model is so small that launching its operations takes longer; on
this machine, at {core[0]:.0%} and {core[1]:.0%}, which smollm2-135m reached, of {rate:,.0f} GFLOP/s of a product of
matrices, timed just now."""


def plan(
    imputer: Annotated[str, typer.Argument(help="A language model, with parameters: llm(rank=8).")],
    suite: Annotated[str, typer.Option(help="Suite whose prompts are counted; see `list`.")] = "gss-llm",
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of its table, as in `run`; all by default.")] = None,
    data: Annotated[Path | None, typer.Option(help="The suite's data file, if it is not to be looked for.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder with the config.json of a model of your own.")] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="Folder of a tokenizer, if not the model's own.")] = None,
    training: Annotated[float, typer.Option(min=0.001, max=1, help="Share of a GPU's peak in training.")] = 0.18,
    answering: Annotated[float, typer.Option(min=0.001, max=1, help="Share of it in answering.")] = 0.07,
    load: Plugins = None,
) -> None:
    """Say what a language model takes on a suite: parameters, memory, tokens, hours, and which device."""
    from imputers.shared.weights import check_packages

    load_plugins(load)
    check_packages(f"plan {imputer}", ("torch", "transformers", "peft", "safetensors"))

    from benchmarks.cells import make_mask
    from benchmarks.data import load as load_dataset
    from benchmarks.suites import suite_named
    from datasets.surveys.thinning import thinned
    from imputers.llm import planner
    from imputers.llm.prompts.variants import askable

    console, blocks, asked = Console(), suite_named(suite, {"rows": rows}).blocks, _prompted(imputer)
    block = blocks[0]
    origin, config = _planned_model(imputer, asked, model)
    cutter, counted = _cutter_of(origin, tokenizer)
    dataset = load_dataset(block.dataset, data, strict=False, console=console)
    dataset = dataset if block.rows is None else thinned(dataset, block.rows)
    masked = make_mask(dataset, *block.masks[0])
    rank, recipe = _training_of(asked, config)
    net, reading = planner.count(config, rank), _reading(asked, masked, cutter, recipe, config.max_position_embeddings)
    wordings = 1 + len(askable(asked.wording, asked.lists_options))
    task = planner.foresee(
        net, reading, recipe, n_wordings=wordings, n_adapters=asked.n_adapters, n_draws=block.n_draws
    )
    facts = [
        ("parameters", f"{net.parameters:,}"),
        *_training_facts(net, asked.n_adapters, task),
        ("prefix cache of a token, bytes in bfloat16", f"{planner.cache_bytes(net):,}"),
        ("tokens of a respondent's prompt: mean, 95 %, most", _spread(reading.asked.contexts)),
        ("tokens of the questions of all holes: mean, 95 %, most", _spread(reading.asked.questions)),
        (f"tokens read in calibration and audit, for each {_member(net)}", f"{task.checked:,.0f}"),
        (_holes(masked, block.n_draws), f"{task.answered:,.0f}"),
    ]
    devices, n_cells = _devices(asked.precision, net), len(block.masks)
    sizes = ("device", "GB", "weights in", "GB to train", "to answer")
    heads = (*sizes, "hours to train", "to check", "to answer", f"{n_cells} cells")
    size = f"{len(dataset.values):,} × {dataset.values.shape[1]}"
    console.print(f"{imputer} ({origin}) on {dataset.title}, {size}", highlight=False, soft_wrap=True)
    if told := _not_counted(suite, [other.table for other in blocks]):
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    _show(console, (f"tokens are {counted}", ""), facts)
    _show(console, heads, device_rows(net, reading, devices, task.work, (training, answering), n_cells))
    rate = 1000 * devices[0].teraflops
    told = NOTES.format(training=training, answering=answering, core=planner.CORE_SHARES, rate=rate)
    console.print(f"\n{told}", highlight=False, soft_wrap=True)


def device_rows(
    net: "Network",
    reading: "Reading",
    devices: Sequence["Device"],
    work: "Work",
    shares: tuple[float, float],
    n_cells: int,
) -> list[tuple[str, ...]]:
    """Peaks of memory and, where they fit, hours to train, check, answer and for all cells, by device and precision.

    Parameters
    ----------
    shares : of a GPU's rate that are reached in training, and in the others.
    """
    from imputers.llm.planner import CORE_SHARES, peaks

    rows = []
    for device, precision in ((one, precision) for one in devices for precision in one.precisions):
        gpu = device.gigabytes is not None
        needed = [size / 1e9 for size in peaks(net, reading, precision, gpu)][0 if work.flops[0] else 1 :]
        training, asking = shares if gpu else CORE_SHARES
        rates = [3600e12 * device.teraflops * share for share in (training, asking, asking)]
        own = [flops / rate for flops, rate in zip(work.flops, rates, strict=True)]
        own = [max(time, least / 3600) for time, least in zip(own, work.seconds, strict=True)] if gpu else own
        hours = [f"{time:,.2f}" if time > 0.005 else "< 0.01" for time in (*own, n_cells * sum(own))]
        hours[0] = hours[0] if work.flops[0] else "–"
        fits = device.gigabytes is None or max(needed) <= device.gigabytes
        shown = [*["–"] * (2 - len(needed)), *(f"{size:.2f}" for size in needed)]
        told = (f"{device.gigabytes or 'any'}", precision, *shown)
        rows.append((device.name, *told, *(hours if fits else ("too small", "–", "–", "–"))))
    return rows


def _not_counted(suite: str, tables: Sequence[str]) -> str:
    """What is said of a suite's tables beside the first; nothing if there are none."""
    others = list(dict.fromkeys(table for table in tables if table != tables[0]))
    if not others:
        return ""
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    return f"{suite} has other tables, too, which are not counted here: {', '.join(others[:SHOWN])}{more}"


def _devices(precision: str, net: "Network") -> "list[Device]":
    """A core of this machine, and GPUs, with the formats that weights are held in; of one format if all are trained."""
    from imputers.llm.planner import DEVICES, core

    if net.rank is not None:
        return [core(precision), *DEVICES]
    held = "float32" if precision == "auto" else precision
    return [core(held), *(gpu._replace(precisions=(held,)) for gpu in DEVICES)]


def _member(net: "Network") -> str:
    """What each member of an ensemble is."""
    return "model" if net.rank is None else "adapter"


def _prompted(request: str) -> "FineTuned | ZeroShot":
    """The imputer that is asked for: a language model that is fine-tuned, or asked as it is."""
    from imputers import make_imputer
    from imputers.llm.fine_tuned import FineTuned
    from imputers.llm.in_context import FewShot, ZeroShot

    asked = make_imputer(request)
    if isinstance(asked, FewShot) or not isinstance(asked, FineTuned | ZeroShot):
        raise InputError(
            f"plan: {request!r} is no language model that is fine-tuned or asked as it is; take one such as llama2-13b "
            "or smollm2-135m-zero-shot"
        )
    return asked


def _training_of(asked: "FineTuned | ZeroShot", config: Any) -> "tuple[int | None, Recipe]":  # noqa: ANN401 - transformers'
    """Rank of what is trained, and how; 0 if nothing is, None if all weights are."""
    from imputers.llm.fine_tuned import FineTuned
    from imputers.llm.tuning.recipe import Recipe
    from imputers.shared.weights import count_parameters

    if not isinstance(asked, FineTuned):
        return 0, Recipe()
    return asked.rank if asked.weights == "pretrained" else None, asked.recipe(count_parameters(config))


def _reading(
    asked: "FineTuned | ZeroShot",
    masked: "Masked",
    cutter: "PreTrainedTokenizerBase | Pieces",
    recipe: "Recipe",
    window: int,
) -> "Reading":
    """The prompts of a masked table, as this imputer words them, in tokens."""
    from imputers.llm.prompts.script import Script
    from imputers.llm.workload import read
    from imputers.shared.vocabulary import Vocabulary

    vocabulary = Vocabulary.fit(masked.schema, masked.values, asked.n_bins)
    script = Script.make(vocabulary.items, cutter, asked.wording, list_options=asked.lists_options)
    return read(script, vocabulary.answers(masked.values), masked.needed, recipe, window, asked.n_features)


def _holes(masked: "Masked", n_draws: int) -> str:
    cells, rows = masked.needed.sum(), masked.needed.any(axis=1).sum()
    return f"tokens read in filling {cells:,} holes of {rows:,} rows, {n_draws} draws"


def _training_facts(net: "Network", n_adapters: int, task: "Foreseen") -> list[tuple[str, str]]:
    if not net.trained:
        return [("trained", "nothing")]
    return [
        (f"trained, in adapters of rank {net.rank}" if net.rank else "trained: all", f"{net.trained:,}"),
        (f"{_member(net)}s", f"{n_adapters}"),
        (f"tokens read in {task.steps:,} steps of training, for each {_member(net)}", f"{task.trained:,.0f}"),
    ]


def _planned_model(request: str, asked: "FineTuned | ZeroShot", folder: Path | None) -> tuple[str, Any]:
    """Where the model comes from, and its configuration: of the folder, the imputer's own, or the declared one."""
    from transformers import AutoConfig

    from imputers.llm.fine_tuned import FineTuned

    origin = str(folder) if folder else asked.model or asked.declared
    if origin is None:
        raise InputError(f"plan: {request} is any language model; say which one by --model FOLDER")
    declared = {kind.declared: kind.sizes for kind in FineTuned.__subclasses__()}
    if origin in declared:
        return origin, AutoConfig.for_model(**declared[origin])
    try:
        place = str(Path(origin).expanduser())
        config = AutoConfig.from_pretrained(place, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as wrong:
        raise InputError(f"plan: the config.json of {origin} cannot be read; give the folder of a model") from wrong
    if config.model_type not in FAMILIES:
        raise InputError(f"plan: {origin} is of the family {config.model_type!r}; wanted one of {', '.join(FAMILIES)}")
    return origin, config


def _cutter_of(origin: str, folder: Path | None) -> tuple["PreTrainedTokenizerBase | Pieces", str]:
    """The tokenizer of a folder, or the model's if it is on this machine, or what stands in for it; and which it is."""
    from transformers import AutoTokenizer

    from imputers.llm.prompts.script import Pieces
    from imputers.shared.kept import find
    from imputers.shared.packaged import PACKAGED

    made = find(PACKAGED[origin].sha256) if origin in PACKAGED else None
    place = str(folder or made or origin)
    try:
        cutter = AutoTokenizer.from_pretrained(place, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as absent:
        if folder is not None:
            raise InputError(f"--tokenizer {folder} holds no tokenizer that can be read; give its folder") from absent
        return Pieces(), "estimated from pieces of words, for want of the tokenizer"
    return cutter, f"those of {folder or origin}"


def _spread(counts: "Floats") -> str:
    import numpy as np

    return f"{counts.mean():,.0f}, {np.percentile(counts, 95):,.0f}, {counts.max():,.0f}"


def _show(console: Console, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table at its full width, whatever the terminal's."""
    from tabulate import tabulate

    text = tabulate(rows, headers=heads, disable_numparse=True, colalign=("left", *("right" for _ in heads[1:])))
    console.print(f"\n{text}", highlight=False, markup=False, soft_wrap=True)
