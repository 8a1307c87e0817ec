"""Joint draws of a prompted model: a respondent's holes one after another, each told to those that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from transformers import DynamicCache, PreTrainedModel

from datasets.schema import Floats
from imputers.llm.prompts.script import Script, Tokens
from imputers.llm.scoring.options import (
    MAX_QUESTION_TOKENS,
    batches,
    question_blocks,
    room_to_tell,
    tokens_at_once,
)
from imputers.llm.scoring.packing import Block, padded
from imputers.llm.scoring.reading import PrefixCache, go_on, keep, read
from imputers.shared.levels import level_at
from imputers.shared.vocabulary import Positions

Seen = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Branch:
    """Draws of a respondent that agree so far, and so share what was read.

    Parameters
    ----------
    draws : their numbers.
    seen : places in their row of the cache that hold what was told them, shape (places,).
    text : what is still to be read of the last answer.
    room : tokens that the model's window has left for answers.
    """

    draws: Positions
    seen: Seen
    text: Tokens
    room: int


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the cache, in which branches of a respondent share what they have read in common.

    Attention compares all that is read in a row with all that it holds, although most is hidden from each branch. So
    branches that would ask more than `MAX_QUESTION_TOKENS` together are in several rows.

    Parameters
    ----------
    respondent : whose it is.
    branches : neighbours in the tree.
    """

    respondent: int
    branches: Sequence[Branch]


def draw_in_turn(
    model: PreTrainedModel,
    script: Script,
    contexts: Sequence[Tokens],
    asked: NDArray[np.bool_],
    temperatures: Floats,
    n_draws: int,
    rng: np.random.Generator,
    max_tokens: int | None = None,
) -> tuple[list[Floats], Positions]:
    """Draw all that a respondent is asked, each item given those drawn before it, and tell what each was drawn by.

    The context is read once. Every respondent has an order of items of their own, and draws that agree so far share
    what is read, so that they are a tree. A drawn answer is read on behind its question; if the model's window has no
    room for it, those that follow are drawn without it.

    Parameters
    ----------
    model, contexts, asked, max_tokens : as in `option_log_probabilities`, which raises the same.
    temperatures : what log-probabilities are divided by, per item, shape (p,).
    rng : source of orders and answers, which do not depend on how respondents are batched.

    Returns
    -------
    shares : for each of the p items, the probabilities that it was drawn by, mean over draws, (respondents asked, K).
    drawn : answer numbers (n_draws, n, p), -1 where nothing was asked.
    """
    blocks = question_blocks(script, asked)
    room = room_to_tell(model, contexts, asked, blocks)
    turns = np.argsort(np.where(asked, rng.random(asked.shape), np.inf), axis=1)
    chances = rng.random((n_draws, *asked.shape))
    place = asked.cumsum(axis=0) - 1  # of a respondent among those who are asked an item
    shares = [np.zeros((n, len(own))) for n, own in zip(asked.sum(axis=0), script.options, strict=True)]
    drawn = np.full((n_draws, *asked.shape), -1, dtype=np.intp)
    n_asked = asked.sum(axis=1)
    lengths = {i: len(context) for i, context in enumerate(contexts)}
    max_tokens = max_tokens or tokens_at_once(model.config, model.device.type)
    for batch in batches(_most_read(script, contexts, asked, n_draws, blocks), max_tokens, lengths):
        prefix = read(model, PrefixCache.empty(len(batch)), [contexts[i] for i in batch])
        every = np.arange(n_draws)
        rows = [Row(i, [Branch(every, seen, (), int(room[i]))]) for i, seen in zip(batch, prefix.seen, strict=True)]
        for turn in range(n_asked[batch].max()):
            widths = {i: len(blocks[int(turns[i, turn])]) for i in batch if n_asked[i] > turn}
            rows = _arranged(prefix.cache, rows, widths)
            items = [int(turns[row.respondent, turn]) for row in rows]
            given = _shares(model, prefix.cache, script, rows, items, temperatures)
            for row, j, told in zip(rows, items, given, strict=True):
                i = row.respondent
                for branch, share in zip(row.branches, told, strict=True):
                    shares[j][place[i, j]] += share * len(branch.draws) / n_draws
                    drawn[branch.draws, i, j] = level_at(share[None], chances[branch.draws, i, j, None])
            n_places = prefix.cache.get_seq_length()
            rows = [
                replace(row, branches=_grown(script, j, row.branches, drawn[:, row.respondent, j], n_places))
                for row, j in zip(rows, items, strict=True)
            ]
    return shares, drawn


def _arranged(cache: DynamicCache, rows: Sequence[Row], widths: Mapping[int, int]) -> list[Row]:
    """Rows for the next question, of so many tokens by respondent; what none of a row's branches sees is forgotten."""
    parts = [
        (source, Row(row.respondent, [row.branches[k] for k in own]))
        for source, row in enumerate(rows)
        if row.respondent in widths
        for own in _parts(len(row.branches), widths[row.respondent])
    ]
    kept = [np.flatnonzero(np.any([branch.seen for branch in row.branches], axis=0)) for _, row in parts]
    places = np.zeros((len(parts), padded(max(map(len, kept)))), dtype=np.intp)
    for own, old in zip(places, kept, strict=True):
        own[: len(old)] = old
    keep(cache, np.array([source for source, _ in parts]), places)
    return [
        replace(row, branches=[replace(branch, seen=_at(branch.seen, own, len(old))) for branch in row.branches])
        for (_, row), own, old in zip(parts, places, kept, strict=True)
    ]


def _parts(n: int, width: int) -> list[Positions]:
    """Numbers of n branches, each of which is asked a question of some tokens, by the row that they are in."""
    return np.array_split(np.arange(n), min(-(-n * width // MAX_QUESTION_TOKENS), n))


def _at(seen: Seen, places: Positions, n: int) -> Seen:
    """Which of some places are seen; only the first n are places, the others padding."""
    return seen[places] & (np.arange(len(places)) < n)


def _shares(
    model: PreTrainedModel,
    cache: DynamicCache,
    script: Script,
    rows: Sequence[Row],
    items: Sequence[int],
    temperatures: Floats,
) -> list[list[Floats]]:
    """Probabilities of the answers to the item that each row is asked, on each branch; the cache grows."""
    blocks = [[_block(script, branch, j) for branch in row.branches] for row, j in zip(rows, items, strict=True)]
    seen = [[branch.seen for branch in row.branches] for row in rows]
    scores = go_on(model, cache, blocks, seen).double().cpu().numpy()
    ends = np.cumsum([len(block.paths) for own in blocks for block in own])
    each = iter(np.split(scores, ends[:-1]))
    return [[softmax(next(each) / temperatures[j]) for _ in row.branches] for row, j in zip(rows, items, strict=True)]


def _block(script: Script, branch: Branch, j: int) -> Block:
    """What is still to be read of the last answer, and then the question."""
    return Block.make((*branch.text, *script.stems[j]), script.beginnings[j])


def _grown(script: Script, j: int, branches: Sequence[Branch], drawn: Positions, n_places: int) -> list[Branch]:
    """The branches after item j was drawn (n_draws,); what was read last stands behind the places they have seen."""
    found = []
    start = len(branches[0].seen)
    for branch in branches:
        block = _block(script, branch, j)
        for k in np.unique(drawn[branch.draws]):
            own = replace(branch, draws=branch.draws[drawn[branch.draws] == k])
            found.append(_told(script, j, int(k), own, block, np.arange(start, start + len(block)), n_places))
        start += len(block)
    return found


def _told(script: Script, j: int, k: int, branch: Branch, block: Block, places: Positions, n_places: int) -> Branch:
    """A branch that goes on with answer k to item j: behind the question as it was read, if a line says the same."""
    line, answer = script.lines[j][k], script.options[j][k]
    seen = np.concatenate([branch.seen, np.zeros(n_places - len(branch.seen), dtype=bool)])
    seen[places[: len(branch.text)]] = True
    if len(line) > branch.room:
        return replace(branch, seen=seen, text=())
    room = branch.room - len(line)
    if line != (*script.stems[j], *answer):
        return replace(branch, seen=seen, text=line, room=room)
    seen[places[block.sees[block.sources[block.paths[k][-1]]]]] = True
    return replace(branch, seen=seen, text=answer[len(script.beginnings[j][k]) - 1 :], room=room)


def _most_read(
    script: Script, contexts: Sequence[Tokens], asked: NDArray[np.bool_], n_draws: int, blocks: Mapping[int, Block]
) -> dict[int, int]:
    """Tokens of the context, of all that may be told behind it, and of a question to every draw, by respondent."""
    longest = np.array([max(map(len, lines)) for lines in script.lines])
    widest = np.array([len(blocks[j]) if j in blocks else 0 for j in range(asked.shape[1])])
    return {
        int(i): len(contexts[i]) + n_draws * int(longest[asked[i]].sum() + widest[asked[i]].max())
        for i in np.flatnonzero(asked.any(axis=1))
    }
