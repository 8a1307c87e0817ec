"""How many tokens a language model reads of a table: to learn, to be calibrated and audited, and to answer."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Floats
from imputers.llm.prompted import N_AUDITED, N_VALIDATION
from imputers.llm.prompts.relevance import Relevance
from imputers.llm.prompts.script import Script
from imputers.llm.scoring.options import question_blocks
from imputers.llm.tuning.examples import make_example
from imputers.llm.tuning.recipe import Recipe
from imputers.shared.calibration import calibration_cells
from imputers.shared.vocabulary import Positions


class Prompts(NamedTuple):
    """Tokens of what is put to some respondents, shape (r,) each: the known answers, and questions with options."""

    contexts: Floats
    questions: Floats


class Reading(NamedTuple):
    """Prompts of who is asked, also to calibrate and in the audit; rests of drawn answers, examples, what they predict.

    Rests are tokens of an asked respondent, on average; examples tokens of each, shape (n,); and of an example so many
    are predicted, on average.
    """

    asked: Prompts
    validated: Prompts
    audited: Prompts
    drawn: float
    examples: Floats
    answers: float


def read(
    script: Script, answers: Positions, asked: NDArray[np.bool_], recipe: Recipe, window: int, n_features: int | None
) -> Reading:
    """Write the prompts of a table and count their tokens; which known answers are told is left to chance.

    Parameters
    ----------
    answers : answer numbers (n, p), -1 for holes.
    asked : the holes that are filled (n, p).
    window, n_features : tokens of a prompt, and known answers in it, at most.
    """
    rng = np.random.default_rng(0)
    told = Relevance(rng.random((answers.shape[1],) * 2), n_features)
    cells = calibration_cells(answers, N_VALIDATION, rng)
    learned, validated = np.where(cells, -1, answers), np.flatnonzero(cells.any(axis=1))
    rows = learned[(learned >= 0).any(axis=1)]
    examples = [make_example(row, script, recipe, window, rng, told) for row in rows]
    checks = _prompts(script, learned[validated], cells[validated], window, told)
    audited = slice(None, None, max(1, -(-len(validated) // N_AUDITED)))
    filled = asked.any(axis=1)
    return Reading(
        asked=_prompts(script, answers[filled], asked[filled], window, told),
        validated=checks,
        audited=Prompts(checks.contexts[audited], checks.questions[audited]),
        drawn=float((asked @ _read_on(script)).sum() / max(filled.sum(), 1)),
        examples=np.array([len(example) for example in examples], dtype=float),
        answers=float(np.mean([example.n_tokens_predicted for example in examples])),
    )


def _prompts(
    script: Script, answers: Positions, questions: NDArray[np.bool_], window: int, relevance: Relevance
) -> Prompts:
    """Prompts of respondents (r, p) who are asked these questions (r, p)."""
    every = np.arange(answers.shape[1])
    contexts = [len(script.context(own, relevance.told(script, own, every, window))) for own in answers]
    lengths = [len(block) for block in question_blocks(script, np.ones((1, len(every)), dtype=bool)).values()]
    return Prompts(np.array(contexts, dtype=float), questions @ np.array(lengths, dtype=float))


def _read_on(script: Script) -> Floats:
    """Tokens of an item's answers that a draw reads behind the question, on average, shape (p,)."""
    rest = [
        [len(answer) - len(beginning) + 1 for answer, beginning in zip(*own, strict=True)]
        for own in zip(script.options, script.beginnings, strict=True)
    ]
    return np.array([np.mean(own) for own in rest])
