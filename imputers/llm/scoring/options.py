"""Log-probability of every option of every question, over one reading of a respondent's context."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from transformers import PretrainedConfig, PreTrainedModel

from datasets.errors import InputError
from datasets.schema import Floats
from imputers.llm.prompts.script import Script, Tokens
from imputers.llm.scoring.packing import Block, padded
from imputers.llm.scoring.reading import PrefixCache, ask, read
from imputers.shared.vocabulary import Positions

MAX_TOKENS = 4096  # read at once, of all respondents together, by a processor, which gains nothing from more
GPU_TOKENS = 32_768  # read at once by a GPU at most
CACHED = 4 * 10**9  # bytes of keys and values of what a GPU reads at once, at most
MAX_QUESTION_TOKENS = 256  # read together: attention compares all pairs of tokens, although most are masked


def option_log_probabilities(
    model: PreTrainedModel,
    script: Script,
    contexts: Sequence[Tokens],
    asked: NDArray[np.bool_],
    max_tokens: int | None = None,
) -> list[Floats]:
    """Log-probability of every option of every asked item, given the respondent's context and nothing else.

    An option's is that of its beginning (`Script.beginnings`), whatever its length: of all texts that begin so, which
    no other option does. Options exclude each other, so that their probabilities sum to the share of all texts that
    begin as an answer does.

    Parameters
    ----------
    model : causal language model in evaluation mode.
    contexts : prompt of each of n respondents, of `Script.context`.
    asked : items to answer, shape (n, p).
    max_tokens : read at once, of several respondents together; a single one may take more. By default what
        `tokens_at_once` says.

    Returns
    -------
    list of arrays
        For each of the p items, shape (respondents asked, K), respondents in their order.

    Raises
    ------
    InputError
        If a context with a question is longer than the model's window.
    """
    blocks = question_blocks(script, asked)
    room_to_tell(model, contexts, asked, blocks)
    max_tokens = max_tokens or tokens_at_once(model.config, model.device.type)
    found = no_scores(script, asked)
    for rows in batches({int(i): len(contexts[i]) for i in np.flatnonzero(asked.any(axis=1))}, max_tokens):
        prefix = read(model, PrefixCache.empty(len(rows)), [contexts[i] for i in rows])
        score_batch(model, prefix, rows, asked, blocks, max_tokens, found)
    return found


def tokens_at_once(config: PretrainedConfig, device: str) -> int:
    """Tokens that a model of this shape reads at once: a GPU more than a processor, as far as its memory will hold."""
    if device == "cpu":
        return MAX_TOKENS
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    cached = 4 * config.num_hidden_layers * config.num_key_value_heads * width  # key and value, of two bytes a number
    return int(np.clip(CACHED // cached, MAX_TOKENS, GPU_TOKENS))


def no_scores(script: Script, asked: NDArray[np.bool_]) -> list[Floats]:
    """Room for the scores of all asked items, as `option_log_probabilities` gives them."""
    return [np.empty((n_asked, len(script.options[j]))) for j, n_asked in enumerate(asked.sum(axis=0))]


def score_batch(
    model: PreTrainedModel,
    prefix: PrefixCache,
    rows: Sequence[int],
    asked: NDArray[np.bool_],
    blocks: Mapping[int, Block],
    max_tokens: int,
    found: Sequence[Floats],
) -> None:
    """Put the scores of all that is asked of these respondents in their place; the cache has read their contexts."""
    place = asked.cumsum(axis=0) - 1
    parts = [(row, part) for row, i in enumerate(rows) for part in _parts(asked[i], blocks)]
    for (row, j), scores in answer(model, prefix, parts, blocks, max_tokens).items():
        found[j][place[rows[row], j]] = scores


def question_blocks(script: Script, asked: NDArray[np.bool_]) -> dict[int, Block]:
    """Question and options of each item that is asked of anybody, by its number."""
    return {int(j): Block.make(script.stems[j], script.beginnings[j]) for j in np.flatnonzero(asked.any(axis=0))}


def room_to_tell(
    model: PreTrainedModel, contexts: Sequence[Tokens], asked: NDArray[np.bool_], blocks: Mapping[int, Block]
) -> Positions:
    """Tokens that each context may grow by and still leave room for the longest option of what is asked, shape (n,).

    Raises
    ------
    InputError
        If one leaves none as it is.
    """
    longest = np.array([blocks[j].depths.max() + 2 if j in blocks else 0 for j in range(asked.shape[1])])
    needed = np.array([len(context) for context in contexts]) + (asked * longest).max(axis=1, initial=0)
    window = model.config.max_position_embeddings
    if needed.max(initial=0) > window:
        raise InputError(
            f"prompt: respondent {needed.argmax()} takes {needed.max()} tokens, {model.config.model_type} reads "
            f"{window}; tell fewer answers (max_tokens of Script.context) or do not list the options"
        )
    return window - needed


def batches(sizes: Mapping[int, int], max_tokens: int, lengths: Mapping[int, int] | None = None) -> Iterator[list[int]]:
    """Cut texts into batches of like lengths, longest first, that take no more tokens than these, padding included.

    Parameters
    ----------
    sizes : tokens by the number of the text, with all that will be read behind it.
    lengths : of the texts themselves; by default as the sizes.
    """
    lengths = lengths or sizes
    batch: list[int] = []
    for i in sorted(sizes, key=lambda i: -lengths[i]):
        most = padded(max(sizes[k] for k in (*batch, i)))
        if batch and ((len(batch) + 1) * most > max_tokens or 2 * lengths[i] < lengths[batch[0]]):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def answer(
    model: PreTrainedModel,
    prefix: PrefixCache,
    parts: Sequence[tuple[int, Sequence[int]]],
    blocks: Mapping[int, Block],
    max_tokens: int,
) -> dict[tuple[int, int], Floats]:
    """Log-probability of every option (K,) of each question, by row of the cache and item.

    Parameters
    ----------
    parts : rows, and items to ask them together; a row may have several parts.
    blocks : questions, by item.
    """
    found: dict[tuple[int, int], Floats] = {}
    for chosen in batches({k: sum(len(blocks[j]) for j in items) for k, (_, items) in enumerate(parts)}, max_tokens):
        rows, asked = zip(*(parts[k] for k in chosen), strict=True)
        scores = ask(model, prefix, rows, [[blocks[j] for j in items] for items in asked])
        cells = [(row, j) for row, items in zip(rows, asked, strict=True) for j in items]
        ends = np.cumsum([len(blocks[j].paths) for _, j in cells])
        found.update(zip(cells, np.split(scores.double().cpu().numpy(), ends[:-1]), strict=True))
    return found


def _parts(asked: NDArray[np.bool_], blocks: Mapping[int, Block]) -> list[list[int]]:
    """Items of one respondent that are read together."""
    items = [int(j) for j in np.flatnonzero(asked)]
    parts: list[list[int]] = [[]]
    for j in items:
        if parts[-1] and sum(len(blocks[k]) for k in parts[-1]) + len(blocks[j]) > MAX_QUESTION_TOKENS:
            parts.append([])
        parts[-1].append(j)
    return parts
