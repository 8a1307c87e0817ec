"""Language models as they are: nothing is trained, and what they know of the table stands in the prompt."""

from collections.abc import Iterator
from numbers import Integral
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.llm.prompted import PromptedImputer
from imputers.shared.distances import Gower
from imputers.shared.levels import draw_level
from imputers.shared.vocabulary import Positions

if TYPE_CHECKING:
    from imputers.llm.prompts.script import Script, Tokens
    from imputers.shared.weights import LanguageModel

N_NEIGHBORS = 100  # nearest respondents among whom those with an answer to the question are found


@IMPUTERS.register("llm-zero-shot")
class ZeroShot(PromptedImputer):
    """Language model that is asked for each hole, given the respondent's other answers.

    Prompting as by Narayan, Chami, Orr & Ré (2022), Can Foundation Models Wrangle Your Data?, PVLDB 16; the options
    are listed in the question, since nothing else says what they are. All that is taken from the table is how far
    the model is to be trusted, item by item: temperatures, on the validation cells. Parameters as in
    `PromptedImputer`. Draws hold the model fixed, so that they are not proper in Rubin's sense.
    """

    defaults: ClassVar[str] = "ours; on which table is not recorded"
    lists_options: ClassVar[bool] = True

    def _learn(self, answers: Positions, rng: np.random.Generator) -> None:
        """Nothing."""

    def _members(self) -> Iterator["LanguageModel"]:
        yield self.language_


@IMPUTERS.register("llm-few-shot")
class FewShot(ZeroShot):
    """Language model that is first shown how the most similar respondents answered.

    In-context learning (Brown et al. 2020, NeurIPS, arXiv 2005.14165) with examples retrieved by similarity (Liu et al.
    2022, What Makes Good In-Context Examples for GPT-3?, DeeLIO): before the question stand the ``n_examples``
    respondents with an answer to it who are nearest by Gower's distance, least similar first, each with the answers
    that the respondent gave too, and the question with the answer of theirs. Each hole has a prompt of its own. Draws
    fill a respondent's holes in random order, each given those before. Other parameters as in `PromptedImputer`.

    Parameters
    ----------
    n_examples : respondents shown at most; those that do not fit into the window are left out, least similar first.
    """

    defaults: ClassVar[str] = "ours; on which table is not recorded"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        **ZeroShot._parameter_constraints,
        "n_examples": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        model: str | None = None,
        n_examples: int = 8,
        precision: str = "auto",
        wording: str = "text",
        n_features: int | None = 8,
        n_bins: int = 100,
    ) -> None:
        super().__init__(model, precision, wording, n_features, n_bins)
        self.n_examples = n_examples

    def _learn(self, answers: Positions, rng: np.random.Generator) -> None:
        self._donors = answers

    def _prompts(
        self, script: "Script", answers: Positions, asked: NDArray[np.bool_], rng: np.random.Generator
    ) -> tuple[list["Tokens"], NDArray[np.bool_]]:
        """One prompt per hole, in row-major order of the holes."""
        holes = np.argwhere(asked)
        single = np.zeros((len(holes), answers.shape[1]), dtype=bool)
        single[np.arange(len(holes)), holes[:, 1]] = True
        nearest = self._nearest(answers)
        contexts = []
        for i, j in holes:
            told = self.relevance_.told(script, answers[i], np.array([j]), self.language_.window)
            order = rng.permutation(told)
            donors = [d for d in nearest[i] if self._donors[d, j] >= 0][: self.n_examples]
            contexts.append(self._context(script, answers[i], order, int(j), donors))
        return contexts, single

    def _context(self, script: "Script", own: Positions, order: Positions, asked: int, donors: list[int]) -> "Tokens":
        """Examples, least similar first, as many as there is room for, and then the respondent's own answers.

        Parameters
        ----------
        own : the respondent's answer numbers (p,).
        order : items to tell of the respondent, and of the donors, in this order.
        asked : item to answer.
        donors : rows of the fitted table, nearest first.
        """
        ours = script.context(own, order)
        begin = script.opening[1:] if script.opening[0] == self.language_.tokenizer.bos_token_id else script.opening
        longest = len(script.stems[asked]) + max(map(len, script.options[asked]))
        room = self.language_.window - len(ours) - longest
        examples: list[Tokens] = []
        for donor in donors:
            theirs = self._donors[donor]
            told = tuple(token for j in order if theirs[j] >= 0 for token in script.lines[j][theirs[j]])
            examples.append((*begin, *told, *script.stems[asked], *script.options[asked][theirs[asked]]))
        lengths = np.cumsum([len(example) for example in examples])
        fitting = examples[: int((lengths <= room).sum())][::-1]
        shown = tuple(token for example in fitting for token in example)
        return (*script.opening[: len(script.opening) - len(begin)], *shown, *begin, *ours[len(script.opening) :])

    def _nearest(self, answers: Positions) -> Positions:
        """Rows of the fitted table nearest to each respondent (r, p), nearest first, shape (r, N_NEIGHBORS or n)."""
        distance = Gower.learn(self.schema_, self._codes_of(self._donors))
        most = min(N_NEIGHBORS, len(self._donors))
        nearest = np.empty((len(answers), most), dtype=np.intp)
        for rows, apart in distance.blocks(self._codes_of(answers), self._codes_of(self._donors)):
            nearest[rows] = np.argsort(apart, axis=1, kind="stable")[:, :most]
        return nearest

    def _codes_of(self, answers: Positions) -> Floats:
        """Codes, or means of bins, of answer numbers (r, p)."""
        known = [
            np.where(own < 0, np.nan, item.means[own])
            for own, item in zip(answers.T, self.vocabulary_.items, strict=True)
        ]
        return np.column_stack(known)

    def _answered(
        self, answers: Positions, asked: NDArray[np.bool_], n_draws: int, rng: np.random.Generator
    ) -> tuple[list[Floats], Positions]:
        """Draws and what they were drawn by, as in `PromptedImputer`; prompts are written anew for every hole."""
        runs = [self._drawn(answers, asked, rng) for _ in range(n_draws)]
        shares = [np.mean(each, axis=0) for each in zip(*(own for own, _ in runs), strict=True)]
        return shares, np.stack([drawn for _, drawn in runs])

    def _drawn(
        self, answers: Positions, asked: NDArray[np.bool_], rng: np.random.Generator
    ) -> tuple[list[Floats], Positions]:
        """What each asked item was drawn by, and answers (r, p) with what was drawn, each given those before."""
        drawn, place = answers.copy(), asked.cumsum(axis=0) - 1
        given = [np.zeros((n, len(own))) for n, own in zip(asked.sum(axis=0), self.script_.options, strict=True)]
        turns = np.argsort(np.where(asked, rng.random(asked.shape), np.inf), axis=1)
        for turn in range(int(asked.sum(axis=1).max())):
            rows = np.flatnonzero(asked.sum(axis=1) > turn)
            now = np.zeros((len(rows), asked.shape[1]), dtype=bool)
            now[np.arange(len(rows)), turns[rows, turn]] = True
            logs = self._option_logs(self.script_, *self._prompts(self.script_, drawn[rows], now, rng))
            for j in np.flatnonzero(now.any(axis=0)):
                shares = self.temperatures_.probabilities(int(j), logs[j])
                own = rows[now[:, j]]
                given[j][place[own, j]] = shares
                drawn[own, j] = draw_level(shares, rng)
        return given, drawn
