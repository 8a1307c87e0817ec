"""A pre-trained language model that learns, from the observed cells, to answer any item from any others."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from datasets.errors import InputError
from imputers import IMPUTERS
from imputers.llm.prompted import PromptedImputer
from imputers.llm.recipe import Recipe, usual_learning_rate
from imputers.shared.vocabulary import Positions

if TYPE_CHECKING:
    from torch import Generator

    from imputers.shared.weights import LanguageModel

USUAL_RANK = 16


@IMPUTERS.register("llm")
class FineTuned(PromptedImputer):
    """Any language model, given by folder or id, fine-tuned on the respondents' answers in words.

    Low-rank adapters (Hu et al. 2022, ICLR, arXiv 2106.09685) on all linear layers are trained on prompts that hide a
    random share of a respondent's observed answers and ask for them: one model answers any item from any others, as
    Borisov et al. (2023, ICLR, arXiv 2210.06280) do by permuted features. The loss is on answers alone, and questions
    of one prompt do not see each other. Only observed cells are learned from; a thousand of them, or a tenth, are set
    aside for the temperatures and told again when holes are answered. With random weights, a control for what
    pre-training adds, all weights are trained.

    Assumes cells missing at random and rows exchangeable; survey weights are not used. New rows are answered by the
    fitted model. A level that nobody gave is never filled. One adapter holds the model fixed, so that draws are not
    proper in Rubin's sense; more are each trained on a bootstrap sample of the respondents, take the draws in turn, and
    so carry the uncertainty of what was learned, approximately; their probabilities are averaged. Other parameters as
    in `PromptedImputer`.

    Parameters
    ----------
    weights : ``"pretrained"``, or ``"random"`` for an untrained network of the same shape.
    n_adapters : adapters trained; five or more for inference.
    rank : of the adapters; None is the model's usual one, 16.
    passes, fewest_steps, batch_size, n_targets : see `imputers.llm.recipe.Recipe`.
    learning_rate : of the same; None goes by the size of the model, `imputers.llm.recipe.usual_learning_rate`.

    Attributes
    ----------
    losses_ : for each adapter, mean negative log-probability of a hidden answer at every step.
    """

    def __init__(
        self,
        model: str | None = None,
        weights: str = "pretrained",
        precision: str = "auto",
        wording: str = "text",
        n_features: int | None = None,
        n_bins: int = 100,
        n_adapters: int = 1,
        rank: int | None = None,
        passes: float = 3.0,
        fewest_steps: int = 100,
        batch_size: int = 16,
        learning_rate: float | None = None,
        n_targets: int = 8,
    ) -> None:
        self.model = model
        self.weights = weights
        self.precision = precision
        self.wording = wording
        self.n_features = n_features
        self.n_bins = n_bins
        self.n_adapters = n_adapters
        self.rank = rank
        self.passes = passes
        self.fewest_steps = fewest_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.n_targets = n_targets

    def _weights(self) -> str:
        return self.weights

    def _n_members(self) -> int:
        return self.n_adapters

    def _learn(self, answers: Positions, rng: np.random.Generator) -> None:
        import torch

        from imputers.llm.checkpoints import Checkpoints
        from imputers.llm.fine_tuning import fine_tune
        from imputers.llm.lora import Lora, detach, make_trainable, save

        recipe, lora = self.recipe(self.language_.n_parameters), Lora(self.adapter_rank())
        self._until_gone = None if self.folder else TemporaryDirectory()
        self.losses_: list[list[float]] = []
        for a in range(self.n_adapters):
            generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
            rows = rng.integers(len(answers), size=len(answers)) if self.n_adapters > 1 else np.arange(len(answers))
            member = make_trainable(self._start(a, generator), lora, generator)
            kept = Checkpoints(self._place(a) / "checkpoint")
            self.losses_.append(
                fine_tune(member, self.script_, answers[rows], recipe, rng, relevance=self.relevance_, checkpoints=kept)
            )
            save(member, self._place(a))
            curve = {"recipe": asdict(recipe), "lora": asdict(lora), "losses": self.losses_[a]}
            (self._place(a) / "curve.json").write_text(json.dumps(curve, indent=1), encoding="utf-8")
            if self.weights == "pretrained":
                detach(member)

    def _start(self, a: int, generator: "Generator") -> "LanguageModel":
        """What member a starts from: the one pre-trained network, or random weights of its own."""
        from imputers.shared.weights import load

        if a == 0 or self.weights == "pretrained":
            return self.language_
        return load(self._model_name(), self.precision, "random", generator)

    def _members(self) -> Iterator["LanguageModel"]:
        import torch

        from imputers.llm.lora import detach, restore
        from imputers.shared.weights import load

        for a in range(self.n_adapters):
            if self.weights == "pretrained":
                member = restore(self.language_, self._place(a))
                yield member
                detach(member)
            else:
                yield load(str(self._place(a)), self.precision, "pretrained", torch.Generator())

    def _place(self, a: int) -> Path:
        """Folder of member a."""
        kept = self.folder or Path(self._until_gone.name)  # type: ignore[union-attr]  # one of the two is there
        return kept / f"member-{a + 1}"

    def recipe(self, n_parameters: int) -> Recipe:
        """Length and pace of training a model of this size."""
        return Recipe(
            passes=self.passes,
            fewest_steps=self.fewest_steps,
            batch_size=self.batch_size,
            learning_rate=usual_learning_rate(n_parameters) if self.learning_rate is None else self.learning_rate,
            n_targets=self.n_targets,
        )

    def adapter_rank(self) -> int:
        """Rank of the adapters: the one asked for, or the model's usual one."""
        return self.rank or (USUAL_RANK if self.declared is None else self.declared.rank)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.n_adapters < 1:
            raise InputError(f"{type(self).__name__}: n_adapters = {self.n_adapters}; it must be 1 or more")
