"""A pre-trained language model that learns, from the observed cells, to answer any item from any others."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from numbers import Integral, Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from imputers import IMPUTERS
from imputers.llm.prompted import PromptedImputer
from imputers.llm.tuning.recipe import Recipe, usual_learning_rate, usual_max_tokens
from imputers.shared.vocabulary import Positions

if TYPE_CHECKING:
    from torch import Generator

    from imputers.shared.weights import LanguageModel

COUNT = Interval(Integral, 1, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")


@IMPUTERS.register("llm")
class FineTuned(PromptedImputer):
    """Any language model, given by folder or id, fine-tuned on the respondents' answers in words.

    Low-rank adapters (Hu et al. 2022, ICLR, arXiv 2106.09685) on all linear layers are trained on prompts that hide a
    random share of a respondent's observed answers and ask for them: one model answers any item from any others, as
    Borisov et al. (2023, ICLR, arXiv 2210.06280) do by permuted features. The loss is on answers alone, and questions
    of one prompt do not see each other. Only observed cells are learned from; a thousand of them, or a tenth, are
    validation cells for the temperatures, and told again when holes are filled. With random weights, a control for what
    pre-training adds, all weights are trained.

    Assumes cells missing at random and rows exchangeable; survey weights are not used. New rows are filled by the
    fitted model. A level that nobody gave is never filled. One adapter holds the model fixed, so that draws are not
    proper in Rubin's sense; more are each trained on a bootstrap sample of the respondents, take the draws in turn, and
    so carry the uncertainty of what was learned, approximately; their probabilities are averaged. Other parameters as
    in `PromptedImputer`.

    Parameters
    ----------
    weights : ``"pretrained"``, or ``"random"`` for an untrained network of the same shape.
    n_adapters : adapters trained; five or more for inference.
    rank : of the adapters: a matrix (out, in) learns a change that is a product of (out, rank) and (rank, in).
    n_epochs : passes over the respondents, each time with others of their answers hidden; time grows with it.
    min_steps : gradient steps at least, so that a small table is passed over more often than ``n_epochs`` says.
    batch_size : respondents in a gradient step.
    n_targets : hidden answers that a respondent is asked for in a step at most; those told are learned from, too.
    learning_rate : of AdamW at its height; None goes by the number of weights, as
        `imputers.llm.tuning.recipe.usual_learning_rate` says.

    Attributes
    ----------
    sizes : sizes of the declared model, by their names in its config.json, so that a run is planned without its files.
    losses_ : for each adapter, mean negative log-probability of a hidden answer at every step.
    """

    defaults: ClassVar[str] = "ours; on which table is not recorded"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        **PromptedImputer._parameter_constraints,
        "weights": [StrOptions({"pretrained", "random"})],
        "n_adapters": [COUNT],
        "rank": [COUNT],
        "n_epochs": [POSITIVE],
        "min_steps": [COUNT],
        "batch_size": [COUNT],
        "learning_rate": [POSITIVE, None],
        "n_targets": [COUNT],
    }
    sizes: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        model: str | None = None,
        weights: str = "pretrained",
        precision: str = "auto",
        wording: str = "text",
        n_features: int | None = None,
        n_bins: int = 100,
        n_adapters: int = 1,
        rank: int = 16,
        n_epochs: float = 3.0,
        min_steps: int = 100,
        batch_size: int = 16,
        learning_rate: float | None = None,
        n_targets: int = 8,
    ) -> None:
        super().__init__(model, precision, wording, n_features, n_bins)
        self.weights = weights
        self.n_adapters = n_adapters
        self.rank = rank
        self.n_epochs = n_epochs
        self.min_steps = min_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.n_targets = n_targets

    def _learn(self, answers: Positions, rng: np.random.Generator) -> None:
        import torch

        from imputers.llm.tuning.adapters import Lora, detach, make_trainable, save
        from imputers.llm.tuning.checkpoints import Checkpoints
        from imputers.llm.tuning.training import fine_tune

        recipe = replace(
            self.recipe(self.language_.n_parameters), max_tokens=usual_max_tokens(self.language_.device.type)
        )
        lora = Lora(self.rank)
        self._until_gone = None if self.folder_ else TemporaryDirectory()
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
        return load(self.model_name(), self.precision, "random", generator)

    def _members(self) -> Iterator["LanguageModel"]:
        import torch

        from imputers.llm.tuning.adapters import detach, restore
        from imputers.shared.weights import load

        for a in range(self.n_adapters):
            if self.weights == "pretrained":
                member = restore(self.language_, self._place(a))
                try:
                    yield member
                finally:  # whoever asks for draws may stop at the last member
                    detach(member)
            else:
                yield load(str(self._place(a)), self.precision, "pretrained", torch.Generator())

    def _place(self, a: int) -> Path:
        """Folder of member a."""
        kept = self.folder_ or Path(self._until_gone.name)  # type: ignore[union-attr]  # one of the two is there
        return kept / f"member-{a + 1}"

    def recipe(self, n_parameters: int) -> Recipe:
        """Length and pace of training a model of this size."""
        return Recipe(
            n_epochs=self.n_epochs,
            min_steps=self.min_steps,
            batch_size=self.batch_size,
            learning_rate=usual_learning_rate(n_parameters) if self.learning_rate is None else self.learning_rate,
            n_targets=self.n_targets,
        )
