"""Logistic regression on character n-grams of the other answers: the reference line for tables of strings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from datasets.errors import InputError
from datasets.schema import LABELLED, Column, Floats, Kind
from imputers import IMPUTERS
from imputers.shared.column_models import ColumnModelImputer
from imputers.shared.ranges import COUNT, TWO_OR_MORE

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression, Ridge


@IMPUTERS.register("ngram-logistic")
class NgramLogistic(ColumnModelImputer["LogisticRegression | Ridge"]):
    """Logistic and ridge regressions on character n-grams of the other answers.

    The reference line for text tables, in the spirit of DataWig: Biessmann, Salinas, Schelter, Schmidt & Lange (2018),
    "Deep learning for missing value imputation in tables with non-numerical data", CIKM, section 3, with a linear
    model in place of the network. Every other answer of a row, written out as text, is one block of
    TF-IDF weights of its character n-grams within words, of length one, with document frequencies among the
    column's distinct answers; numeric answers enter standardised; a missing answer is a block of zeros. A text,
    nominal or ordinal item is predicted by multinomial logistic regression with penalty ``Σ β² / 2C``, a numeric one
    by ridge regression with penalty ``Σ β² / C``, in standard deviations. Each item takes the C that predicts a tenth
    of its observed cells best, as validation cells: by log score, or squared error if numeric.
    Assumes missing at random given the other answers. Ordinal items are predicted as if they had no order.

    The model of a column is fitted on the rows that answered. Draws are independent given the other answers, a
    numeric one normal around its prediction with the spread of the residuals, and improper: coefficients are taken as
    known. New rows are predicted by the same models. A column's answers that are not among its ``max_categories`` most
    frequent get probability 0.

    Parameters
    ----------
    Cs : candidates for C, the inverse strength of the penalty.
    max_ngram : length of the longest n-grams, in characters; the shortest are single characters.
    max_categories : answers of an item that are told apart, 100 as in DataWig.
    """

    family: ClassVar[str] = "relational"
    least_rows: ClassVar[int] = 100
    defaults: ClassVar[str] = "penalty by the table at hand; rest ours, not recorded"
    reads_text: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "Cs": ["array-like"],
        "max_ngram": COUNT,
        "max_categories": TWO_OR_MORE,
    }

    def __init__(self, Cs: Sequence[float] = (0.1, 1.0, 30.0), max_ngram: int = 3, max_categories: int = 100) -> None:
        self.Cs = Cs
        self.max_ngram = max_ngram
        self.max_categories = max_categories

    def check_parameters(self) -> None:
        """Validate the parameters, as `fit` does.

        Raises
        ------
        InputError
            If one is outside the range that the method declares, or ``Cs`` are not positive numbers.
        """
        super().check_parameters()
        if not (len(self.Cs) and min(self.Cs) > 0):
            raise InputError(f"the 'Cs' of NgramLogistic are {list(self.Cs)}; give one positive number at least")

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        self._centre, self._scale = np.nanmean(X, axis=0), np.nanstd(X, axis=0)
        labelled = self.schema_.where(*LABELLED).tolist()
        self._words = {j: label_features(self.schema_.columns[j], self.max_ngram) for j in labelled}
        self._rows, self._blocks = X, self._features(X)
        self._order = rng.permutation(len(X))  # the first rows of it are the validation cells
        super()._fit(X, rng)

    def _features(self, X: Floats) -> list[csr_matrix]:
        """Blocks of features (n, q_j), one per column."""
        positions = self.schema_.positions(X)  # -1 where missing: the last row of the words, which is empty
        Z = np.nan_to_num((X - self._centre) / self._scale)
        return [self._words[j][positions[:, j]] if j in self._words else csr_matrix(Z[:, [j]]) for j in range(len(Z.T))]

    def _predictors(self, blocks: Sequence[csr_matrix], j: int, rows: NDArray) -> csr_matrix | Floats:
        """Features of some rows in all columns but j; sparse if there are strings among them."""
        others = [k for k in range(len(blocks)) if k != j]
        matrix = hstack([blocks[k][rows] for k in others], format="csr")
        return matrix if any(self.schema_.columns[k].kind is Kind.TEXT for k in others) else matrix.toarray()

    def _learn(self, j: int) -> "LogisticRegression | Ridge":
        target = self._rows[:, j] if j in self._words else (self._rows[:, j] - self._centre[j]) / self._scale[j]
        rows = self._order[~np.isnan(target[self._order])]
        if j in self._words:
            codes, counts = np.unique(target[rows], return_counts=True)
            rows = rows[np.isin(target[rows], codes[np.argsort(-counts, kind="stable")[: self.max_categories]])]
        F, y = self._predictors(self._blocks, j, rows), target[rows]
        fit_model = fit_logistic if j in self._words else fit_ridge
        n_validation = len(y) // 10
        if not n_validation or len(np.unique(y[n_validation:])) < 2:
            return fit_model(F, y, min(self.Cs))
        validation, rest = slice(n_validation), slice(n_validation, None)
        losses = {C: loss(fit_model(F[rest], y[rest], C), F[validation], y[validation]) for C in self.Cs}
        return fit_model(F, y, min(losses, key=lambda C: losses[C]))

    def _forecast(self, model: "LogisticRegression | Ridge", X: Floats, j: int) -> Floats:
        F = self._predictors(self._features(X), j, np.arange(len(X)))
        if j not in self._words:
            return model.predict(F) * self._scale[j] + self._centre[j]
        levels = self.schema_.columns[j].levels
        shares = np.zeros((len(X), len(levels)))
        shares[:, np.searchsorted(levels, model.classes_)] = model.predict_proba(F)
        return shares

    def _spread(self, model: "LogisticRegression | Ridge", j: int) -> float:
        return float(model.spread_ * self._scale[j])


def label_features(column: Column, max_ngram: int) -> csr_matrix:
    """N-gram weights of each label, shape (K + 1, q), of length one; the last row is zero.

    The few labels of a scale have more n-grams than labels, and are given by q ≤ K coordinates with the same inner
    products, which are all that a penalised regression knows of its predictors.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, max_ngram)).fit_transform(column.labels.values())
    if column.kind is not Kind.TEXT:
        left, stretch, _ = np.linalg.svd(grams.toarray(), full_matrices=False)
        grams = csr_matrix(left * stretch)
    K, q = grams.shape
    return csr_matrix((grams.data, grams.indices, np.append(grams.indptr, grams.nnz)), (K + 1, q))


def fit_logistic(F: csr_matrix | Floats, y: Floats, C: float) -> "LogisticRegression":
    """Multinomial logistic regression of codes (n,) on features (n, q)."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=500, tol=1e-3).fit(F, y)


def fit_ridge(F: csr_matrix | Floats, y: Floats, C: float) -> "Ridge":
    """Ridge regression of numbers (n,) on features (n, q); ``spread_`` is the deviation of its residuals."""
    from sklearn.linear_model import Ridge

    model = Ridge(1 / C).fit(F, y)
    model.spread_ = float(np.std(y - model.predict(F)))
    return model


def loss(model: "LogisticRegression | Ridge", F: csr_matrix | Floats, y: Floats) -> float:
    """Mean log-loss of codes (n,), or squared error of numbers; codes the model never met have probability 1 / 10 n."""
    if not hasattr(model, "predict_proba"):
        return float(np.mean((model.predict(F) - y) ** 2))
    shares = (model.predict_proba(F) * (model.classes_ == y[:, None])).sum(axis=1)
    return float(-np.log(np.maximum(shares, 1 / (10 * len(y)))).mean())
