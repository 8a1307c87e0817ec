"""The multivariate normal fitted by EM: conditional means, and draws with drawn parameters."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from datasets.schema import Floats
from imputers import IMPUTERS
from imputers.shared.normal_imputer import NormalImputer, Weighted
from imputers.shared.normal_model import Normal, draw_holes, draw_model, find_holes, maximum_likelihood
from imputers.shared.ranges import COUNT, NOT_NEGATIVE


@IMPUTERS.register("gaussian-em")
class GaussianEM(NormalImputer):
    """Fill from a multivariate normal of scores and dummies, fitted by EM.

    Dempster, Laird & Rubin (1977), JRSS B 39; Schafer (1997), Analysis of Incomplete Multivariate Data, chapter 5.
    Ordinal codes count as scores and nominal levels as dummies, less the most frequent one, whose
    dummy is what the others leave of 1, and less levels with fewer than five answers, which keep their
    share whatever else was answered. Assumes missing at random and linear relations with equal
    spread. Draws are proper: parameters come from data augmentation started at the maximum likelihood
    estimate, ``thin`` steps before each; a drawn score becomes the nearest code, and drawn dummies the
    largest one's level (Allison 2002, Missing Data, p. 40). Expectation and probabilities are those that the draws
    came from, averaged over them: means of normals censored at the limits of a numeric item, normal areas between the
    midpoints of an ordinal scale, and none for nominal items. New rows are conditioned on the drawn parameters.

    Parameters
    ----------
    ridge : observations of independent noise added to the data, which keeps rare dummies estimable.
    tol : EM stops when no mean or covariance of standardised columns moves by more.
    max_iter : steps of EM at most.
    thin : steps of data augmentation before each draw.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Normal,)
    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "ours; on which table is not recorded"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "ridge": NOT_NEGATIVE,
        "tol": NOT_NEGATIVE,
        "max_iter": COUNT,
        "thin": COUNT,
    }

    def __init__(self, ridge: float = 5.0, tol: float = 1e-3, max_iter: int = 100, thin: int = 5) -> None:
        self.ridge = ridge
        self.tol = tol
        self.max_iter = max_iter
        self.thin = thin

    def _fit_normals(self, D: Floats, rng: np.random.Generator) -> None:
        self._data = D
        self.model_, self.n_iter_ = maximum_likelihood(D, self.ridge, self.tol, self.max_iter)

    def _draw_normals(
        self, D: Floats, n_draws: int, rng: np.random.Generator
    ) -> Iterator[tuple[Floats, list[Weighted]]]:
        model, fitted_holes, holes = self.model_, find_holes(self._data), find_holes(D)
        for _ in range(n_draws):
            for _ in range(self.thin):
                model = draw_model(draw_holes(model, self._data, fitted_holes, rng), self.ridge, rng)
            yield draw_holes(model, D, holes, rng), [(np.ones(len(D)), model)]
