"""The mixture of normals: components that a row belongs to by what it answered, each with its own covariance."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.clusters.mixture import (
    Mixture,
    Prior,
    Search,
    choose_size,
    draw_mixture,
    draw_rows,
    expect,
    fit_mixture,
    group_rows,
)
from imputers.shared.normal_imputer import NormalImputer, Weighted
from imputers.shared.normal_model import Normal
from imputers.shared.ranges import COUNT, COUNT_OR_NONE, NOT_NEGATIVE

SIZES = (1, 2, 3, 5)  # to choose from


@IMPUTERS.register("gmm")
class GaussianMixture(NormalImputer):
    """Fill from a mixture of normals of scores and dummies, fitted by EM.

    Ghahramani & Jordan (1994), NIPS 6: EM with missing cells, the conditional covariance of the holes
    counted in the M step. The table is encoded as by ``gaussian-em``, which this equals with one component: ordinal
    codes as scores, nominal levels as dummies. Beyond one, components are shrunk by q + 2 observations that vary as
    the table does (Fraley & Raftery 2007, Journal of Classification 24). Assumes missing at random.

    Expectation and probabilities are means over components, by their posterior given what the row has answered, of
    those of ``gaussian-em``. Draws are proper, by data augmentation (Schafer 1997, Analysis of Incomplete
    Multivariate Data, section 5.4, for one normal; here with a drawn component for each row and drawn shares). New
    rows are conditioned on the drawn parameters. Survey weights are not used.

    The number of components minimises the BIC of the observed cells among 1, 2, 3, 5, tried in this order until it
    rises. Codes have no density, so for this choice they are spread evenly over their step of the scale: the BIC of
    the codes themselves rewards one component for each answer.

    Parameters
    ----------
    n_components : number of normals; None chooses.
    n_init : random starts, each run for five steps, of which the likeliest runs on.
    ridge : observations of independent noise added to each component, which keeps rare dummies estimable.
    tol : EM of one normal stops when no mean or covariance of standardised columns moves by more, and that of
        a mixture when a step gains less log density a row.
    max_iter : EM stops here at the latest.
    thin : steps of data augmentation before each draw.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Mixture, Normal, Prior)
    family: ClassVar[str] = "clusters"
    defaults: ClassVar[str] = "components by the table at hand; rest ours, not recorded"
    proper: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": COUNT_OR_NONE,
        "n_init": COUNT,
        "ridge": NOT_NEGATIVE,
        "tol": NOT_NEGATIVE,
        "max_iter": COUNT,
        "thin": COUNT,
    }

    def __init__(
        self,
        n_components: int | None = None,
        n_init: int = 3,
        ridge: float = 5.0,
        tol: float = 1e-3,
        max_iter: int = 100,
        thin: int = 5,
    ) -> None:
        self.n_components = n_components
        self.n_init = n_init
        self.ridge = ridge
        self.tol = tol
        self.max_iter = max_iter
        self.thin = thin

    def _fit_normals(self, D: Floats, rng: np.random.Generator) -> None:
        search = Search(self.ridge, self.tol, self.max_iter, self.n_init)
        sizes = tuple(size for size in SIZES if size == 1 or size <= len(D) / 5)
        self.n_components_ = self.n_components or choose_size(self._spread_out(D, rng), sizes, search, rng)
        self.mixture_, self._prior = fit_mixture(D, min(self.n_components_, len(D)), search, rng)
        self._data = D

    def _spread_out(self, D: Floats, rng: np.random.Generator) -> Floats:
        """Design D (n, q) with each code spread evenly over its step of the scale, and standardised again.

        Codes have no density: a component where all say the same fits them infinitely well, and the BIC of a
        mixture would reward one component for each answer. Spread out, they have a density whose expected
        logarithm is at most that of the codes' probability (Theis, van den Oord & Bethge 2016, ICLR).
        """
        step = np.ones(len(self.centre_))  # of a dummy
        for j in self.schema_.where(Kind.ORDINAL, Kind.NUMERIC):
            column = self.schema_.columns[j]
            if column.labels:
                width = np.ptp(column.levels) / (len(column.levels) - 1)
            else:
                width = 0.0 if column.decimals is None else 10.0**-column.decimals
            step[self.schema_.blocks[j]] = width
        spread = D + rng.uniform(-0.5, 0.5, D.shape) * (step / self.scale_)[self._kept]
        return (spread - np.nanmean(spread, axis=0)) / np.nanstd(spread, axis=0)

    def _draw_normals(
        self, D: Floats, n_draws: int, rng: np.random.Generator
    ) -> Iterator[tuple[Floats, list[Weighted]]]:
        mixture, fitted_rows, rows = self.mixture_, group_rows(self._data), group_rows(D)
        for _ in range(n_draws):
            for _ in range(self.thin):
                mixture = draw_mixture(mixture, *draw_rows(mixture, self._data, fitted_rows, rng), self._prior, rng)
            posterior = expect(mixture, D, rows).posterior
            yield draw_rows(mixture, D, rows, rng)[0], list(zip(posterior.T, mixture.normals, strict=True))
