"""Base of the imputers that put a respondent's known answers to a language model in words, and ask for the others."""

import time
from abc import abstractmethod
from collections.abc import Iterator
from numbers import Integral
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from datasets.errors import MethodUnavailableError
from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers.base import Imputer
from imputers.shared.vocabulary import Positions, Vocabulary
from imputers.shared.weights import PACKAGES, check_packages
from imputers.shared.wording import WORDINGS

if TYPE_CHECKING:
    from imputers.llm.prompts.script import Script, Tokens
    from imputers.llm.scoring.audit import Spent
    from imputers.shared.weights import LanguageModel

N_VALIDATION = 1000  # validation cells at most, of which nothing is learned but how far to trust the model
N_AUDITED = 200  # respondents with validation cells at most, who are asked anew in every other wording
N_TIMED = 50  # respondents whose holes are scored to see what that costs


class PromptedImputer(Imputer):
    """Base of the imputers that complete a prompt: a line for each known answer, then the question.

    Nothing is generated: every answer of an item is scored, as its label and the line break behind it, and the scores
    are divided by the item's temperature and normalised. A draw fills a respondent's holes one after another in random
    order, each given those before; what is stated of a hole is the mean, over draws, of the probabilities that it was
    drawn by, so that it agrees with them. Known answers come in random order; those that do not fit into the
    model's window, least telling first, are left out, as are all but the ``n_features`` that say most about what is
    asked.

    A subclass says what the model learns, in ``_learn``, and what stands before a question, in ``_prompts``.

    Parameters
    ----------
    model : folder of a model, or its id on huggingface.co; None is the model that the class is declared for.
    precision : ``"float32"``, ``"bfloat16"``, ``"4-bit"``, or ``"auto"``; see `imputers.shared.weights.load`.
    wording : ``"text"`` (question and label), ``"numbers"`` (question and code), ``"codes"`` ("Q17: option 3") or
        ``"permuted"`` (the labels of a question change places).
    n_features : known answers shown at most, those that say most about what is asked; None shows all that fit.
    n_bins : levels of a numeric item at most; more values than that are put into bins, of which each is an answer.

    Attributes
    ----------
    declared : id of the model that the class is declared for, if it is for one.
    lists_options : whether a question names its options.
    vocabulary_, script_, relevance_ : levels of each item, their words in tokens, and which of them are told.
    temperatures_ : how far the model is trusted.
    language_ : the model and its tokenizer.
    """

    family: ClassVar[str] = "llm"
    reads_text: ClassVar[bool] = True
    by_row: ClassVar[bool] = True
    declared: ClassVar[str | None] = None
    lists_options: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "model": [str, None],
        "precision": [StrOptions({"auto", "float32", "bfloat16", "4-bit"})],
        "wording": [StrOptions(set(WORDINGS))],
        "n_features": [Interval(Integral, 1, None, closed="left"), None],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
    }

    weights: str = "pretrained"
    n_adapters: int = 1

    def __init__(
        self,
        model: str | None = None,
        precision: str = "auto",
        wording: str = "text",
        n_features: int | None = None,
        n_bins: int = 100,
    ) -> None:
        self.model = model
        self.precision = precision
        self.wording = wording
        self.n_features = n_features
        self.n_bins = n_bins

    @abstractmethod
    def _learn(self, answers: Positions, rng: np.random.Generator) -> None:
        """Learn from answer numbers (n, p), -1 where there is none."""

    @abstractmethod
    def _members(self) -> Iterator["LanguageModel"]:
        """The ``n_adapters`` models whose probabilities are averaged."""

    def model_name(self) -> str:
        """Folder or id of the model.

        Raises
        ------
        MethodUnavailableError
            If none is given.
        """
        name = self.model or self.declared
        if name is None:
            raise MethodUnavailableError(
                f"{type(self).__name__} needs a language model: give the folder of one, or its id on huggingface.co, "
                "e.g. --imputers \"llm(model='meta-llama/Llama-2-7b-hf')\""
            )
        return name

    def prepare(self) -> None:
        """Download a model of the hub; read one in GGUF, which takes a minute, and keep it as safetensors."""
        from imputers.shared.weights import obtain

        obtain(self.model_name(), self.precision, self.weights)

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        name = self.model_name()
        check_packages(name, PACKAGES)
        import torch

        from imputers.llm.prompts.relevance import Relevance
        from imputers.llm.prompts.script import Script
        from imputers.shared.calibration import calibration_cells
        from imputers.shared.weights import load

        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        self.language_ = load(name, self.precision, self.weights, generator)
        self.vocabulary_ = Vocabulary.fit(self.schema_, X, self.n_bins)
        self.script_ = Script.make(
            self.vocabulary_.items, self.language_.tokenizer, self.wording, list_options=self.lists_options
        )
        self.relevance_ = Relevance.learn(self.schema_, X, self.n_features)
        self._fitted = self.vocabulary_.answers(X)
        self._validation = calibration_cells(self._fitted, N_VALIDATION, rng)
        self._learn(np.where(self._validation, -1, self._fitted), rng)
        self._calibrate(rng)

    def _calibrate(self, rng: np.random.Generator) -> None:
        """Learn temperatures on the validation cells, asked as holes are: from all of a respondent's other answers."""
        from imputers.shared.calibration import calibrate

        rows = np.flatnonzero(self._validation.any(axis=1))
        asked, answers = self._validation[rows], self._fitted[rows]
        prompts = self._prompts(self.script_, np.where(asked, -1, answers), asked, rng)
        logs = self._option_logs(self.script_, *prompts)
        own = {j: logs[j] for j in range(len(logs)) if len(logs[j])}
        self.temperatures_ = calibrate(own, {j: answers[asked[:, j], j] for j in own}, len(logs))

    def _answer(self, X: Floats, asked: NDArray[np.bool_], n_draws: int, rng: np.random.Generator) -> Prediction:
        from imputers.llm.scoring.portions import in_portions

        rows = np.flatnonzero(asked.any(axis=1))
        answers, asked = self.vocabulary_.answers(X[rows]), asked[rows]
        shares, drawn = in_portions(
            lambda own, wanted, source: self._answered(own, wanted, n_draws, source),
            answers,
            asked,
            rng,
            self.folder_ and self.folder_ / "answers",
            repr(
                (type(self).__name__, self.get_params(), self.language_.name, self.language_.precision, n_draws)
            ).encode()
            + self.temperatures_.of_items.tobytes()
            + self._fitted.tobytes(),
        )
        items, columns = self.vocabulary_.items, np.nonzero(asked)[1]
        draws, expected = np.empty((n_draws, len(columns))), np.full(len(columns), np.nan)
        for d in range(n_draws):
            for j, item in enumerate(items):
                draws[d, columns == j] = item.decode(drawn[d][asked[:, j], j], rng)
        for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC):
            expected[columns == j] = shares[j] @ items[j].means
        labelled = self.schema_.where(Kind.NOMINAL, Kind.ORDINAL, Kind.TEXT)
        return Prediction(draws, expected, {int(j): items[j].spread(shares[j]) for j in labelled})

    def audit(self) -> dict[str, float]:
        """What the model says of the validation cells, asked as they are and otherwise; see `scoring.audit`."""
        from imputers.llm.prompts.variants import Variant, askable, retell
        from imputers.llm.scoring.audit import AuditedCells, audit

        rows = np.flatnonzero(self._validation.any(axis=1))
        rows = rows[:: -(-len(rows) // N_AUDITED)]
        asked, answers, items = self._validation[rows], self._fitted[rows], self.vocabulary_.items

        def say(variant: Variant) -> list[Floats]:
            script = retell(variant, self.script_, items, self.language_.tokenizer, self.lists_options)
            rng = np.random.default_rng(self.random_state_)  # lines in the same order under every variant
            return self._option_logs(script, *self._prompts(script, np.where(asked, -1, answers), asked, rng))

        cells = [
            AuditedCells(rows[own], answers[own, j], item.column.kind is Kind.ORDINAL)
            for j, (item, own) in enumerate(zip(items, asked.T, strict=True))
        ]
        return audit(say, cells, askable(self.wording, self.lists_options), self._spent())

    def _spent(self) -> "Spent":
        """What it takes to score holes of the fitted table as `impute` does, those of up to `N_TIMED` respondents."""
        from imputers.llm.scoring.audit import Spent
        from imputers.llm.scoring.options import question_blocks

        answers = self._fitted[np.flatnonzero((self._fitted < 0).any(axis=1))[:N_TIMED]]
        if not len(answers):
            return Spent(0, 0, 0.0)
        start = time.perf_counter()
        contexts, questions = self._prompts(
            self.script_, answers, answers < 0, np.random.default_rng(self.random_state_)
        )
        self._option_logs(self.script_, contexts, questions)
        seconds = time.perf_counter() - start
        blocks = question_blocks(self.script_, questions)
        tokens = sum(map(len, contexts)) + sum(len(blocks[int(j)]) for j in np.nonzero(questions)[1])
        return Spent(int(questions.sum()), self.n_adapters * tokens, seconds)

    def _answered(
        self, answers: Positions, asked: NDArray[np.bool_], n_draws: int, rng: np.random.Generator
    ) -> tuple[list[Floats], Positions]:
        """Draws (n_draws, r, p), which the members take in turn, and the mean probabilities that they were drawn by."""
        from imputers.llm.scoring.draws import draw_in_turn

        contexts, _ = self._prompts(self.script_, answers, asked, rng)
        drawn, parts = np.full((n_draws, *asked.shape), -1, dtype=np.intp), []
        for a, member in zip(range(min(n_draws, self.n_adapters)), self._members(), strict=False):
            own = len(range(a, n_draws, self.n_adapters))
            shares, drawn[a :: self.n_adapters] = draw_in_turn(
                member.model, self.script_, contexts, asked, self.temperatures_.of_items, own, rng
            )
            parts.append([own / n_draws * share for share in shares])
        return [np.sum(each, axis=0) for each in zip(*parts, strict=True)], drawn

    def _mean(self, logs: list[list[Floats]]) -> list[Floats]:
        """Log of the members' mean probabilities, per item, from their logarithms."""
        return [np.logaddexp.reduce(own) - np.log(self.n_adapters) for own in zip(*logs, strict=True)]

    def _option_logs(self, script: "Script", contexts: list["Tokens"], questions: NDArray[np.bool_]) -> list[Floats]:
        """Log of the members' mean probability of each answer as a whole: per item, shape (asked, K)."""
        from imputers.llm.scoring.options import option_log_probabilities

        return self._mean([
            option_log_probabilities(member.model, script, contexts, questions) for member in self._members()
        ])  # fmt: skip

    def _prompts(
        self, script: "Script", answers: Positions, asked: NDArray[np.bool_], rng: np.random.Generator
    ) -> tuple[list["Tokens"], NDArray[np.bool_]]:
        """What stands before questions, and which are asked behind it: here, all of a respondent's at once.

        Parameters
        ----------
        script : the words.
        answers : answer numbers (r, p), -1 where there is none.
        asked : items to ask, shape (r, p).
        rng : source of the lines' order.
        """
        contexts = []
        for own, questions in zip(answers, asked, strict=True):
            told = self.relevance_.told(script, own, np.flatnonzero(questions), self.language_.window)
            contexts.append(script.context(own, rng.permutation(told)))
        return contexts, asked
