"""Joint draws of a prompted model: a respondent's holes one after another, each told to those that follow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from transformers import DynamicCache, PreTrainedModel

from datasets.schema import Floats
from imputers.llm.prompts.script import Script, Tokens
from imputers.llm.scoring.options import batches, question_blocks, room_to_tell, tokens_at_once
from imputers.llm.scoring.packing import Block
from imputers.llm.scoring.reading import PrefixCache, go_on, read
from imputers.shared.levels import level_at
from imputers.shared.vocabulary import Positions

Seen = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Branch:
    """Draws of a respondent that agree so far, and so share what was read.

    Parameters
    ----------
    draws : their numbers.
    seen : places of the cache that hold what was told them, shape (places,).
    text : what is still to be read of the last answer.
    room : tokens that the model's window has left for answers.
    """

    draws: Positions
    seen: Seen
    text: Tokens
    room: int


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
    room = room_to_tell(model, contexts, asked, question_blocks(script, asked))
    turns = np.argsort(np.where(asked, rng.random(asked.shape), np.inf), axis=1)
    chances = rng.random((n_draws, *asked.shape))
    place = asked.cumsum(axis=0) - 1  # of a respondent among those who are asked an item
    shares = [np.zeros((n, len(own))) for n, own in zip(asked.sum(axis=0), script.options, strict=True)]
    drawn = np.full((n_draws, *asked.shape), -1, dtype=np.intp)
    n_asked = asked.sum(axis=1)
    lengths = {i: len(context) for i, context in enumerate(contexts)}
    max_tokens = max_tokens or tokens_at_once(model.config, model.device.type)
    for batch in batches(_most_read(script, contexts, asked, n_draws), max_tokens, lengths):
        rows = sorted(batch, key=lambda i: -n_asked[i])  # who has no more holes is last, and is left behind
        prefix = read(model, PrefixCache.empty(len(rows)), [contexts[i] for i in rows])
        tree = [[Branch(np.arange(n_draws), seen, (), int(room[i]))] for i, seen in zip(rows, prefix.seen, strict=True)]
        for turn in range(n_asked[rows[0]]):
            rows = [i for i in rows if n_asked[i] > turn]
            items = turns[rows, turn].tolist()
            given = _shares(model, prefix.cache, script, tree[: len(rows)], items, temperatures)
            for i, j, own, told in zip(rows, items, tree, given, strict=False):
                for branch, share in zip(own, told, strict=True):
                    shares[j][place[i, j]] += share * len(branch.draws) / n_draws
                    drawn[branch.draws, i, j] = level_at(share[None], chances[branch.draws, i, j, None])
            tree = [
                _grown(script, j, own, drawn[:, i, j], prefix.cache.get_seq_length())
                for i, j, own in zip(rows, items, tree, strict=False)
            ]
    return shares, drawn


def _shares(
    model: PreTrainedModel,
    cache: DynamicCache,
    script: Script,
    tree: Sequence[Sequence[Branch]],
    items: Sequence[int],
    temperatures: Floats,
) -> list[list[Floats]]:
    """Probabilities of the answers to the item that each respondent is asked, on each branch; the cache grows."""
    blocks = [[_block(script, branch, j) for branch in own] for own, j in zip(tree, items, strict=True)]
    scores = go_on(model, cache, blocks, [[branch.seen for branch in own] for own in tree]).double().cpu().numpy()
    ends = np.cumsum([len(script.options[j]) for own, j in zip(tree, items, strict=True) for _ in own])
    each = iter(np.split(scores, ends[:-1]))
    return [[softmax(next(each) / temperatures[j]) for _ in own] for own, j in zip(tree, items, strict=True)]


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


def _most_read(script: Script, contexts: Sequence[Tokens], asked: NDArray[np.bool_], n_draws: int) -> dict[int, int]:
    """Tokens of the context and of all that may be told behind it, by respondent who is asked anything."""
    longest = np.array([max(map(len, lines)) for lines in script.lines])
    return {
        int(i): len(contexts[i]) + n_draws * int(longest[asked[i]].sum()) for i in np.flatnonzero(asked.any(axis=1))
    }
