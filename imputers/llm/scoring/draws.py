"""Joint draws of a prompted model: a respondent's holes one after another, each told to those that follow."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from datasets.schema import Floats
from imputers.llm.prompts.script import Script, Tokens
from imputers.llm.scoring.options import MAX_TOKENS, answer, batches, question_blocks, room_to_tell
from imputers.llm.scoring.reading import PrefixCache, read
from imputers.shared.levels import level_at
from imputers.shared.vocabulary import Positions


def draw_in_turn(
    model: PreTrainedModel,
    script: Script,
    contexts: Sequence[Tokens],
    asked: NDArray[np.bool_],
    temperatures: Floats,
    rng: np.random.Generator,
    max_tokens: int = MAX_TOKENS,
) -> Positions:
    """Draw an answer to every asked item, each given the context and the respondent's answers drawn before it.

    Gives answer numbers (n, p), -1 where nothing was asked. Every respondent has an order of items of their own. A
    drawn answer is read on as a line of the context; if the model's window has no room for it, those that follow are
    drawn without it.

    Parameters
    ----------
    model, contexts, asked, max_tokens : as in `option_log_probabilities`, which raises the same.
    temperatures : what log-probabilities are divided by, per item, shape (p,).
    rng : source of orders and answers, which do not depend on how respondents are batched.
    """
    blocks = question_blocks(script, asked)
    room = room_to_tell(model, contexts, asked, blocks)
    turns = np.argsort(np.where(asked, rng.random(asked.shape), np.inf), axis=1)
    chances = rng.random(asked.shape)
    drawn = np.full(asked.shape, -1, dtype=np.intp)
    n_asked = asked.sum(axis=1)
    for batch in batches(_most_read(script, contexts, asked), max_tokens):
        rows = sorted(batch, key=lambda i: -n_asked[i])  # who has no more holes is last, and is left behind
        prefix, texts = PrefixCache.empty(len(rows)), [contexts[i] for i in rows]
        for turn in range(n_asked[rows[0]]):
            now = [i for i in rows if n_asked[i] > turn]
            items = [int(turns[i, turn]) for i in now]
            prefix = read(model, prefix, texts[: len(now)])
            scores = answer(model, prefix, [(row, [j]) for row, j in enumerate(items)], blocks, max_tokens)
            answers = [_pick(scores[row, j] / temperatures[j], chances[now[row], j]) for row, j in enumerate(items)]
            drawn[now, items] = answers
            lines = [script.lines[j][k] for j, k in zip(items, answers, strict=True)]
            texts = [line if len(line) <= room[i] else () for i, line in zip(now, lines, strict=True)]
            room[now] -= [len(text) for text in texts]
    return drawn


def _most_read(script: Script, contexts: Sequence[Tokens], asked: NDArray[np.bool_]) -> dict[int, int]:
    """Tokens of the context and of the longest lines that may be told, by respondent who is asked anything."""
    longest = np.array([max(map(len, lines)) for lines in script.lines])
    return {int(i): len(contexts[i]) + int(longest[asked[i]].sum()) for i in np.flatnonzero(asked.any(axis=1))}


def _pick(scores: Floats, chance: float) -> int:
    """The answer at this share of the way through the probabilities of all, for scores (K,)."""
    return int(level_at(np.exp(scores - scores.max())[None], np.array([[chance]]))[0])
