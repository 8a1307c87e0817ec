"""What all imputers share that put a respondent's answers to a language model in words."""

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError, MethodUnavailableError
from datasets.schema import Floats, Kind
from imputers.base import Imputer
from imputers.llm.audit import Spent
from imputers.llm.models import Model
from imputers.shared.vocabulary import Positions, Vocabulary
from imputers.shared.weights import PACKAGES, check_packages
from imputers.shared.wording import WORDINGS

if TYPE_CHECKING:
    from imputers.llm.prompt import Script, Tokens
    from imputers.shared.weights import LanguageModel

Scores = Floats

ASIDE = 1000  # observed cells, of which nothing is learned but how far to trust the model


class PromptedImputer(Imputer):
    """Base of the imputers that complete a prompt: a line for each known answer, then the question.

    Nothing is generated: every answer of an item is scored, as its label and the line break behind it, and
    the scores are divided by the item's temperature and normalised. So each hole gets probabilities, and a draw
    answers a respondent's holes one after another in random order, each given those before. Known answers come in
    random order; those that do not fit into the model's window, least telling first, are left out, as are all but
    the ``n_features`` that say most about what is asked.

    A subclass says what the model learns, in ``_learn``, and what stands before a question, in ``_prompts``.

    Parameters
    ----------
    model : folder of a model, or its id on huggingface.co; None is the model that the class is declared for.
    precision : ``"float32"``, ``"bfloat16"``, ``"4-bit"``, or ``"auto"``; see `imputers.llm.weights.load`.
    wording : ``"text"`` (question and label), ``"numbers"`` (question and code), ``"codes"`` ("Q17: option 3") or
        ``"permuted"`` (the labels of a question change places).
    n_features : known answers shown at most; None shows all.
    n_bins : answers of a numeric item at most; more values than that are put into bins.

    Attributes
    ----------
    folder : where to keep what is learned, and to resume from after a stop; None keeps it until the imputer is gone.
    vocabulary_, script_, relevance_ : answers of each item, their words in tokens, and which of them are told.
    temperatures_ : how far the model is trusted.
    language_ : the model and its tokenizer.
    """

    reads_text: ClassVar[bool] = True
    declared: ClassVar[Model | None] = None
    lists_options: ClassVar[bool] = False
    folder: Path | None = None

    model: str | None
    precision: str
    wording: str
    n_features: int | None
    n_bins: int

    @abstractmethod
    def _learn(self, answers: Positions, rng: np.random.Generator) -> None:
        """Learn from answer numbers (n, p), -1 where there is none."""

    @abstractmethod
    def _members(self) -> Iterator["LanguageModel"]:
        """The models that answer together."""

    def _weights(self) -> str:
        return "pretrained"

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._check_parameters()
        name = self._model_name()
        check_packages(name, PACKAGES)
        import torch

        from imputers.llm.prompt import Script
        from imputers.llm.relevance import Relevance
        from imputers.shared.calibration import calibration_cells
        from imputers.shared.weights import load

        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        self.language_ = load(name, self.precision, self._weights(), generator)
        self.vocabulary_ = Vocabulary.fit(self.schema_, X, self.n_bins)
        self.script_ = Script.make(
            self.vocabulary_.items, self.language_.tokenizer, self.wording, list_options=self.lists_options
        )
        self.relevance_ = Relevance.learn(self.schema_, X, self.n_features)
        answers = self._numbers(X)
        self._aside = calibration_cells(answers, ASIDE, rng)
        self._fitted = answers
        self._spent = Spent(0, 0, 0.0)
        self._learn(np.where(self._aside, -1, answers), rng)
        self._calibrate(rng)

    def _calibrate(self, rng: np.random.Generator) -> None:
        """Learn temperatures on the cells set aside, asked as holes are: from all of a respondent's other answers."""
        from imputers.shared.calibration import calibrate

        rows = np.flatnonzero(self._aside.any(axis=1))
        asked, answers = self._aside[rows], self._fitted[rows]
        logs = self._option_logs(self.script_, np.where(asked, -1, answers), asked, rng)
        own = {j: logs[j] for j in range(len(logs)) if len(logs[j])}
        self.temperatures_ = calibrate(own, {j: answers[asked[:, j], j] for j in own}, len(logs))

    def audit(self) -> dict[str, float]:
        """What the model says of the cells set aside, asked as they are and otherwise; see `imputers.llm.audit`."""
        from imputers.llm.audit import AuditedCells, audit
        from imputers.llm.variants import Variant, askable, retell

        rows = np.flatnonzero(self._aside.any(axis=1))
        asked, answers, items = self._aside[rows], self._fitted[rows], self.vocabulary_.items

        def say(variant: Variant) -> list[Scores]:
            script = retell(variant, self.script_, items, self.language_.tokenizer, self.lists_options)
            rng = np.random.default_rng(self.random_state_)  # lines in the same order under every variant
            return self._option_logs(script, np.where(asked, -1, answers), asked, rng)

        cells = [
            AuditedCells(rows[own], answers[own, j], item.column.kind is Kind.ORDINAL)
            for j, (item, own) in enumerate(zip(items, asked.T, strict=True))
        ]
        return audit(say, cells, askable(self.wording, self.lists_options), self._spent)

    def _draws(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        rows = np.flatnonzero(np.isnan(X).any(axis=1))
        answers, asked = self._numbers(X[rows]), np.isnan(X[rows])
        start = time.perf_counter()
        logs = self._option_logs(self.script_, answers, asked, rng)
        self._spent = Spent(int(asked.sum()), self._tokens_read, time.perf_counter() - start)
        # these answer the two questions that `answer` asks next, about the same X
        self._shares = [self.temperatures_.probabilities(j, own) for j, own in enumerate(logs)]
        columns = np.nonzero(asked)[1]
        fills = np.empty((n_draws, len(columns)))
        for d, drawn in self._drawn_answers(answers, asked, n_draws, rng):
            for j, item in enumerate(self.vocabulary_.items):
                fills[d, columns == j] = item.decode(drawn[asked[:, j], j], rng)
        return fills

    def _drawn_answers(
        self, answers: Positions, asked: NDArray[np.bool_], n_draws: int, rng: np.random.Generator
    ) -> Iterator[tuple[int, Positions]]:
        """Number of each draw, and what it answers to the asked (r, p); the members take the draws in turn."""
        from imputers.llm.option_draws import draw_in_turn

        temperatures = self.temperatures_.of_items
        for a, member in enumerate(self._members()):
            for d in range(a, n_draws, self._n_members()):
                contexts, _ = self._prompts(self.script_, answers, asked, rng)
                yield d, draw_in_turn(member.model, self.script_, contexts, asked, temperatures, rng)

    def _n_members(self) -> int:
        return 1

    def _expected(self, X: Floats) -> Floats:
        columns = np.nonzero(np.isnan(X))[1]
        expected = np.full(len(columns), np.nan)
        for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC):
            expected[columns == j] = self._shares[j] @ self.vocabulary_.items[j].means
        return expected

    def _probabilities(self, X: Floats) -> Mapping[int, Floats]:
        labelled = self.schema_.where(Kind.NOMINAL, Kind.ORDINAL, Kind.TEXT)
        return {int(j): self.vocabulary_.items[j].spread(self._shares[j]) for j in labelled}

    def _option_logs(
        self, script: "Script", answers: Positions, asked: NDArray[np.bool_], rng: np.random.Generator
    ) -> list[Scores]:
        """Log of the members' mean probability of each answer as a whole: per item, shape (asked, K)."""
        from imputers.llm.option_scores import option_log_probabilities, question_blocks

        contexts, questions = self._prompts(script, answers, asked, rng)
        blocks = question_blocks(script, questions)
        once = sum(map(len, contexts)) + sum(len(blocks[int(j)]) for j in np.nonzero(questions)[1])
        self._tokens_read = self._n_members() * once
        total: list[Scores] = []
        for member in self._members():
            own = option_log_probabilities(member.model, script, contexts, questions)
            total = [np.logaddexp(a, b) for a, b in zip(total, own, strict=True)] if total else own
        return [scores - np.log(self._n_members()) for scores in total]

    def _prompts(
        self, script: "Script", answers: Positions, asked: NDArray[np.bool_], rng: np.random.Generator
    ) -> tuple[list["Tokens"], NDArray[np.bool_]]:
        """What stands before questions, and which are asked behind it: here, all of a respondent's at once.

        Parameters
        ----------
        script : the words.
        answers : answer numbers (r, p), -1 where there is none.
        asked : items to answer, shape (r, p).
        rng : source of the lines' order.
        """
        told = [
            self._told(script, own, np.flatnonzero(questions)) for own, questions in zip(answers, asked, strict=True)
        ]
        return [script.context(own, rng.permutation(items)) for own, items in zip(answers, told, strict=True)], asked

    def _told(self, script: "Script", own: Positions, asked: Positions) -> Positions:
        """Items of a respondent to tell; see `Relevance.told`."""
        return self.relevance_.told(script, own, asked, self.language_.window)

    def _numbers(self, X: Floats) -> Positions:
        """Answer numbers of a table (n, p); -1 for a hole and for an answer that nobody gave in `fit`."""
        return np.column_stack([item.encode(X[:, j]) for j, item in enumerate(self.vocabulary_.items)])

    def _model_name(self) -> str:
        if self.model is None and self.declared is None:
            raise MethodUnavailableError(
                f"{type(self).__name__} needs a language model: give the folder of one, or its id on huggingface.co, "
                "e.g. --imputers \"llm(model='meta-llama/Llama-2-7b-hf')\""
            )
        return self.model or self.declared.id  # type: ignore[union-attr]  # one of the two is there

    def _check_parameters(self) -> None:
        who = type(self).__name__
        if self.wording not in WORDINGS:
            raise InputError(f"{who}: wording = {self.wording!r}; choose one of {', '.join(map(repr, WORDINGS))}")
        if self.n_bins < 2 or (self.n_features is not None and self.n_features < 1):
            raise InputError(
                f"{who}: n_bins = {self.n_bins} must be 2 or more, n_features = {self.n_features} 1 or more, or None"
            )
