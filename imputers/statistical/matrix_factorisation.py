"""Matrix factorisation: a respondent is a point, an item a direction, and answers follow from the two."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.matrix import MatrixImputer
from imputers.shared.levels import draw_level, normal_mean, normal_shares
from imputers.shared.ranges import COUNT, NUMBER_OR_ZERO, POSITIVE
from imputers.shared.validation import validation_cells
from imputers.statistical.factors import Factors, starting_factors
from imputers.statistical.tilt import Tilt, learn_tilt

VALIDATION_SHARE = 0.1  # of the known answers, which judge the factors of the others
FULL = 2000  # rows from which on the ridge is as stated
PRIOR = 5  # validation cells that an item's spread borrows from all items


@IMPUTERS.register("matrix-factorisation")
class MatrixFactorisation(MatrixImputer):
    """Matrix factorisation by alternating least squares, as recommenders use it.

    Hu, Koren and Volinsky 2008 (ICDM, section 4) on known cells alone, as Zhou et al. 2008 (AAIM): the standardised
    design (dummies less each nominal item's most frequent level, ordinal codes, numbers) is ``c_j + u_i · v_j``, fitted
    by ridge regressions of rows on columns and columns on rows in turn. Item means and the intercepts c are the items'
    biases; with items of mixed kinds and directions a respondent has none beyond the factors.

    A tenth of the known answers is kept for validation, and what the factors of a first fit say of them sets the rest:
    nominal probabilities are the shares of the levels tilted by the factors' standardised scores, two coefficients for
    all items (`tilt`); ordinal and numeric answers are normal about a mean that all items stretch alike, with a spread
    of their own, areas between the midpoints giving ordinal probabilities. Further iterations then take in all answers.

    Assumes missingness at random and few common directions. Draws are improper: answers scatter about their
    forecasts, each hole on its own, while factors stay as estimated; associations between holes are so understated.
    New rows get factors of their own from the fitted columns. Survey weights are not used.

    The number of factors is that of Kim and Lee (2023, arXiv 2305.09620); their ridge of 10 is smaller.

    Parameters
    ----------
    n_components : number of factors.
    ridge : λ on every entry of the factors, of a table of 2,000 rows or more. λ is taken off every singular value
        (Mazumder, Hastie & Tibshirani 2010, J. Machine Learning Research 11, section 3), and those grow with the root
        of the rows: with fewer, the ridge falls likewise, or nothing would be left of a small table.
    max_iter : iterations over rows and columns without the validation cells.
    max_iter_refit : iterations with all answers, from there.

    Attributes
    ----------
    factors_ : of the columns.
    tilt_ : how far the scores of nominal levels are trusted.
    stretch_ : what ordinal and numeric scores are multiplied by.
    spread_ : standard deviation about them, per column of the design, in its standard deviations.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Factors, Tilt)
    family: ClassVar[str] = "statistical"
    least_rows: ClassVar[int] = 300
    defaults: ClassVar[str] = "ours; on which table is not recorded"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": COUNT,
        "ridge": POSITIVE,
        "max_iter": COUNT,
        "max_iter_refit": NUMBER_OR_ZERO,
    }

    def __init__(self, n_components: int = 50, ridge: float = 25.0, max_iter: int = 7, max_iter_refit: int = 3) -> None:
        self.n_components = n_components
        self.ridge = ridge
        self.max_iter = max_iter
        self.max_iter_refit = max_iter_refit

    def _fit_matrix(self, D: Floats, rng: np.random.Generator) -> None:
        self._kept = np.setdiff1d(np.arange(D.shape[1]), list(self._references().values()))
        blocks = self.schema_.blocks
        cells = validation_cells(D[:, [block.start for block in blocks]], VALIDATION_SHARE, rng)
        validation = np.repeat(cells, [block.stop - block.start for block in blocks], axis=1)
        rest = np.where(validation, np.nan, D)[:, self._kept]
        ridge = self.ridge * min(1.0, np.sqrt(len(D) / FULL))
        first = starting_factors(len(self._kept), self.n_components, ridge, rng).iterated(rest, self.max_iter)
        self._judge(self._widened(first.completed(rest), self._kept), D, validation)
        self.factors_ = first.iterated(D[:, self._kept], self.max_iter_refit)

    def _judge(self, scores: Floats, D: Floats, validation: NDArray[np.bool_]) -> None:
        """Learn from the validation cells how far to trust the scores (n, q): tilt, stretch and spreads."""
        blocks = self.schema_.blocks
        nominal = [(blocks[j], validation[:, blocks[j].start]) for j in self.schema_.where(Kind.NOMINAL)]
        self.tilt_ = self._learn_tilt([(block, scores[own, block], D[own, block]) for block, own in nominal])
        single = np.array([blocks[j].start for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC)], dtype=np.intp)
        said, true = (np.where(validation, table, 0)[:, single] for table in (scores, D))
        self.stretch_ = float((said * true).sum() + 1) / float((said**2).sum() + 1)
        squares = np.where(validation[:, single], (true - self.stretch_ * said) ** 2, 0).sum(axis=0)
        counts = validation[:, single].sum(axis=0)
        pooled = (squares.sum() + PRIOR) / (counts.sum() + PRIOR)
        self.spread_ = np.ones(D.shape[1])
        self.spread_[single] = np.sqrt((squares + PRIOR * pooled) / (counts + PRIOR))

    def _learn_tilt(self, parts: list[tuple[slice, Floats, Floats]]) -> Tilt:
        """Tilt from (block, scores, standardised dummies) of each nominal item's validation cells, padded alike."""
        if not parts:
            return Tilt(1.0, 1.0)
        width = max(block.stop - block.start for block, _, _ in parts)
        padded = [np.pad(scores, ((0, 0), (0, width - scores.shape[1]))) for _, scores, _ in parts]
        shares = [np.pad(self.centre_[block], (0, width - scores.shape[1])) for block, scores, _ in parts]
        repeated = np.repeat(np.stack(shares), [len(scores) for scores in padded], axis=0)
        true = np.concatenate([(D * self.scale_[block] + self.centre_[block]).argmax(axis=1) for block, _, D in parts])
        return learn_tilt(repeated, np.concatenate(padded), true)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        scores = self._widened(self.factors_.completed(self._encode(X)[:, self._kept]), self._kept)
        drawn, expected, probabilities = np.tile(X, (n_draws, 1, 1)), np.full(X.shape, np.nan), {}
        for j, (column, block) in enumerate(zip(self.schema_, self.schema_.blocks, strict=True)):
            own, at = np.isnan(X[:, j]), block.start
            mean = self.centre_[at] + self.scale_[at] * self.stretch_ * scores[own, at]
            deviation = self.spread_[at] * self.scale_[at]
            if column.kind is Kind.NUMERIC:
                noise = deviation * rng.standard_normal((n_draws, len(mean)))
                drawn[:, own, j], expected[own, j] = column.snap(mean + noise), normal_mean(column, mean, deviation)
                continue
            if column.kind is Kind.NOMINAL:
                shares = self.tilt_.probabilities(self.centre_[block], scores[own, block])
            else:
                shares = normal_shares(mean[:, None], deviation, column.levels)
                expected[own, j] = shares @ column.levels
            drawn[:, own, j] = column.levels[np.stack([draw_level(shares, rng) for _ in range(n_draws)])]
            probabilities[j] = shares
        holes = np.isnan(X)
        return Prediction(drawn[:, holes], expected[holes], probabilities)
