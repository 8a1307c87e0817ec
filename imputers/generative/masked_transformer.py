"""A transformer over the cells of a row, trained from random weights to reconstruct masked cells of the table."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError, MethodUnavailableError
from datasets.prediction import Prediction
from datasets.schema import Floats, Kind, Schema
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.shared.levels import draw_level
from imputers.shared.ranges import COUNT, POSITIVE, SHARE
from imputers.shared.vocabulary import Positions, Vocabulary

if TYPE_CHECKING:
    from imputers.generative.networks.masked_transformer import Network

FEWEST_STEPS = 120  # of a small table
ROWS = 128  # rows that are predicted at a time


@IMPUTERS.register("masked-transformer")
class MaskedTransformer(Imputer):
    """Transformer over the cells of a row, trained to reconstruct masked cells.

    One network tells the distribution of any item from any others: cells are masked and reconstructed from the rest,
    as BERT does with words (Devlin et al. 2019, NAACL). It is related to the orderless autoregressive model of Uria,
    Murray & Larochelle (2014, ICML) and to the autoencoder of Ivanov, Figurnov & Vetrov (2019, ICLR). The parts of a
    layer are those of Llama (Touvron et al. 2023, arXiv 2302.13971); nothing in it is pre-trained.

    Every item has a word for its question and one for each observed answer (see `Vocabulary`). A row is the set of its
    observed cells, without order, and the questions to answer. By the attention mask a question sees cells but no other
    question. So every observed cell is reconstructed at every step, without its own answer, from a part of the others:
    a share uniform between 0 and .9 is masked for each question anew. The reconstruction loss is the negative
    log-probability among the item's own answers. The number of steps depends on the table alone: ``n_epochs`` times
    the rows over ``batch_size``, between 120 and ``max_iter``. There are no validation cells. Numeric items with more
    than ``n_bins`` values are read in bins of about equally many people; a draw is one of the values observed in the
    bin, and an expectation uses the bins' means. A level that nobody gave is never filled.

    Assumes cells missing at random and rows exchangeable; survey weights are not used. New rows are imputed by the
    fitted networks. A draw fills a row's holes one after another in a random order, each given those before. Draws are
    not proper in Rubin's sense with one network, whose weights are held fixed; with more, the draws take the networks
    in turn, which carries uncertainty about the weights approximately. Probabilities are the mean over draws of those
    that a hole was drawn by, so that they belong to the draws (Gelfand & Smith 1990, JASA 85, section 2.3).

    Parameters
    ----------
    targets : names of the items that it learns to answer, all by default. The others are still read, and their holes
        are filled by the item's observed shares, whatever else a person said.
    n_hidden, n_layers, n_heads : width, depth and attention heads; n_hidden is a multiple of n_heads.
    n_estimators : networks trained from different random weights.
    n_bins : bins of a numeric item at most.
    n_epochs, max_iter : how often each row is learned from, and gradient steps at most.
    batch_size, learning_rate, dropout : rows in a step, AdamW's rate, share of outputs set to zero in training.

    Attributes
    ----------
    vocabulary_ : words for questions and answers.
    networks_ : the trained networks.
    losses_ : for each, the reconstruction loss at every step.
    """

    defaults: ClassVar[str] = "chosen on the GSS 2022 core table"
    family = "generative"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "targets": [None, tuple, list],
        "n_hidden": COUNT,
        "n_layers": COUNT,
        "n_heads": COUNT,
        "n_estimators": COUNT,
        "n_bins": COUNT,
        "n_epochs": POSITIVE,
        "max_iter": COUNT,
        "batch_size": COUNT,
        "learning_rate": POSITIVE,
        "dropout": SHARE,
    }

    def __init__(
        self,
        targets: tuple[str, ...] | None = None,
        n_hidden: int = 64,
        n_layers: int = 1,
        n_heads: int = 4,
        n_estimators: int = 1,
        n_bins: int = 24,
        n_epochs: float = 30.0,
        max_iter: int = 900,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        dropout: float = 0.1,
    ) -> None:
        self.targets = targets
        self.n_hidden = n_hidden
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.n_estimators = n_estimators
        self.n_bins = n_bins
        self.n_epochs = n_epochs
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        if self.n_hidden % self.n_heads:
            raise InputError(
                f"masked-transformer: n_hidden = {self.n_hidden}; it must be a multiple of n_heads = {self.n_heads}"
            )
        try:
            from imputers.generative.networks.masked_transformer import Network, Plan, train
        except ModuleNotFoundError as missing:
            raise MethodUnavailableError(
                f"masked-transformer needs the package {missing.name!r}, which is not installed here; pip install torch"
            ) from missing

        self._targets = target_columns(self.targets, self.full_schema_, self.schema_)
        self.vocabulary_ = Vocabulary.fit(self.schema_, X, self.n_bins)
        words = self.vocabulary_.encode(X)
        n_steps = int(np.clip(self.n_epochs * len(words) / self.batch_size, FEWEST_STEPS, self.max_iter))
        plan = Plan(n_steps, self.batch_size, self.learning_rate, self.dropout)
        self.networks_, self.losses_ = [], []
        for _ in range(self.n_estimators):
            network = Network(self.vocabulary_, self.n_hidden, self.n_layers, self.n_heads, rng)
            self.losses_.append(train(network, words, self._targets, plan, rng))
            self.networks_.append(network)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        return Prediction(*self.filled(X, n_draws, rng))

    def filled(self, X: Floats, n_draws: int, rng: np.random.Generator) -> tuple[Floats, Floats, dict[int, Floats]]:
        """Draws (n_draws, holes), expectations (holes,), and tables of level probabilities, as in `Prediction`."""
        columns = np.nonzero(np.isnan(X))[1]
        rows = X[np.isnan(X).any(axis=1)]
        shown = self.vocabulary_.encode(rows)
        asked = np.isnan(rows) & np.isin(np.arange(X.shape[1]), self._targets)
        learned = np.isin(columns, self._targets)
        observed = self.vocabulary_.shares[columns]
        shares = np.where(learned[:, None], 0.0, observed)
        draws = np.empty((n_draws, len(columns)))
        for d in range(n_draws):
            words = np.empty(len(columns), dtype=np.intp)
            words[learned], own = draw_in_turn(self.networks_[d % self.n_estimators], shown, asked, rng)
            shares[learned] += own / n_draws
            words[~learned] = self.vocabulary_.bounds[columns[~learned]] + draw_level(observed[~learned], rng)
            draws[d] = self.vocabulary_.decode(words, columns, rng)
        expected = np.full(len(columns), np.nan)
        tables: dict[int, Floats] = {}
        for j, item in enumerate(self.vocabulary_.items):
            own = shares[columns == j, : len(item.starts)]
            if item.column.kind is not Kind.NOMINAL:
                expected[columns == j] = own @ item.means
            if item.column.kind is not Kind.NUMERIC:
                tables[j] = item.spread(own)
        return draws, expected, tables


def target_columns(targets: tuple[str, ...] | None, full: Schema, varying: Schema) -> NDArray[np.intp]:
    """Positions of the named columns among those that vary; all of them if there are no names.

    Raises
    ------
    InputError
        If a name is not in the table, or none of the named columns varies.
    """
    if targets is None:
        return np.arange(len(varying))
    unknown = [name for name in targets if name not in full.names]
    if unknown:
        raise InputError(f"targets: there is no column {unknown[0]!r}; the columns are {full.names}")
    found = [j for j, name in enumerate(varying.names) if name in targets]
    if not found:
        raise InputError(f"targets: none of {targets} varies, so there is nothing to learn; name other columns")
    return np.array(found)


def draw_in_turn(
    network: "Network", shown: Positions, asked: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Positions, Floats]:
    """Draw words for the asked cells of each row one after another, each given those before.

    Every row has a random order of its own; at step k all rows with k holes or more are given one together.

    Parameters
    ----------
    shown : a word per item, shape (n, p): the answer's, which all questions see, or the question's.
    asked : holes to be answered, shape (n, p).
    rng : source of orders and answers.

    Returns
    -------
    Words of the asked cells, and the probability of every answer that each was drawn by, (asked cells, K), K those of
    the item that has most; zero beyond.
    """
    drawn = shown.copy()
    order = np.argsort(np.where(asked, rng.random(shown.shape), np.inf), axis=1)
    n_holes = asked.sum(axis=1)
    place = np.cumsum(asked).reshape(asked.shape) - 1  # of an asked cell among all of them
    given = np.zeros((int(n_holes.sum()), network.own_words.shape[1]))
    for k in range(int(n_holes.max(initial=0))):
        rows = np.flatnonzero(n_holes > k)
        items = order[rows, k]
        shares = _probabilities(network, drawn[rows], items[:, None], np.ones((len(rows), 1), dtype=bool))
        given[place[rows, items]] = shares
        drawn[rows, items] = network.first[items] + draw_level(shares, rng)
    return drawn[asked], given


def _probabilities(network: "Network", shown: Positions, items: Positions, asked: NDArray[np.bool_]) -> Floats:
    """Probability of every answer to the asked ones of the questions (n, q), shape (asked questions, K)."""
    import torch

    from imputers.generative.networks.masked_transformer import Questions

    parts = []
    for start in range(0, len(shown), ROWS):
        block = slice(start, start + ROWS)
        prompt, questions = shown[block], items[block]
        known = torch.from_numpy(prompt >= len(network.first)).float()
        visible = known[:, None].expand(-1, questions.shape[1], -1).contiguous()
        parts.append(network.probabilities(Questions(prompt, questions, visible, np.flatnonzero(asked[block]))))
    return np.concatenate(parts)
