"""HoloClean: candidates by co-occurrence, weighed by one softmax that all of them share."""

from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.relational.cooccurrence import Cooccurrence, Domains, Symbols, count_together
from imputers.shared.bins import quantile_bins
from imputers.shared.conditionals import Conditional, predict
from imputers.shared.levels import draw_level
from imputers.shared.ranges import POSITIVE, SHARE, TWO_OR_MORE


@IMPUTERS.register("holoclean")
class HoloClean(Imputer):
    """Weigh candidates by how often they go with the row's other answers.

    Rekatsinas, Chu, Ilyas & Ré (2017), "HoloClean: Holistic data repairs with probabilistic inference", PVLDB 10,
    sections 4 and 5, as in the authors' later code: answers are symbols; the candidates of a
    hole are the answers that go with one of the row's other answers with probability above ``prune``; their
    features are those probabilities, one per other column, and the candidate's frequency, scaled to length one
    over the candidates; a linear layer shared by all candidates and a softmax give their probabilities.
    One layer per column is learned from the observed cells, each playing the hole, with its own answer taken out of
    the counts. The cross-entropy is convex and minimised by L-BFGS, not by twenty epochs of Adam. There are
    no denial constraints, since none are given, and no initial values, since a hole has none; nor are labels
    guessed by naive Bayes. Assumes missing at random given pairwise co-occurrences.

    Mixed kinds: text is one more set of symbols, alike or not, ordinal items lose their order, and numeric columns
    are cut at quantiles. The probability of an answer that is no candidate is 0. A numeric or ordinal expectation is
    that of the probabilities; a numeric draw is an observed value of the bin drawn. Draws are improper: counts and
    weights are taken as known. New rows: weighed with the fitted counts.

    Where it falls short: probabilities as features say little of rare answers, and the authors' weight decay is strong,
    so that scales regress to their middle. And strings that nobody else has given in just this spelling tell it
    nothing.

    Parameters
    ----------
    prune : smallest probability, given some other answer of the row, that makes an answer a candidate.
    min_correlation : columns whose correlation with the item (see `count_together`) is not above this suggest none.
    weight_decay : penalty ``weight_decay / 2 · Σ weights²`` on the mean cross-entropy.
    n_bins : bins of a numeric column with more distinct values.
    """

    family: ClassVar[str] = "relational"
    least_rows: ClassVar[int] = 300
    defaults: ClassVar[str] = "authors' code's; bins ours"
    reads_text: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "prune": SHARE,
        "min_correlation": [Interval(Real, None, 1, closed="neither")],
        "weight_decay": POSITIVE,
        "n_bins": TWO_OR_MORE,
    }

    def __init__(
        self, prune: float = 0.1, min_correlation: float = 0.05, weight_decay: float = 0.01, n_bins: int = 20
    ) -> None:
        self.prune = prune
        self.min_correlation = min_correlation
        self.weight_decay = weight_decay
        self.n_bins = n_bins

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._bins = {
            int(j): quantile_bins(X[~np.isnan(X[:, j]), j], self.n_bins) for j in self.schema_.where(Kind.NUMERIC)
        }
        symbols = self._symbols(X)
        sizes = [
            len(self._bins[j].means) if j in self._bins else len(column.labels) for j, column in enumerate(self.schema_)
        ]
        self._counts = [count_together(symbols, sizes, j, self.min_correlation) for j in range(len(sizes))]
        self.coef_ = np.stack([self._learn(counts, symbols) for counts in self._counts])

    def _learn(self, counts: Cooccurrence, symbols: Symbols) -> Floats:
        """Weights (p,) of the features, from the rows that answered; all alike if no answer is among its candidates."""
        cells = symbols[symbols[:, counts.item] >= 0]
        domains = counts.domains(cells, self.prune)
        true = domains.levels == cells[domains.cells, counts.item]
        return fit_softmax(domains, true, self.weight_decay)

    def _symbols(self, X: Floats) -> Symbols:
        """Number of each answer among those of its column (n, p); -1 where missing."""
        symbols = self.schema_.positions(X)
        for j, bins in self._bins.items():
            known = ~np.isnan(X[:, j])
            symbols[known, j] = bins.of(X[known, j])
        return symbols

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        symbols = self._symbols(X)
        asked = np.flatnonzero(np.isnan(X).any(axis=0)).tolist()
        return predict(X, {j: self._conditional(symbols[np.isnan(X[:, j])], j) for j in asked}, n_draws, rng)

    def _conditional(self, symbols: Symbols, j: int) -> Conditional:
        """Distributions of column j's answers, or of values in its bins, in some rows of symbols (h, p)."""
        domains = self._counts[j].domains(symbols, self.prune)
        shares = np.zeros((len(domains.starts), self._counts[j].counts[0].shape[1]))
        shares[domains.cells, domains.levels] = softmax(domains, scaled(domains), self.coef_[j])
        if j not in self._bins:
            return Conditional.of_levels(self.schema_.columns[j], shares)
        bins = self._bins[j]

        def draw(rng: np.random.Generator) -> Floats:
            donors = (bins.donors[chosen] for chosen in draw_level(shares, rng))
            return np.array([values[rng.integers(len(values))] for values in donors])

        return Conditional(draw, shares @ bins.means)


def scaled(domains: Domains) -> Floats:
    """Features (pairs, p), each of length one over the candidates of a cell."""
    lengths = np.sqrt(np.add.reduceat(domains.features**2, domains.starts, axis=0))[domains.cells]
    return np.divide(domains.features, lengths, out=np.zeros_like(lengths), where=lengths > 0)


def softmax(domains: Domains, features: Floats, weights: Floats) -> Floats:
    """Probability of each candidate (pairs,) among those of its cell; scipy's softmax knows no ragged rows."""
    scores = features @ weights
    scores = np.exp(scores - np.maximum.reduceat(scores, domains.starts)[domains.cells])
    return scores / np.add.reduceat(scores, domains.starts)[domains.cells]


def fit_softmax(domains: Domains, true: NDArray[np.bool_], weight_decay: float) -> Floats:
    """Weights (p,) that minimise the mean cross-entropy plus ``weight_decay / 2 · Σ weights²``.

    Cells whose answer is not among their candidates teach nothing; without any other all weights are 1.

    Parameters
    ----------
    true : marks the candidate that was answered, shape (pairs,).
    """
    from scipy.optimize import minimize

    features, cells = scaled(domains), int(true.sum())
    if not cells:
        return np.ones(features.shape[1])
    taught = np.add.reduceat(true, domains.starts)[domains.cells] > 0

    def loss(weights: Floats) -> tuple[float, Floats]:
        shares = softmax(domains, features, weights)
        value = -np.log(shares[true]).sum() / cells + weight_decay / 2 * weights @ weights
        slope = features.T @ ((shares - true) * taught) / cells + weight_decay * weights
        return value, slope

    return minimize(loss, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B").x
