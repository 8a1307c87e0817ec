"""What a language model takes: parameters, bytes of memory, operations, and the devices that have them.

A pre-trained model is frozen; a low-rank adapter (Hu et al. 2022, LoRA, ICLR) on every linear layer of its decoder is
trained in float32 by AdamW, in mixed precision (Micikevicius et al. 2018, ICLR). Of random weights all are trained, and
held in float32. Sizes are in bytes.
"""

from math import ceil
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from imputers.llm.prompted import N_TIMED
from imputers.llm.scoring.options import MAX_QUESTION_TOKENS, tokens_at_once
from imputers.llm.tuning.recipe import Recipe, usual_max_tokens
from imputers.llm.workload import Prompts, Reading
from imputers.shared.processor import fastest_precision, product_rates
from imputers.shared.weights import LARGE

BYTES = {"float32": 4, "bfloat16": 2, "4-bit": 2}  # of a number that is computed
RESERVE = 2 * 10**9  # what a GPU's driver and libraries take, and what lies between allocations
RESERVE_OF_CORE = 7 * 10**8  # what Python and the libraries take of main memory

HELD = ("bfloat16", "4-bit")  # how a GPU holds weights


class Device(NamedTuple):
    """Precisions, memory in GB (None: a processor's), and 10¹² operations a second, of matrix products."""

    name: str
    precisions: tuple[str, ...]
    gigabytes: int | None
    teraflops: float


DEVICES = (  # GPUs by their makers' data sheets, on dense matrices in bfloat16
    Device("RTX 4090", HELD, 24, 165),
    Device("A100", HELD, 40, 312),
    Device("L40S", HELD, 48, 362),
    Device("A100", HELD, 80, 312),
    Device("H100", HELD, 80, 989),
    Device("H200", HELD, 141, 989),
)


# of a layer, for a step of training and a token in answering, as an H100 took for smollm2-135m: the operations of a
# small model take longer to launch than to do
STEP_SECONDS, TOKEN_SECONDS = 0.012, 8.6e-7
CORE_SHARES = (0.6, 0.5)  # of its rate that smollm2-135m reaches in training, and in answering


def core(precision: str) -> Device:
    """One core of this machine's processor, its rate that of a timed matrix product in this or its own format."""
    held = precision if precision in ("float32", "bfloat16") else fastest_precision()
    [rate] = product_rates(getattr(torch, held))
    return Device("a core of this machine", (held,), None, rate / 1e12)


class Network(NamedTuple):
    """A decoder of the Llama family, and what of it is trained.

    Parameters
    ----------
    config : of transformers.
    rank : of the adapters; 0 if nothing is trained, None if all weights are.
    parameters, matrices, adapter : numbers of weights: all of the model's, those in its linear layers, the adapter's.
    linear : inputs and outputs of each linear layer.
    head_width : numbers that a head of attention has of a token.
    """

    config: Any
    rank: int | None
    parameters: int
    matrices: int
    adapter: int
    linear: tuple[tuple[int, int], ...]
    head_width: int

    @property
    def trained(self) -> int:
        """Number of weights that are trained."""
        return self.parameters if self.rank is None else self.adapter


def count(config: Any, rank: int | None) -> Network:  # noqa: ANN401 - a configuration of transformers
    """Count a model of this configuration, trained as `Network.rank` says; no memory is taken for it."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    layers = [layer for layer in model.get_decoder().modules() if isinstance(layer, torch.nn.Linear)]
    sizes = tuple((layer.in_features, layer.out_features) for layer in layers)
    matrices, adapter = sum(a * b for a, b in sizes), sum((rank or 0) * (a + b) for a, b in sizes)
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Network(config, rank, sum(own.numel() for own in model.parameters()), matrices, adapter, sizes, width)


class Work(NamedTuple):
    """What training, checking and answering take: operations, and the seconds that a GPU needs at least."""

    flops: tuple[float, float, float]
    seconds: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Foreseen(NamedTuple):
    """What a model has to do on a masked table.

    Parameters
    ----------
    steps : of training an adapter; 0 if nothing is trained.
    trained, checked : tokens that each adapter reads in training, in calibration and audit.
    answered : tokens that all adapters read to answer.
    work : of all adapters.
    """

    steps: int
    trained: float
    checked: float
    answered: float
    work: Work


class Batch(NamedTuple):
    """Rows read at once, tokens of each with padding, and places of all rows at which a token is predicted."""

    rows: int
    length: int
    answers: int


def weight_bytes(net: Network, precision: str) -> int:
    """Memory of the weights; in 4 bits, of linear layers in NF4, doubly quantised, and all else in bfloat16.

    Dettmers et al. (2023), QLoRA, NeurIPS, section 3: 4 bits of each weight, 8 for the scale of 64, 32 for the scale of
    256 scales; and for every matrix tables of 16 and 256 values, and the mean of the scales.
    """
    if precision != "4-bit":
        return BYTES[precision] * net.parameters
    packed = sum(ceil(a * b / 2) + ceil(a * b / 64) + 4 * (ceil(a * b / 64 / 256) + 273) for a, b in net.linear)
    return packed + 2 * (net.parameters - net.matrices)


def trained_bytes(net: Network, number: int = 2) -> int:
    """Memory that training adds: gradients and AdamW's two moments, of all weights in their own format.

    Or the adapter, always in float32, and with these a count of steps for each of its matrices.
    """
    if net.rank is None:
        return 3 * number * net.parameters
    return 16 * net.adapter + 8 * len(net.linear)


def cache_bytes(net: Network, number: int = 2) -> int:
    """Memory of a token in the prefix cache: a key and a value in every layer, of so many bytes a number."""
    return 2 * net.config.num_hidden_layers * net.config.num_key_value_heads * net.head_width * number


def layer_bytes(net: Network, number: int = 2) -> int:
    """Memory that a layer keeps of a token for its gradients, without dropout.

    Attention keeps queries, keys, values, result and normaliser. Of a frozen layer both norms keep their input and its
    scale in float32, the gate three parts, every adapter its input and its inner numbers, and weights nothing. Where
    all weights are trained, both norms keep what they give, too, before and after their weights, and the gate its
    product.
    """
    config, heads = net.config, net.config.num_attention_heads
    attention = number * 4 * heads * net.head_width + 4 * heads
    if net.rank is None:
        return attention + number * (6 * config.hidden_size + 4 * config.intermediate_size) + 8
    adapters = sum(number * (a + net.rank) for a, _ in net.linear) // config.num_hidden_layers
    return attention + adapters + 8 * (config.hidden_size + 1) + number * 3 * config.intermediate_size


def kept_bytes(net: Network, batch: Batch, redo: bool, number: int = 2) -> int:
    """Memory kept between forward and backward pass: of layers, mask and positions, head, and the adapter once more.

    If layers are redone (Chen et al. 2016, arXiv 1604.06174), of them their inputs, and all of one. Where all weights
    are trained, of the last norm what a layer's norm keeps, and what the embedding and the head are given.
    """
    tokens, own, hidden = batch.rows * batch.length, layer_bytes(net, number), net.config.hidden_size
    shared = number * (tokens * (batch.length + 2 * net.head_width) + net.adapter)
    shared += 4 * batch.answers * net.config.vocab_size  # log-probabilities, in float32
    if net.rank is None:
        shared += tokens * (2 * number * hidden + 4 + 8) + number * batch.answers * hidden
    if redo:
        return tokens * (number * net.config.num_hidden_layers * hidden + own) + shared
    return tokens * net.config.num_hidden_layers * own - 3 * hidden * number * (net.rank or 0) + shared


def peaks(net: Network, reading: Reading, precision: str, gpu: bool = True) -> tuple[int, int]:
    """Most memory of training and of answering, on a GPU or with a processor.

    In training, of the longest examples; gradients are on their way, at most what a layer keeps, and the head. A
    processor keeps what attention weighs every place by (see `imputers.shared.attention`); a GPU that trains all
    weights has those of the layers in bfloat16, too. In answering the cache is there as read, and copied for the rows
    asked together, and a layer is at work on all of it.
    """
    longest, number = int(reading.examples.max()), BYTES[precision]
    device = "cuda" if gpu else "cpu"
    most = usual_max_tokens(device)
    rows, own = max(1, most // longest), layer_bytes(net, number)
    batch = Batch(rows, max(longest, most // rows), round(rows * reading.answers))
    kept = kept_bytes(net, batch, gpu and net.parameters >= LARGE, number)
    moving = rows * batch.length * own + 4 * batch.answers * net.config.vocab_size
    if not gpu:
        weighed = net.config.num_hidden_layers * net.config.num_attention_heads * batch.length
        kept += number * rows * batch.length * weighed
    elif net.rank is None:
        kept += 2 * net.matrices
    fixed = weight_bytes(net, precision) + (RESERVE if gpu else RESERVE_OF_CORE)
    together = tokens_at_once(net.config, device)
    answering = 4 * net.adapter + together * (2 * cache_bytes(net, number) + own)
    return fixed + trained_bytes(net, number) + kept + moving, fixed + answering


def forward_flops(net: Network, tokens: float, length: float, answers: float) -> float:
    """Operations of a pass: two for each weight and token, and attention to ``length`` tokens; no adapters.

    Kaplan et al. (2020), Scaling Laws for Neural Language Models, arXiv 2001.08361, table 1.
    """
    attention = net.config.num_hidden_layers * net.config.num_attention_heads * net.head_width
    head = 2 * answers * net.config.vocab_size * net.config.hidden_size
    return tokens * (2 * net.matrices + 4 * attention * length) + head


def training_flops(net: Network, batch: Batch, forwards: int = 1) -> float:
    """Operations of a step; backward, frozen weights, the head's too, cost as much as forward, and all else twice."""
    tokens = batch.rows * batch.length
    layers, head = forward_flops(net, tokens, batch.length, 0), forward_flops(net, 0, 0, batch.answers)
    if net.rank is None:
        return (forwards + 2) * layers + 3 * head
    frozen = 2 * net.matrices * tokens
    return (forwards + 1) * frozen + (forwards + 2) * (layers - frozen + 2 * tokens * net.adapter) + 2 * head


def training_work(net: Network, reading: Reading, recipe: Recipe) -> tuple[float, float]:
    """Tokens read and operations of training one adapter, or all weights."""
    rows = recipe.n_steps(len(reading.examples)) * recipe.batch_size
    batch = Batch(rows, round(reading.examples.mean()), round(rows * reading.answers))
    return rows * float(reading.examples.mean()), training_flops(net, batch, 1 + (net.parameters >= LARGE))


def foresee(
    net: Network, reading: Reading, recipe: Recipe, *, n_wordings: int, n_adapters: int, n_draws: int
) -> Foreseen:
    """What a model has to do that is trained by this recipe, if by any, and audited in so many wordings."""
    steps = recipe.n_steps(len(reading.examples)) if net.trained else 0
    trained, training = training_work(net, reading, recipe) if net.trained else (0.0, 0.0)
    checked, checking = checking_work(net, reading, n_wordings)
    answered, answering = answering_work(net, reading, n_draws, n_adapters)
    least = least_seconds(net, n_adapters * steps, n_adapters * checked, answered)
    return Foreseen(
        steps, trained, checked, answered, Work((n_adapters * training, n_adapters * checking, answering), least)
    )


def least_seconds(net: Network, n_steps: int, checked: float, answered: float) -> tuple[float, float, float]:
    """What launching takes on a GPU, of so many steps of training, and so many tokens in checking and in answering."""
    layers = net.config.num_hidden_layers
    return layers * STEP_SECONDS * n_steps, layers * TOKEN_SECONDS * checked, layers * TOKEN_SECONDS * answered


def checking_work(net: Network, reading: Reading, n_wordings: int) -> tuple[float, float]:
    """Tokens read and operations of calibration, and of an audit in so many wordings, the original among them."""
    timed = Prompts(reading.asked.contexts[:N_TIMED], reading.asked.questions[:N_TIMED])
    parts = [_asking_work(net, own, 1, 1, 0) for own in (reading.validated, *[reading.audited] * n_wordings, timed)]
    tokens, flops = np.sum(parts, axis=0)
    return float(tokens), float(flops)


def answering_work(net: Network, reading: Reading, n_draws: int, n_adapters: int = 1) -> tuple[float, float]:
    """Tokens read and operations of drawing all asked holes.

    Contexts are read once by each adapter. Draws of a respondent that agree so far share what is read, so that it
    is less.
    """
    return _asking_work(net, reading.asked, min(n_adapters, n_draws), n_draws, reading.drawn)


def _asking_work(net: Network, prompts: Prompts, readings: int, passes: int, drawn: float) -> tuple[float, float]:
    """Tokens read and operations: contexts so often, questions in so many passes, each behind ``drawn`` told tokens."""
    contexts, questions = prompts
    if not len(contexts):
        return 0.0, 0.0
    tokens = float((readings * contexts + passes * (questions + drawn)).sum())
    length = float((contexts + np.minimum(questions, MAX_QUESTION_TOKENS)).mean())
    return tokens, forward_flops(net, tokens, length, passes * float(questions.sum()))
