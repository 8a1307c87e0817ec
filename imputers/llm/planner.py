"""What fine-tuning a language model takes before it is run: does it fit a device, how many tokens, how long.

The model is frozen; a low-rank adapter (Hu et al. 2022, LoRA, ICLR) on every linear layer of its decoder is trained in
float32 by AdamW, in mixed precision (Micikevicius et al. 2018, ICLR). Sizes are in bytes.
"""

from math import ceil
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from datasets.schema import Floats
from imputers.llm.prompts.relevance import Relevance
from imputers.llm.prompts.script import Script
from imputers.llm.scoring.options import MAX_QUESTION_TOKENS, question_blocks
from imputers.llm.tuning.examples import make_example
from imputers.llm.tuning.recipe import Recipe
from imputers.shared.vocabulary import Positions
from imputers.shared.weights import LARGE

BYTES = {"float32": 4, "bfloat16": 2, "4-bit": 2}  # of a number that is computed
RESERVE = 2 * 10**9  # what a device's driver and libraries take, and what lies between allocations

HELD = ("bfloat16", "4-bit")  # how a GPU holds weights


class Device(NamedTuple):
    """Precisions, memory in GB (None: a CPU's), and 10¹² operations a second: a GPU's at most, a CPU's as reached."""

    name: str
    precisions: tuple[str, ...]
    gigabytes: int | None
    teraflops: float


DEVICES = (  # GPUs by their makers' data sheets, on dense matrices in bfloat16
    Device("CPU core", ("float32",), None, 0.101),
    Device("CPU core, avx512_bf16", ("bfloat16",), None, 0.439),
    Device("RTX 4090", HELD, 24, 165),
    Device("A100", HELD, 40, 312),
    Device("L40S", HELD, 48, 362),
    Device("A100", HELD, 80, 312),
    Device("H100", HELD, 80, 989),
    Device("H200", HELD, 141, 989),
)


class Network(NamedTuple):
    """A decoder of the Llama family, its parameters, those in linear layers (matrices) and those trained (adapter)."""

    config: Any
    rank: int
    parameters: int
    matrices: int
    adapter: int
    linear: tuple[tuple[int, int], ...]
    head_width: int


def count(config: Any, rank: int) -> Network:  # noqa: ANN401 - a configuration of transformers
    """Count a model of this configuration, with adapters of this rank; no memory is taken for it."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    layers = [layer for layer in model.get_decoder().modules() if isinstance(layer, torch.nn.Linear)]
    sizes = tuple((layer.in_features, layer.out_features) for layer in layers)
    matrices, adapter = sum(a * b for a, b in sizes), sum(rank * (a + b) for a, b in sizes)
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Network(config, rank, sum(own.numel() for own in model.parameters()), matrices, adapter, sizes, width)


class Batch(NamedTuple):
    """Rows read at once, tokens of each with padding, and places of all rows at which a token is predicted."""

    rows: int
    length: int
    answers: int


class Reading(NamedTuple):
    """Tokens of contexts, questions with options, drawn answers' rests (mean), examples, and what these predict."""

    contexts: Floats
    questions: Floats
    drawn: float
    examples: Floats
    answers: float


def read(script: Script, answers: Positions, recipe: Recipe, window: int, n_features: int | None) -> Reading:
    """Write the prompts of answer numbers (n, p), -1 for holes, and count their tokens; any known answers are told."""
    rng, holes, every = np.random.default_rng(0), answers < 0, np.arange(answers.shape[1])
    rows, any_told = answers[(~holes).any(axis=1)], Relevance(rng.random((len(every), len(every))), n_features)
    examples = [make_example(row, script, recipe, window, rng, any_told) for row in rows]
    contexts = [len(script.context(own, any_told.told(script, own, every, window))) for own in answers]
    questions = [len(block) for block in question_blocks(script, np.ones_like(holes)).values()]
    return Reading(
        contexts=np.array(contexts, dtype=float),
        questions=holes @ np.array(questions, dtype=float),
        drawn=float((holes @ _read_on(script)).mean()),
        examples=np.array([len(example) for example in examples], dtype=float),
        answers=float(np.mean([example.n_tokens_predicted for example in examples])),
    )


def _read_on(script: Script) -> Floats:
    """Tokens of an item's answers that a draw reads behind the question, on average, shape (p,)."""
    rest = [
        [len(answer) - len(beginning) + 1 for answer, beginning in zip(*own, strict=True)]
        for own in zip(script.options, script.beginnings, strict=True)
    ]
    return np.array([np.mean(own) for own in rest])


def weight_bytes(net: Network, precision: str) -> int:
    """Memory of the weights; in 4 bits, of linear layers in NF4, doubly quantised, and all else in bfloat16.

    Dettmers et al. (2023), QLoRA, NeurIPS, section 3: 4 bits of each weight, 8 for the scale of 64, 32 for the scale of
    256 scales; and for every matrix tables of 16 and 256 values, and the mean of the scales.
    """
    if precision != "4-bit":
        return BYTES[precision] * net.parameters
    packed = sum(ceil(a * b / 2) + ceil(a * b / 64) + 4 * (ceil(a * b / 64 / 256) + 273) for a, b in net.linear)
    return packed + 2 * (net.parameters - net.matrices)


def trained_bytes(net: Network) -> int:
    """Memory of the adapter, its gradients, and AdamW's two moments and a count of steps for each matrix."""
    return 16 * net.adapter + 8 * len(net.linear)


def cache_bytes(net: Network, number: int = 2) -> int:
    """Memory of a token in the prefix cache: a key and a value in every layer, of so many bytes a number."""
    return 2 * net.config.num_hidden_layers * net.config.num_key_value_heads * net.head_width * number


def layer_bytes(net: Network, number: int = 2, dropped: int = 1) -> int:
    """Memory that a layer keeps of a token for its gradients; ``dropped`` bytes a number where dropout was.

    Both norms keep their input and its scale in float32; attention queries, keys, values, result and normaliser; the
    gate three parts; every adapter its input, what was dropped of it, and its inner numbers; frozen weights nothing.
    """
    config, heads = net.config, net.config.num_attention_heads
    adapters = sum((number + dropped) * a + number * net.rank for a, _ in net.linear) // config.num_hidden_layers
    inner = number * (4 * heads * net.head_width + 3 * config.intermediate_size)
    return adapters + 8 * (config.hidden_size + 1) + inner + 4 * heads


def kept_bytes(net: Network, batch: Batch, redo: bool, number: int = 2, dropped: int = 1) -> int:
    """Memory kept between forward and backward pass: of layers, mask and positions, head, and the adapter once more.

    If layers are redone (Chen et al. 2016, arXiv 1604.06174), of them their inputs, and all of one.
    """
    tokens, own, hidden = batch.rows * batch.length, layer_bytes(net, number, dropped), net.config.hidden_size
    shared = number * (tokens * (batch.length + 2 * net.head_width) + net.adapter)
    shared += 4 * batch.answers * net.config.vocab_size  # log-probabilities, in float32
    if redo:
        return tokens * (number * net.config.num_hidden_layers * hidden + own) + shared
    return tokens * net.config.num_hidden_layers * own - 3 * hidden * (dropped * tokens + number * net.rank) + shared


def peaks(net: Network, reading: Reading, precision: str, max_tokens: int, gpu: bool = True) -> tuple[int, int]:
    """Most memory of training and of answering, where so many tokens are read at once.

    In training, of the longest examples; gradients are on their way, at most what a layer keeps, and the head. In
    answering the cache is there as read, and copied for the rows asked together, and a layer is at work on all of it.
    """
    longest, number = int(reading.examples.max()), BYTES[precision]
    rows, own = max(1, max_tokens // longest), layer_bytes(net, number)
    batch = Batch(rows, longest, round(rows * reading.answers))
    kept = kept_bytes(net, batch, gpu and net.parameters >= LARGE, number)
    moving = rows * longest * own + 4 * batch.answers * net.config.vocab_size
    fixed = weight_bytes(net, precision) + RESERVE
    answering = 4 * net.adapter + max_tokens * (2 * cache_bytes(net, number) + own)
    return fixed + trained_bytes(net) + kept + moving, fixed + answering


def forward_flops(net: Network, tokens: float, length: float, answers: float) -> float:
    """Operations of a pass: two for each weight and token, and attention to ``length`` tokens; no adapters.

    Kaplan et al. (2020), Scaling Laws for Neural Language Models, arXiv 2001.08361, table 1.
    """
    attention = net.config.num_hidden_layers * net.config.num_attention_heads * net.head_width
    head = 2 * answers * net.config.vocab_size * net.config.hidden_size
    return tokens * (2 * net.matrices + 4 * attention * length) + head


def training_flops(net: Network, batch: Batch, forwards: int = 1) -> float:
    """Operations of a step; backward, frozen weights cost as much as forward, attention, adapters and head twice."""
    tokens, frozen = batch.rows * batch.length, 2 * net.matrices * batch.rows * batch.length
    once = forward_flops(net, tokens, batch.length, 0) - frozen + 2 * tokens * net.adapter
    return (forwards + 1) * frozen + (forwards + 2) * once + 2 * forward_flops(net, 0, 0, batch.answers)


def training_work(net: Network, reading: Reading, recipe: Recipe) -> tuple[float, float]:
    """Tokens read and operations of training one adapter."""
    rows = recipe.n_steps(len(reading.contexts)) * recipe.batch_size
    batch = Batch(rows, round(reading.examples.mean()), round(rows * reading.answers))
    return rows * float(reading.examples.mean()), training_flops(net, batch, 1 + (net.parameters >= LARGE))


def answering_work(net: Network, reading: Reading, n_draws: int) -> tuple[float, float]:
    """Tokens read and operations of scoring all holes once for their probabilities and once more for each draw.

    Contexts are read once. Draws of a respondent that agree so far share what is read, so that it is less than this.
    """
    n, passes = len(reading.contexts), 1 + n_draws
    tokens = float((reading.contexts + passes * reading.questions).sum()) + n * n_draws * reading.drawn
    length = float((reading.contexts + np.minimum(reading.questions, MAX_QUESTION_TOKENS)).mean())
    return tokens, forward_flops(net, tokens, length, passes * float(reading.questions.sum()))
