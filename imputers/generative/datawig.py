"""DataWig, a network per target on n-grams and numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from datasets.schema import LABELLED, Column, Floats, Kind
from imputers import IMPUTERS
from imputers.shared.column_models import ColumnModelImputer
from imputers.shared.ranges import COUNT, NOT_NEGATIVE, POSITIVE, TWO_OR_MORE

if TYPE_CHECKING:
    from imputers.generative.networks.datawig import Network, Predictors
    from imputers.shared.training import Curve

VALIDATION_PART = 10  # one in so many of an item's observed cells stops the training and calibrates
# of a text's vector. Adam's steps are alike in all weights, and so a longer vector is learned faster, and shrunk less
# by the decay; n-grams, each a sure sign of little, need both, dummies and numbers neither.
TEXT_LENGTH = 5.0


@dataclass(frozen=True, eq=False)
class Model:
    """What was learned about one item.

    Parameters
    ----------
    network : gives scores of labels, or a standardised number.
    curve : of the network that did not see the validation cells.
    levels : positions of the labels that are told apart, shape (outputs,); empty for a number.
    temperature, spread : what scores are divided by; root mean square of a number's validation residuals, in codes.
    """

    network: "Network"
    curve: "Curve"
    levels: NDArray[np.intp]
    temperature: float = 1.0
    spread: float = 0.0


@IMPUTERS.register("datawig")
class DataWig(ColumnModelImputer[Model]):
    """A network for each item, on n-grams of strings and on numbers (DataWig).

    Biessmann, Salinas, Schelter, Schmidt & Lange (2018), "Deep" learning for missing value imputation in tables with
    non-numerical data, CIKM, section 3; Biessmann et al. (2019), DataWig: missing value imputation for tables, JMLR
    20(175). Every other answer of a row is a predictor: a text by hashed character n-grams, a nominal answer by its
    dummies, ordinal and numeric ones standardised and through one hidden layer; all side by side under a softmax, or
    under a linear unit if the item is numeric. Adam stops by a tenth of the item's answers as validation cells, and the
    softmax is calibrated on them by a temperature (Guo, Pleiss, Sun & Weinberger 2017, ICML), held near 1 by a prior
    where they are few. As there, only the ``max_categories`` most frequent answers of an item are told apart; rarer
    ones get probability 0. An ordinal item is predicted as if it had no order.

    Departures from the authors' code: the network is then trained anew on all answers for as many steps, since the
    tenth is dear in small tables; n-grams are within words, per column, and weighted by inverse document
    frequencies among the column's distinct answers (there one bag of counts over all columns, length up to 5);
    ordinal answers are numbers (there all that is not a number is a string); a mini-batch is a 24th of the rows, 32
    to 256 (16 there); the squared weights are penalised. Lengths, epochs and decay were chosen on validation cells;
    Adam's rate is theirs.

    Assumes missing at random given the other answers. The network of an item is trained on the fitted rows that
    answered; new rows are predicted by the same networks. Draws are independent given the other answers, a number
    normal with the spread of the validation residuals, and weights are held fixed.

    Parameters
    ----------
    n_features : buckets into which the n-grams of a column are hashed.
    max_ngram : length of the longest n-grams, in characters; the shortest are single characters.
    n_hidden : units of the hidden layer.
    max_categories : answers of an item that are told apart.
    max_epochs, learning_rate, weight_decay : passes over the rows at most, Adam's rate, weight of the squared weights.

    Attributes
    ----------
    curves_ : of each network, by column; a score is the mean log probability of a validation label, or the negative
        mean squared error of a standardised number.
    """

    family: ClassVar[str] = "generative"
    least_rows: ClassVar[int] = 100
    defaults: ClassVar[str] = "rate as published; rest ours, on which table not recorded"
    reads_text: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_features": COUNT,
        "max_ngram": COUNT,
        "n_hidden": COUNT,
        "max_categories": TWO_OR_MORE,
        "max_epochs": COUNT,
        "learning_rate": POSITIVE,
        "weight_decay": NOT_NEGATIVE,
    }

    def __init__(
        self,
        n_features: int = 2**15,
        max_ngram: int = 3,
        n_hidden: int = 100,
        max_categories: int = 100,
        max_epochs: int = 30,
        learning_rate: float = 0.004,
        weight_decay: float = 1e-3,
    ) -> None:
        self.n_features = n_features
        self.max_ngram = max_ngram
        self.n_hidden = n_hidden
        self.max_categories = max_categories
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        import torch

        from imputers.shared.training import write_curves

        self.device_ = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._centre, self._scale = np.nanmean(X, axis=0), np.nanstd(X, axis=0)
        self._strings = {
            j: string_features(self.schema_.columns[j], self.max_ngram, self.n_features)
            for j in self.schema_.where(Kind.NOMINAL, Kind.TEXT).tolist()
        }
        self._rows, self._seed = X, int(rng.integers(2**62))
        super()._fit(X, rng)
        self.curves_ = {j: model.curve for j, model in self.models_.items()}
        if self.folder_:
            write_curves(self.folder_, self.get_params(), list(self.curves_.values()))

    def _predictors(self, X: Floats, j: int) -> "Predictors":
        """Predictors of column j in rows X."""
        from imputers.generative.networks.datawig import Predictors

        positions = self.schema_.positions(X)  # -1 where missing: the last row of the strings, which is empty
        numeric = [k for k in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC) if k != j]
        Z = np.nan_to_num((X[:, numeric] - self._centre[numeric]) / self._scale[numeric])
        strings = [features[positions[:, k]] for k, features in self._strings.items() if k != j]
        side_by_side = hstack([csr_matrix((len(X), 0)), *strings], format="csr", dtype=np.float32)
        return Predictors(side_by_side, Z.astype(np.float32))

    def _learn(self, j: int) -> Model:
        import torch

        from imputers.generative.networks.datawig import Settings, Target, learn
        from imputers.shared.calibration import calibrate

        rng = np.random.default_rng((self._seed, j))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows, levels = self._answered(j)
        rows = rng.permutation(rows)
        if len(levels):
            truth = np.searchsorted(levels, self.schema_.positions(self._rows[rows])[:, j])
            target = Target.labels(truth, self.device_)
        else:
            truth = (self._rows[rows, j] - self._centre[j]) / self._scale[j]
            target = Target.numbers(truth, self.device_)
        settings = Settings(self.n_hidden, self.max_epochs, self.learning_rate, self.weight_decay)
        x, n_validation = self._predictors(self._rows[rows], j), max(len(rows) // VALIDATION_PART, 1)
        who = f"datawig, {self.schema_.names[j]}"
        network, scores, curve = learn(who, x, target, n_validation, settings, generator)
        truth = truth[:n_validation]
        if len(levels):
            temperature = float(calibrate({0: scores}, {0: truth}, 1).of_items[0])
            return Model(network, curve, levels, temperature=temperature)
        residuals = (truth - scores[:, 0]) * self._scale[j]
        return Model(network, curve, levels, spread=float(np.sqrt(np.mean(residuals**2))))

    def _answered(self, j: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows that gave one of the most frequent answers to item j, and the positions of these; none of a number."""
        rows = np.flatnonzero(~np.isnan(self._rows[:, j]))
        if self.schema_.columns[j].kind not in LABELLED:
            return rows, np.empty(0, dtype=np.intp)
        positions = self.schema_.positions(self._rows[rows])[:, j]
        levels, counts = np.unique(positions, return_counts=True)
        levels = np.sort(levels[np.argsort(-counts, kind="stable")[: self.max_categories]])
        return rows[np.isin(positions, levels)], levels

    def _forecast(self, model: Model, X: Floats, j: int) -> Floats:
        from scipy.special import softmax

        scores = model.network.scores(self._predictors(X, j))
        if not len(model.levels):
            return scores[:, 0] * self._scale[j] + self._centre[j]
        shares = np.zeros((len(X), len(self.schema_.columns[j].levels)))
        shares[:, model.levels] = softmax(scores / model.temperature, axis=1)
        return shares

    def _spread(self, model: Model, j: int) -> float:
        return model.spread


def string_features(column: Column, max_ngram: int, n_features: int) -> csr_matrix:
    """Predictors that each label gives, shape (K + 1, q): n-grams of a text, else dummies; the last row is zero.

    N-grams have weights of length one, inverse document frequencies among the labels in them. Empty buckets, whose
    weights nothing would ever move, are left out.
    """
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    K = len(column.labels)
    if column.kind is not Kind.TEXT:
        return csr_matrix((np.ones(K), (np.arange(K), np.arange(K))), (K + 1, K))
    hashing = HashingVectorizer(
        analyzer="char_wb", ngram_range=(1, max_ngram), n_features=n_features, alternate_sign=False, norm=None
    )
    counts = hashing.transform(column.labels.values())
    grams = TfidfTransformer().fit_transform(counts[:, np.unique(counts.indices)])
    return csr_matrix(
        (TEXT_LENGTH * grams.data, grams.indices, np.append(grams.indptr, grams.nnz)), (K + 1, grams.shape[1])
    )
