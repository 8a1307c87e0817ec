"""A small Llama that knows nothing but the table: trained from random weights on the observed cells."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError, MethodUnavailableError
from datasets.schema import Floats, Kind, Schema
from imputers import IMPUTERS
from imputers.base import Imputer

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from transformers import LlamaForCausalLM

FEWEST_STEPS = 120  # of a small table


@IMPUTERS.register("llama-scratch")
class LlamaScratch(Imputer):
    """Small Llama with random weights, trained on the table itself.

    The architecture is Llama (Touvron et al. 2023, arXiv 2302.13971) by `transformers.LlamaForCausalLM`; learning
    hides cells and answers them from the rest, as BERT does with words (Devlin et al. 2019, NAACL). One
    network so answers any items from any others, like the orderless autoregressive model of Uria, Murray & Larochelle
    (2014, ICML) and the autoencoder of Ivanov, Figurnov & Vetrov (2019, ICLR), to which it is related.

    Every item has a word for its question and one for each observed answer (see `Vocabulary`); a prompt is the
    set of a person's answers, without order, and the questions to answer. Answers see themselves alone, a question sees
    answers but no other question. So every observed cell can be asked for at every step, without its own answer, and
    from a part of the others: a share uniform between 0 and .9 is hidden from each question anew. The loss is
    the log-probability among the item's own answers. The number of steps depends on the table alone, never on
    time: ``passes`` times the rows over ``batch_size``, between 120 and ``most_steps``. Nothing is held out.
    Numeric items with more than ``n_bins`` values are read in bins of about equally many people; a draw is one of
    the values observed in the bin, and an expectation uses the bins' means. A level that nobody gave is never filled.

    Assumes cells missing at random and rows exchangeable; survey weights are not used. New rows are answered by
    the fitted model. A draw answers a row's holes one after another in a random order, each given those
    before. Draws are not proper in Rubin's sense with one model, whose weights are held fixed; with more, the
    draws take the models in turn, which carries uncertainty about the weights approximately, and probabilities
    are the models' mean.

    Measured on two masks of the core table of the GSS 2022 (30 % hidden completely at random), three draws: three
    single models have NRMSE .777–.779 and .791–.794, accuracy .652–.658 and .646–.651, correlation error .154–.157
    and .151–.152; together .776 and .791, .659 and .650, .155 and .150. A model takes 38 seconds of processor time
    on one thread, up to 60 on a crowded machine; it answers all 24,366 holes in .3 and draws them in turn in .5.
    Settings were chosen on another mask, on cells hidden again from the observed ones.

    Parameters
    ----------
    targets : names of the items that it learns to answer, all by default. The others are still read, and their holes
        are answered by the item's observed shares, whatever else a person said.
    hidden, layers, heads : width, depth and attention heads; hidden is a multiple of 2 × heads.
    n_models : networks trained from different random weights.
    n_bins : bins of a numeric item at most.
    passes, most_steps : how often each row is learned from, and gradient steps at most.
    batch_size, learning_rate, dropout : rows in a step, AdamW's rate, share of outputs set to zero in training.

    Attributes
    ----------
    vocabulary_ : words for questions and answers.
    models_ : the trained networks, as plain `LlamaForCausalLM`.
    losses_ : for each, mean negative log-probability of the hidden answers at every step.
    """

    def __init__(
        self,
        targets: tuple[str, ...] | None = None,
        hidden: int = 64,
        layers: int = 1,
        heads: int = 4,
        n_models: int = 1,
        n_bins: int = 24,
        passes: float = 30.0,
        most_steps: int = 900,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        dropout: float = 0.1,
    ) -> None:
        self.targets = targets
        self.hidden = hidden
        self.layers = layers
        self.heads = heads
        self.n_models = n_models
        self.n_bins = n_bins
        self.passes = passes
        self.most_steps = most_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._check_parameters()
        try:
            import torch
            import transformers  # noqa: F401 - the modules imported below need it
        except ImportError as missing:
            raise MethodUnavailableError(
                f"llama-scratch needs the package {missing.name!r}, which is not installed here; "
                "pip install torch transformers"
            ) from missing
        from imputers.llm.scratch.layout import allowed_words
        from imputers.shared.vocabulary import Vocabulary

        self._targets = target_columns(self.targets, self.full_schema_, self.schema_)
        self.vocabulary_ = Vocabulary.fit(self.schema_, X, self.n_bins)
        self._allowed = allowed_words(self.vocabulary_)
        words = torch.from_numpy(self.vocabulary_.encode(X))
        self.models_, self.losses_ = [], []
        for _ in range(self.n_models):
            model, losses = self._train(words, torch.Generator().manual_seed(int(rng.integers(2**62))))
            self.models_.append(model)
            self.losses_.append(losses)

    def _train(self, words: "Tensor", generator: "Generator") -> tuple["LlamaForCausalLM", list[float]]:
        import torch

        from imputers.llm.scratch.network import build, fold
        from imputers.llm.scratch.training import Plan, train

        n_steps = int(np.clip(self.passes * len(words) / self.batch_size, FEWEST_STEPS, self.most_steps))
        plan = Plan(n_steps, self.batch_size, self.learning_rate, dropout=self.dropout)
        model = build(self.vocabulary_, self.hidden, self.layers, self.heads, generator)
        losses = train(model, words, torch.from_numpy(self._targets), self._allowed, plan, generator)
        fold(model)
        return model.eval(), losses

    def _draws(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
        import torch

        from imputers.llm.scratch.scoring import draw_in_turn, pick, probabilities

        holes = np.isnan(X[np.isnan(X).any(axis=1)])
        columns = np.nonzero(holes)[1]
        learned = np.isin(columns, self._targets)
        shown = torch.from_numpy(self.vocabulary_.encode(X[np.isnan(X).any(axis=1)]))
        asked = torch.from_numpy(holes & np.isin(np.arange(X.shape[1]), self._targets))
        # these answer the two questions that `answer` asks next, about the same X
        self._shares = self.vocabulary_.shares[columns]
        self._shares[learned] = np.mean(
            [probabilities(model, shown, asked, self._allowed) for model in self.models_], axis=0
        )
        draws = np.empty((n_draws, len(columns)))
        for d in range(n_draws):
            words = np.empty(len(columns), dtype=np.intp)
            drawn = draw_in_turn(self.models_[d % self.n_models], shown, asked, self._allowed, rng)
            words[learned] = drawn[asked].numpy()
            words[~learned] = self.vocabulary_.bounds[columns[~learned]] + pick(self._shares[~learned], rng)
            draws[d] = self.vocabulary_.decode(words, columns, rng)
        return draws

    def _expected(self, X: Floats) -> Floats:
        columns = np.nonzero(np.isnan(X))[1]
        expected = np.full(len(columns), np.nan)
        for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC):
            expected[columns == j] = self._answers(columns, int(j)) @ self.vocabulary_.items[j].means
        return expected

    def _probabilities(self, X: Floats) -> Mapping[int, Floats]:
        columns = np.nonzero(np.isnan(X))[1]
        labelled = self.schema_.where(Kind.NOMINAL, Kind.ORDINAL)
        return {int(j): self.vocabulary_.items[j].spread(self._answers(columns, int(j))) for j in labelled}

    def _answers(self, columns: NDArray[np.intp], j: int) -> Floats:
        """Probabilities of the answers to the holes of column j, shape (holes of the column, K)."""
        return self._shares[columns == j, : len(self.vocabulary_.items[j].starts)]

    def _check_parameters(self) -> None:
        counts = ("hidden", "layers", "heads", "n_models", "n_bins", "most_steps", "batch_size")
        low = [name for name in counts if getattr(self, name) < 1]
        if low:
            raise InputError(f"llama-scratch: {low[0]} = {getattr(self, low[0])}; it must be 1 or more")
        if self.hidden % (2 * self.heads):
            raise InputError(
                f"llama-scratch: hidden = {self.hidden}; it must be a multiple of 2 × heads = {2 * self.heads}"
            )
        if self.passes <= 0 or self.learning_rate <= 0 or not 0 <= self.dropout < 1:
            raise InputError(
                f"llama-scratch: passes = {self.passes} and learning_rate = {self.learning_rate} must be above 0, "
                f"dropout = {self.dropout} from 0 to below 1"
            )


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
