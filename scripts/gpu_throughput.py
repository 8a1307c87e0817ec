"""Measure fine-tuning and answering by a language model of true shape, with random weights, on a CUDA GPU.

Usage: ``python -m scripts.gpu_throughput --model llama2-13b --out gpu.md``. Speed and memory depend on a model's shape
and not on what it has learned, so that no weights are needed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from rich.console import Console
from tabulate import tabulate
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from benchmarks.cells import make_mask
from benchmarks.data import load
from imputers import make_imputer
from imputers.llm.fine_tuned import FineTuned
from imputers.llm.planner import DEVICES, Batch, Network, count, forward_flops, training_flops
from imputers.llm.prompts.script import Pieces, Script
from imputers.llm.scoring.draws import draw_in_turn
from imputers.llm.scoring.options import option_log_probabilities
from imputers.llm.tuning.adapters import Lora, attach
from imputers.llm.tuning.recipe import Recipe
from imputers.llm.tuning.training import fine_tune
from imputers.shared.vocabulary import Positions, Vocabulary
from imputers.shared.weights import LARGE, LanguageModel

WARM_UP = 2  # steps that are not measured


class Pass(NamedTuple):
    """What one forward pass read: rows × length tokens that see so many, and predict at so many places."""

    rows: int
    length: int
    seen: int
    places: int


class Speed(NamedTuple):
    """One measurement; padding counts as tokens, cells are the holes answered."""

    what: str
    seconds: float
    tokens: int
    flops: float
    cells: int | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, show and with ``--out`` write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", default="llama2-13b", help="imputer whose declared model is measured")
    parser.add_argument("--steps", type=int, default=6, help="of training that are measured")
    parser.add_argument("--respondents", type=int, default=64, help="whose holes are answered")
    parser.add_argument("--dataset", default="gss2022", help="whose prompts are read, 30 %% of its cells hidden")
    parser.add_argument("--data", type=Path, help="the dataset's file; without one, the GSS's synthetic twin")
    parser.add_argument("--tokenizer", type=Path, help="folder; by default pieces of words stand in for tokens")
    parser.add_argument("--teraflops", type=float, help="peak of the GPU, if it is not one of those known")
    parser.add_argument("--out", type=Path, help="markdown file; by default the table is only shown")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        sys.exit(
            "gpu_throughput measures a CUDA GPU, and torch finds none on this machine; run it on one that has a GPU "
            "and a CUDA build of torch (without measuring: python -m benchmarks plan llama2-13b)"
        )
    dataset = load(options.dataset, options.data, strict=False, console=Console(stderr=True))
    masked = make_mask(dataset, "mcar", 0.3, 1)
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer) if options.tokenizer else Pieces()
    vocabulary = Vocabulary.fit(masked.schema, masked.values, 100)
    answers = vocabulary.answers(masked.values)
    model = cast(FineTuned, make_imputer(options.model))
    net = count(AutoConfig.for_model(**model.sizes), model.rank)
    loaded = random_model(net, cast(PreTrainedTokenizerBase, tokenizer), "cuda")
    script = Script.make(vocabulary.items, loaded.tokenizer)
    speeds = [measure_training(loaded, net, script, answers, options.steps)]
    speeds += measure_answering(loaded, net, script, answers[: options.respondents])
    name = torch.cuda.get_device_name()
    peak = options.teraflops or next((device.teraflops for device in DEVICES if device.name in name), None)
    memory = f"Peak of memory: {torch.cuda.max_memory_allocated() / 1e9:.1f} GB."
    title = f"# {model.declared}, random weights in bfloat16, rank {net.rank}, on {name}"
    text = f"{title}\n\n{table(speeds, peak)}\n\n{memory}\n"
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


def random_model(net: Network, tokenizer: PreTrainedTokenizerBase, device: str) -> LanguageModel:
    """A model of this shape with random weights in bfloat16, and an adapter to be trained."""
    with torch.device(device):
        network = AutoModelForCausalLM.from_config(net.config, dtype=torch.bfloat16).eval()
    loaded = LanguageModel(net.config.model_type, network, tokenizer, "bfloat16", "random", net.parameters)
    return attach(loaded, Lora(rank=net.rank), torch.Generator().manual_seed(1))


def measure_training(loaded: LanguageModel, net: Network, script: Script, answers: Positions, n_steps: int) -> Speed:
    """Speed of some steps of fine-tuning on answer numbers (n, p), -1 for holes, after two that warm up."""
    recipe = Recipe(n_epochs=(n_steps + WARM_UP) * Recipe().batch_size / len(answers))
    started = 0.0

    def after_step(step: int, loss: float) -> None:
        nonlocal started
        if step == WARM_UP:
            passes.clear()
            started = _now(loaded)

    with passes_of(loaded.model) as passes:
        fine_tune(loaded, script, answers, recipe, np.random.default_rng(1), after_step=after_step)
        seconds = _now(loaded) - started
    forwards = 1 + (loaded.device.type == "cuda" and net.parameters >= LARGE)
    flops = sum(training_flops(net, Batch(one.rows, one.length, one.places), forwards) for one in passes)
    return Speed("training", seconds, sum(one.rows * one.length for one in passes), flops, None)


def measure_answering(loaded: LanguageModel, net: Network, script: Script, answers: Positions) -> list[Speed]:
    """Speed of answering all holes of answer numbers (n, p): their probabilities, and one joint draw."""
    rng, asked, ones = np.random.default_rng(2), answers < 0, np.ones(answers.shape[1])
    contexts = [script.context(own, rng.permutation(len(own))) for own in answers]
    ways: dict[str, Callable[[int], Any]] = {
        "probabilities": lambda n: option_log_probabilities(loaded.model, script, contexts[:n], asked[:n]),
        "a joint draw": lambda n: draw_in_turn(loaded.model, script, contexts[:n], asked[:n], ones, 1, rng),
    }
    speeds = []
    for what, way in ways.items():
        way(2)  # warms up
        with passes_of(loaded.model) as passes:
            started = _now(loaded)
            way(len(answers))
            seconds = _now(loaded) - started
        flops = sum(forward_flops(net, one.rows * one.length, one.seen, one.places) for one in passes)
        tokens = sum(one.rows * one.length for one in passes)
        speeds.append(Speed(what, seconds, tokens, flops, int(asked.sum())))
    return speeds


@contextmanager
def passes_of(model: PreTrainedModel) -> Iterator[list[Pass]]:
    """Keep a record of all forward passes of a model."""
    passes: list[Pass] = []

    def begin(module: torch.nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        rows, length = named["input_ids"].shape
        passes.append(Pass(rows, length, named["attention_mask"].shape[-1], 0))

    def predict(module: torch.nn.Module, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        last = passes.pop()
        passes.append(Pass(last.rows, last.length, last.seen, last.places + len(output)))

    hooks = [
        model.get_decoder().register_forward_pre_hook(begin, with_kwargs=True),
        model.get_output_embeddings().register_forward_hook(predict),
    ]
    try:
        yield passes
    finally:
        for hook in hooks:
            hook.remove()


def table(speeds: Sequence[Speed], teraflops: float | None) -> str:
    """The measurements in markdown, against the GPU's peak in 10¹² operations a second if that is known."""
    rows = [
        (
            one.what,
            f"{one.tokens / one.seconds:,.0f}",
            "–" if one.cells is None else f"{one.cells / one.seconds:,.1f}",
            f"{one.flops / one.seconds / 1e12:,.1f}",
            "–" if teraflops is None else f"{one.flops / one.seconds / 1e12 / teraflops:.1%}",
        )
        for one in speeds
    ]
    heads = ("", "tokens/s", "cells/s", "TFLOP/s", "share of peak")
    return tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)


def _now(loaded: LanguageModel) -> float:
    """Seconds on the clock when all that was asked of the GPU is done."""
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
