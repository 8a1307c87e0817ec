"""Training examples: prompts that tell some of a respondent's answers, each to be guessed, and ask for others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from imputers.llm.prompts.relevance import Relevance
from imputers.llm.prompts.script import Script, Tokens
from imputers.llm.scoring.packing import Block, padded
from imputers.llm.tuning.recipe import Recipe
from imputers.shared.vocabulary import Positions


@dataclass(frozen=True)
class Example:
    """What one respondent is asked in a step: a prompt of known answers, and blocks that each ask a hidden one.

    An answer that is told is asked too, given those told before it: the model reads it anyway.

    Parameters
    ----------
    prefix : the opening, and lines of known answers.
    told : places in it of the answers' beginnings.
    blocks : what is asked behind it.
    """

    prefix: Tokens
    told: tuple[range, ...]
    blocks: tuple[Block, ...]

    @property
    def n_tokens_predicted(self) -> int:
        """How many tokens these answers are spelled by."""
        return sum(map(len, self.told)) + sum(len(block.targets) for block in self.blocks)

    @property
    def n_answers(self) -> int:
        """How many answers are asked."""
        return len(self.told) + len(self.blocks)

    def __len__(self) -> int:
        return len(self.prefix) + sum(map(len, self.blocks))


def respondents(rows: Positions, step: int, batch_size: int, seed: int) -> Positions:
    """Respondents of a step: epoch after epoch through all of them, each in a random order of its own."""
    places = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, within = np.divmod(places, len(rows))
    orders = {number: np.random.default_rng((seed, 0, number)).permutation(rows) for number in set(epochs.tolist())}
    return np.array([orders[number][place] for number, place in zip(epochs.tolist(), within, strict=True)])


def make_example(
    row: Positions,
    script: Script,
    recipe: Recipe,
    window: int,
    rng: np.random.Generator,
    relevance: Relevance | None = None,
) -> Example:
    """Hide a random share of a respondent's observed answers (p,), one at least.

    The others are told in random order; where not all are wanted or fit in the model's window, those that say most
    about what is asked, or any if that is not known. No line is cut.
    """
    order = rng.permutation(np.flatnonzero(row >= 0))
    n_hidden = max(round(rng.uniform(recipe.min_hidden, recipe.max_hidden) * len(order)), 1)
    questions = order[:n_hidden][: recipe.n_targets]
    blocks = tuple(Block.make(script.stems[j], [script.beginnings[j][row[j]]]) for j in questions)
    told = order[n_hidden:]
    if relevance is not None:
        known = np.where(np.isin(np.arange(len(row)), told), row, -1)
        told = rng.permutation(relevance.told(script, known, questions, window))
    fitting = script.fitting(row, told, window - max(map(len, blocks)))
    return Example(script.context(row, fitting), _answers_told(script, row, fitting), blocks)


def _answers_told(script: Script, row: Positions, items: Sequence[int]) -> tuple[range, ...]:
    """Places of the beginnings of these items' answers in a context of their lines."""
    found, end = [], len(script.opening)
    for j in items:
        end += len(script.lines[j][row[j]])
        answer = end - len(script.options[j][row[j]])
        found.append(range(answer, answer + len(script.beginnings[j][row[j]])))
    return tuple(found)


def micro_batches(examples: Sequence[Example], max_tokens: int) -> Iterator[list[Example]]:
    """Divide a batch, the shortest first, so that none but a lone example has more tokens, padding included."""
    part: list[Example] = []
    for example in sorted(examples, key=len):
        if part and (len(part) + 1) * padded(len(example)) > max_tokens:
            yield part
            part = []
        part.append(example)
    yield part
