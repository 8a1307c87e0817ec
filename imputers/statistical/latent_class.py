"""Imputation by latent classes: several mixtures of product-multinomials, averaged."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.populations.latent_class import (
    LatentClasses,
    Levels,
    Numbers,
    classify,
    conditional,
    draw_levels,
    draw_rows,
    levels_of,
)
from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.shared.bins import Bins, quantile_bins
from imputers.shared.ranges import COUNT
from imputers.shared.validation import validation_cells

PSEUDO = 0.5  # extra respondents per class and item who answer as the whole table does
VALIDATION_SHARE = 0.1  # of the observed cells, to choose the number of classes
BLOCK = 50_000  # rows whose levels are looked at together, which bounds memory
TRIALS = 10  # fits averaged for each number of classes tried: averages favour more classes than one fit does


@IMPUTERS.register("latent-class")
class LatentClassImputer(Imputer):
    """Latent classes: exact conditionals averaged over fits; draws nearly proper.

    Vermunt, van Ginkel, van der Ark & Sijtsma 2008 (Sociological Methodology 38, 369-397, eq. 3-5); averaging over
    fits stands in for the posterior of the fully Bayesian relative, Si & Reiter 2013 (Journal of Educational and
    Behavioral Statistics 38, 499-521), and profiles are smoothed as `fit_classes` says.

    Assumes that answers are independent within a class and holes are missing at random. Numeric columns enter by
    their distinct values, or by quantile bins if these are many. Survey weights are not used.

    The probability of a level is the mean, over fits, of its exact probability given the observed cells of the row;
    the expected value is its mean over levels. A draw picks for each row a fit, then a class given the observed
    cells, then all its holes given the class, so fills keep their covariance. The draw's profiles are themselves
    drawn from their Dirichlet posterior given the class counts, as in the approximate Bayesian bootstrap: draws
    are proper but for the uncertainty of the class memberships. New rows: classified by the same fits. Of a table with
    more rows than ``max_rows`` the classes are learned from a random sample of so many; the draws have its uncertainty.

    Parameters
    ----------
    n_init : fits averaged, each from a random start.
    n_components : numbers of classes to choose from, by the log score on validation cells.
    max_levels : a numeric column with more distinct values is cut into bins.
    n_bins : number of these bins.
    max_rows : rows learned from, a random sample where there are more.

    Attributes
    ----------
    n_components_ : number of classes chosen.
    fits_ : the fitted models.
    """

    nouns: ClassVar[tuple[object, ...] | None] = (Bins, LatentClasses, Levels)
    family: ClassVar[str] = "statistical"
    defaults: ClassVar[str] = "classes by the table at hand; rest ours, not recorded"
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_init": COUNT,
        "n_components": ["array-like"],
        "max_levels": COUNT,
        "n_bins": COUNT,
        "max_rows": COUNT,
    }

    def __init__(
        self,
        n_init: int = 30,
        n_components: Sequence[int] = (5, 10, 20, 40),
        max_levels: int = 100,
        n_bins: int = 30,
        max_rows: int = 30_000,
    ) -> None:
        self.n_init = n_init
        self.n_components = n_components
        self.max_levels = max_levels
        self.n_bins = n_bins
        self.max_rows = max_rows

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        if not len(self.n_components) or min(self.n_components) < 1:
            raise InputError(
                f"latent-class: n_components is {self.n_components!r}; give one or more numbers of at least 1"
            )
        self.bins_ = {
            int(j): quantile_bins(X[~np.isnan(X[:, j]), j], self.n_bins)
            for j in self.schema_.where(Kind.NUMERIC)
            if len(np.unique(X[~np.isnan(X[:, j]), j])) > self.max_levels
        }
        binned = self._binned(X)
        self.levels_ = levels_of(binned, self.schema_)
        if len(X) > self.max_rows:
            rows = rng.choice(len(X), self.max_rows, replace=False)
            X, binned = X[rows], binned[rows]
        Z = self.levels_.indicate(binned)
        self.n_components_ = self._choose(X, Z, rng)
        self.fits_ = [fit_classes(Z, self.levels_, self.n_components_, rng, pseudo=PSEUDO) for _ in range(self.n_init)]
        # expected observed answers of each class to each item, the size of the sample behind its profile
        self.counts_ = [classify(model, Z)[0].T @ ~np.isnan(X) for model in self.fits_]

    def _choose(self, X: Floats, Z: Numbers, rng: np.random.Generator) -> int:
        """Number of classes with the highest log score on validation cells of X (n, p), whose levels Z (n, q) shows."""
        cells = validation_cells(X, VALIDATION_SHARE, rng)
        target = np.repeat(cells, [len(values) for values in self.levels_.values], axis=1) & (Z > 0)
        shown = np.where(target, np.float32(0), Z)
        feasible = [size for size in self.n_components if size <= len(Z) / 5]
        if not feasible:
            return min(self.n_components)
        scores = {}
        for size in feasible:
            trials = [fit_classes(shown, self.levels_, size, rng, pseudo=PSEUDO) for _ in range(TRIALS)]
            scores[size] = np.log(average(trials, shown)[target]).mean()
        return max(scores, key=lambda size: scores[size])

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        draws, holes = super()._impute(X, n_draws, rng).draws, np.isnan(X)
        expected, shares = np.full(X.shape, np.nan), [list[Numbers]() for _ in self.schema_]
        for start in range(0, len(X), BLOCK):
            part = slice(start, start + BLOCK)
            found = average(self.fits_, self.levels_.indicate(self._binned(X[part])))
            for j, (column, block) in enumerate(zip(self.schema_, self.levels_.blocks, strict=True)):
                if column.kind is not Kind.NOMINAL:
                    expected[part, j] = found[:, block] @ self.levels_.values[j]
                if column.kind is not Kind.NUMERIC and holes[:, j].any():
                    shares[j].append(found[holes[part, j], block])
        probabilities = {j: np.concatenate(parts) for j, parts in enumerate(shares) if parts}
        return Prediction(draws, expected[holes], probabilities)

    def _draw(self, X: Floats, rng: np.random.Generator) -> Floats:
        holes, binned = np.isnan(X), self._binned(X)
        chosen = rng.integers(self.n_init, size=len(X))
        table = np.array(X)
        for number, model in enumerate(self.fits_):
            rows = np.flatnonzero(chosen == number)
            classes = draw_rows(classify(model, self.levels_.indicate(binned[rows]))[0], rng)
            drawn = draw_levels(self._redrawn(number, rng), classes, rng, holes[rows])
            table[rows] = np.where(holes[rows], drawn, X[rows])
        return self._from_donors(table, holes, rng)

    def _redrawn(self, number: int, rng: np.random.Generator) -> LatentClasses:
        """Fit with profiles drawn from their Dirichlet posterior.

        A draw serves each row by one of the fits, so each fit has its share of the respondents behind it: the
        fits together then vary as much as one fit to all of them does.
        """
        model, levels = self.fits_[number], self.levels_
        sizes = (self.counts_[number] + PSEUDO) / self.n_init  # (K, p)
        widths = [len(values) for values in levels.values]
        gammas = rng.standard_gamma(np.repeat(sizes, widths, axis=1) * model.profiles)
        gammas += np.finfo(float).tiny  # all gammas of an item can underflow to zero
        return LatentClasses(levels, model.shares, levels.normalise(gammas))

    def _from_donors(self, table: Floats, holes: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
        """Replace each fill that is the mean of a bin by an observed value of that bin."""
        for j, bins in self.bins_.items():
            rows = np.flatnonzero(holes[:, j])
            sizes = np.array([len(donors) for donors in bins.donors])
            chosen = np.searchsorted(bins.means, table[rows, j])
            position = (np.cumsum(sizes) - sizes)[chosen] + rng.integers(sizes[chosen])
            table[rows, j] = np.concatenate(bins.donors)[position]
        return table

    def _binned(self, X: Floats) -> Floats:
        """Copy of X (n, p) in which each value of a binned column is the mean of its bin."""
        binned = np.array(X)
        for j, bins in self.bins_.items():
            known = ~np.isnan(X[:, j])
            binned[known, j] = bins.means[bins.of(X[known, j])]
        return binned


def average(fits: Sequence[LatentClasses], Z: Numbers) -> Numbers:
    """Mean over fits of the probabilities of all levels (n, q) given the observed cells of each row."""
    total = sum((conditional(model, Z) for model in fits), start=np.zeros(Z.shape))
    return fits[0].levels.normalise(total)


def fit_classes(
    Z: Numbers,
    levels: Levels,
    n_classes: int,
    rng: np.random.Generator,
    *,
    tol: float = 0.001,
    max_iter: int = 500,
    pseudo: float = 0.5,
    bandwidth: float = 0.05,
    smallest: float = 0.0,
) -> LatentClasses:
    """Fit by expectation-maximisation from one random start.

    The profile of a class is its expected counts c_k, smoothed and relative to those of the whole table, times the
    whole table's shares m: P_k ∝ m (S c_k / S m + pseudo), with S of `Levels.kernel`. Heaps such as twelve years of
    school so stay heaps. With ``bandwidth=0`` this is c_k + pseudo m: EM for the mode under a Dirichlet prior.

    Parameters
    ----------
    Z : indicators (n, q), see `Levels.indicate`.
    levels : what they mean.
    n_classes : number K of classes at the start, at most the number of rows.
    rng : decides the start, one random respondent for each class.
    tol, max_iter : stop when a step adds less than this to the log-likelihood per cell, or at this step.
    pseudo : extra respondents per class and item who answer as the whole table does.
    bandwidth : width of the smoother as a share of an ordered item's number of levels.
    smallest : a class with fewer expected respondents than this is dissolved.
    """
    marginal = levels.normalise(Z.sum(axis=0) + np.float32(0.5))  # half a person keeps unused levels possible
    smoother = levels.kernel(bandwidth)
    reference = marginal @ smoother
    posterior = _start(Z, levels, min(n_classes, len(Z)), marginal, rng)
    last, cells = -np.inf, Z.sum(dtype=float)
    for _ in range(max_iter):
        sizes = posterior.sum(axis=0, dtype=float)
        kept = sizes >= min(smallest, sizes.max())
        relative = (posterior[:, kept].T @ Z) @ smoother / reference
        profiles = levels.normalise(marginal * (relative + np.float32(pseudo)))
        model = LatentClasses(levels, sizes[kept] / sizes[kept].sum(), profiles)
        posterior, likelihoods = classify(model, Z)
        last, before = likelihoods.sum(dtype=float) / cells, last
        if last - before < tol:
            break
    return model


def _start(Z: Numbers, levels: Levels, n_classes: int, marginal: Numbers, rng: np.random.Generator) -> Numbers:
    """Posterior (n, K) when each class answers half as one respondent of its own, half as the table at large."""
    seeds = Z[rng.choice(len(Z), n_classes, replace=False)]
    noise = rng.standard_exponential((n_classes, levels.size), dtype=np.float32)  # parts respondents who agree
    profiles = levels.normalise(seeds + marginal * noise)
    return classify(LatentClasses(levels, np.full(n_classes, 1 / n_classes), profiles), Z)[0]
