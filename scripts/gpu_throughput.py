"""Measure fine-tuning and answering by a language model of true shape, with random weights, on a CUDA GPU.

Usage: ``python -m scripts.gpu_throughput --model llama2-13b --out gpu.md``. Speed and memory depend on a model's shape
and not on what it has learned, so that no weights are needed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from rich.console import Console
from tabulate import tabulate
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen2Config,
)

from benchmarks.cells import make_mask
from benchmarks.data import load
from imputers.llm import budget
from imputers.llm.fine_tuning import Recipe, fine_tune
from imputers.llm.gpus import GPUS
from imputers.llm.lengths import Pieces
from imputers.llm.lora import Lora, attach
from imputers.llm.models import MODELS, Shape
from imputers.llm.option_draws import draw_in_turn
from imputers.llm.option_scores import MOST_TOKENS, option_log_probabilities
from imputers.llm.prompt import Script
from imputers.llm.workload import forward_flops, kept_activations, recomputes, training_flops
from imputers.shared.vocabulary import Positions, Vocabulary
from imputers.shared.weights import LanguageModel

WARM_UP = 2  # steps that are not measured


@dataclass(frozen=True)
class Pass:
    """What one forward pass read: rows × length tokens that see so many, and predict at so many places."""

    rows: int
    length: int
    seen: int
    places: int


@dataclass(frozen=True)
class Speed:
    """One measurement; padding counts as tokens.

    Parameters
    ----------
    cells : holes answered; None in training.
    planned, peak : bytes, as the plan has it and as the GPU counted; the latter None without a GPU.
    """

    what: str
    seconds: float
    tokens: int
    flops: float
    cells: int | None
    planned: float
    peak: int | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, show and with ``--out`` write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", default="llama2-13b", choices=list(MODELS))
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
    answers = np.column_stack([item.encode(masked.values[:, j]) for j, item in enumerate(vocabulary.items)])
    model = MODELS[options.model]
    loaded = random_model(model.id, model.shape, model.rank, cast(PreTrainedTokenizerBase, tokenizer), "cuda")
    script = Script.make(vocabulary.items, loaded.tokenizer)
    speeds = [measure_training(loaded, model.shape, model.rank, script, answers, options.steps)]
    speeds += measure_answering(loaded, model.shape, model.rank, script, answers[: options.respondents])
    name = torch.cuda.get_device_name()
    peak = options.teraflops or next((gpu.teraflops for gpu in GPUS if gpu.name in name), None)
    text = f"# {model.id}, random weights in bfloat16, rank {model.rank}, on {name}\n\n{table(speeds, peak)}\n"
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


def random_model(name: str, shape: Shape, rank: int, tokenizer: PreTrainedTokenizerBase, device: str) -> LanguageModel:
    """A model of this shape with random weights in bfloat16, and an adapter to be trained."""
    family = Qwen2Config if shape.biased else LlamaConfig
    config = family(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        max_position_embeddings=shape.context,
        tie_word_embeddings=shape.tied,
    )
    with torch.device(device):
        network = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    loaded = LanguageModel(name, network, tokenizer, "bfloat16", "random", budget.parameters(shape))
    return attach(loaded, Lora(rank=rank), torch.Generator().manual_seed(1))


def measure_training(
    loaded: LanguageModel, shape: Shape, rank: int, script: Script, answers: Positions, n_steps: int
) -> Speed:
    """Speed of some steps of fine-tuning on answer numbers (n, p), -1 for holes, after two that warm up."""
    usual = Recipe()
    recipe = Recipe(passes=(n_steps + WARM_UP) * usual.batch_size / len(answers))
    started = 0.0

    def after_step(step: int, loss: float) -> None:
        nonlocal started
        if step == WARM_UP:
            passes.clear()
            started = _now(loaded, reset=True)

    with passes_of(loaded.model) as passes:
        fine_tune(loaded, script, answers, recipe, np.random.default_rng(1), after_step=after_step)
        seconds = _now(loaded) - started
    batches = [budget.Batch(one.rows, one.length, one.places) for one in passes]
    forwards = 1 + (loaded.device.type == "cuda" and recomputes(shape))
    flops = sum(training_flops(shape, batch, rank, forwards) for batch in batches)
    weights = budget.weights_half(shape)
    planned = max(
        budget.training_peak(shape, weights, batch, rank, kept_activations(shape, batch, rank)) for batch in batches
    )
    return Speed("training", seconds, sum(b.tokens for b in batches), flops, None, planned, _peak(loaded))


def measure_answering(
    loaded: LanguageModel, shape: Shape, rank: int, script: Script, answers: Positions
) -> list[Speed]:
    """Speed of answering all holes of answer numbers (n, p): their probabilities, and one joint draw."""
    rng = np.random.default_rng(2)
    asked = answers < 0
    contexts = [script.context(own, rng.permutation(len(own))) for own in answers]
    warm = (loaded.model, script, contexts[:2], asked[:2])
    ways: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "probabilities": (
            lambda: option_log_probabilities(*warm),
            lambda: option_log_probabilities(loaded.model, script, contexts, asked),
        ),
        "a joint draw": (
            lambda: draw_in_turn(*warm, np.ones(len(script.stems)), rng),
            lambda: draw_in_turn(loaded.model, script, contexts, asked, np.ones(len(script.stems)), rng),
        ),
    }
    planned = budget.answering_peak(shape, budget.weights_half(shape), MOST_TOKENS, rank)
    speeds = []
    for what, (warm_up, work) in ways.items():
        warm_up()
        with passes_of(loaded.model) as passes:
            started = _now(loaded, reset=True)
            work()
            seconds = _now(loaded) - started
        flops = sum(forward_flops(shape, one.rows * one.length, one.seen, one.places) for one in passes)
        tokens = sum(one.rows * one.length for one in passes)
        speeds.append(Speed(what, seconds, tokens, flops, int(asked.sum()), planned, _peak(loaded)))
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
    """The measurements in markdown.

    Parameters
    ----------
    teraflops : peak of the GPU, in 10¹² operations a second; None if it is not known.
    """
    rows = [
        (
            one.what,
            f"{one.tokens / one.seconds:,.0f}",
            "–" if one.cells is None else f"{one.cells / one.seconds:,.1f}",
            f"{one.flops / one.seconds / 1e12:,.1f}",
            "–" if teraflops is None else f"{one.flops / one.seconds / 1e12 / teraflops:.1%}",
            "–" if one.peak is None else f"{one.peak / 1e9:.1f}",
            f"{one.planned / 1e9:.1f}",
        )
        for one in speeds
    ]
    heads = ("", "tokens/s", "cells/s", "TFLOP/s", "share of peak", "peak GB", "planned GB")
    return tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)


def _now(loaded: LanguageModel, *, reset: bool = False) -> float:
    """Seconds on the clock when all that was asked of the GPU is done; its count of memory may start again."""
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()
        if reset:
            torch.cuda.reset_peak_memory_stats()
    return time.perf_counter()


def _peak(loaded: LanguageModel) -> int | None:
    return torch.cuda.max_memory_allocated() if loaded.device.type == "cuda" else None


if __name__ == "__main__":
    main()
