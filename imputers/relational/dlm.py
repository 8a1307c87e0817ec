"""Distance likelihood maximisation: the candidate whose distances to the rows nearby are the most likely ones."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from datasets.prediction import Prediction
from datasets.schema import LABELLED, UNORDERED, Floats, Kind
from imputers import IMPUTERS
from imputers.base import Imputer
from imputers.relational.distance_models import Distances, Float32s, Rows, fit_models, log_likelihoods
from imputers.shared.conditionals import Conditional, predict
from imputers.shared.donors import sample_donors
from imputers.shared.levels import draw_level
from imputers.shared.ranges import COUNT, COUNT_OR_NONE, POSITIVE

SMALLEST = 10  # neighbours of a local model, and more if there are many columns
PER_COLUMN = 3  # neighbours of a local model for each column
VALIDATION_SHARE = 0.1  # of an item's observed cells, by which its temperature is learned
MOST_VALIDATION = 200  # cells of an item
TEMPERATURES = np.geomspace(0.1, 1000, 41)


@dataclass(frozen=True, eq=False)
class Scored:
    """Candidates of the holes of one column.

    Parameters
    ----------
    rows : of the holes (holes,).
    values : candidates, codes (holes, c).
    scores : shape (holes, c); -inf for a candidate that is there already.
    """

    rows: Rows
    values: Floats
    scores: Floats

    def shares(self, temperature: float) -> Floats:
        """Probabilities of the candidates (holes, c)."""
        return softmax(self.scores / temperature, axis=1)


@IMPUTERS.register("dlm")
class DistanceLikelihood(Imputer):
    """Fill with the nearby value whose distances to the rows nearby are most likely.

    Song & Sun (2020), "Imputing various incomplete attributes via distance likelihood maximization", KDD, sections 2
    to 4, with the defaults of the authors' code. Around each row i, its distances in any one column are a linear
    function of those in the others, with normal errors; slopes and variances are learned from i's nearest rows. A
    candidate, one of the values of the nearest rows that answered, gives a row t a likelihood of its distances to i,
    the sum over columns of these log densities; its score is the sum of the ``n_largest`` over rows i. Assumes
    missing at random, and that distances say all: kinds are mixed by `Distances`, and text is read as strings.

    Departures. (a) The authors' ten neighbours cannot carry regressions on more than eight columns: the fit is then
    perfect and scores explode. Here they are three per column at least, and ridge regressions. (b) The
    authors learn from complete rows, of which a survey has few, and let a row's other holes range over intervals,
    which between two categories say nothing. Here rows are taken as they are: row distances are means over what both
    answered, and a distance that is unknown takes its mean around i, and has no term of its own in the sum. (c)
    Only the ``n_references`` rows nearest to t of those that answered are tried, not all. (d) Scores are sums
    of dependent terms, and no probabilities; their softmax is made so by a temperature for each column, learned from
    validation cells: the best log score where the answer is a candidate, or squared error if numeric.
    Draws from it are improper (models and temperature are taken as known), and independent given the other answers;
    what is no candidate has probability 0. A numeric or ordinal expectation is that of the probabilities.

    New rows seek candidates and references among the fitted rows. Memory grows with the square of the number of
    distinct strings of a text column. On surveys it falls short, as a distance between two of few categories says
    little of which of them they are.

    Parameters
    ----------
    n_donors : nearest rows that lend their values.
    n_largest : log-likelihoods that count.
    n_references : nearest rows whose log-likelihoods are compared.
    n_neighbors : rows that a local model is learned from; None takes ten, or three per column if that is more.
    ridge : penalty of the local regressions, and least variance, in units of squared distance.
    max_donors : with more fitted rows than this, a random sample of so many lends.
    """

    family: ClassVar[str] = "relational"
    defaults: ClassVar[str] = "authors' code's, but neighbours, references and ridge ours"
    reads_text: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_donors": COUNT,
        "n_largest": COUNT,
        "n_references": COUNT,
        "n_neighbors": COUNT_OR_NONE,
        "ridge": POSITIVE,
        "max_donors": COUNT,
    }

    def __init__(
        self,
        n_donors: int = 10,
        n_largest: int = 10,
        n_references: int = 100,
        n_neighbors: int | None = None,
        ridge: float = 0.01,
        max_donors: int = 10_000,
    ) -> None:
        self.n_donors = n_donors
        self.n_largest = n_largest
        self.n_references = n_references
        self.n_neighbors = n_neighbors
        self.ridge = ridge
        self.max_donors = max_donors

    def _fit(self, X: Floats, rng: np.random.Generator) -> None:
        donors = X[sample_donors(X, self.max_donors, SMALLEST, rng)]
        self._distances = Distances(self.schema_, X)
        self.temperature_ = self._calibrate(donors, rng)
        self._learn(donors)

    def _learn(self, donors: Floats) -> None:
        self._donors, self._Z = donors, self._distances.scaled(donors)
        wanted = self.n_neighbors or max(SMALLEST, PER_COLUMN * donors.shape[1])
        self._models = fit_models(self._distances, self._Z, min(wanted, len(donors) - 1), self.ridge)

    def _calibrate(self, X: Floats, rng: np.random.Generator) -> Floats:
        """Temperature of each column (p,), learned on validation cells; 1 where there are none."""
        shown = X.copy()
        for j in range(X.shape[1]):
            known = rng.permutation(np.flatnonzero(~np.isnan(X[:, j])))
            n_cells = min(MOST_VALIDATION, int(np.ceil(VALIDATION_SHARE * len(known))), len(known) - 1)
            shown[known[:n_cells], j] = np.nan
        self._learn(shown)
        validation = np.isnan(shown) & ~np.isnan(X)
        rows = np.flatnonzero(validation.any(axis=1))
        temperatures = np.ones(X.shape[1])
        for j, scored in self._score(shown[rows], validation[rows]).items():
            truth = X[rows[scored.rows], j][:, None]
            temperatures[j] = best_temperature(scored, truth, self.schema_.columns[j].kind)
        return temperatures

    def _score(self, X: Floats, asked: NDArray[np.bool_]) -> dict[int, Scored]:
        """Candidates for the cells asked of X (n, p), by column."""
        Z = self._distances.scaled(X)
        answered = [np.flatnonzero(~np.isnan(column)) for column in self._Z.T]
        parts: dict[int, list[Scored]] = {int(j): [] for j in np.flatnonzero(asked.any(axis=0))}
        for rows, far in self._distances.blocks(Z, self._Z):
            for j, found in parts.items():
                here = np.flatnonzero(asked[rows, j])
                if len(here):
                    near = nearest(far[here], answered[j], self.n_references)
                    found.append(self._score_cells(j, rows.start + here, Z[rows.start + here], near))
        return {
            j: Scored(
                *(np.concatenate([getattr(part, name) for part in found]) for name in ("rows", "values", "scores"))
            )
            for j, found in parts.items()
        }

    def _score_cells(self, j: int, rows: Rows, Z: Float32s, near: Rows) -> Scored:
        """Score the candidates of some holes of column j: rows (h, p) and their reference rows (h, r)."""
        lent = near[:, : self.n_donors]
        values = self._donors[lent, j]
        apart = self._distances.between(j, self._Z[near, j][:, :, None], self._Z[lent, j][:, None])  # (h, r, c)
        totals = log_likelihoods(self._models, near, self._distances.vectors(Z, self._Z[near]), apart, j)
        largest = min(self.n_largest, near.shape[1])
        scores = np.partition(totals, -largest, axis=1)[:, -largest:].sum(axis=1).astype(float)
        same = values[:, :, None] == values[:, None]
        scores[np.tril(same, -1).any(axis=2)] = -np.inf
        return Scored(rows, values, scores)

    def _impute(self, X: Floats, n_draws: int, rng: np.random.Generator) -> Prediction:
        scored = self._score(X, np.isnan(X))
        return predict(X, {j: self._conditional(own, j) for j, own in scored.items()}, n_draws, rng)

    def _conditional(self, scored: Scored, j: int) -> Conditional:
        """Distributions of the holes of column j over their candidates."""
        column, shares = self.schema_.columns[j], scored.shares(self.temperature_[j])
        holes = np.arange(len(scored.rows))
        expected = None if column.kind in UNORDERED else (scored.values * shares).sum(axis=1)
        probabilities = None
        if column.kind in LABELLED:
            probabilities = np.zeros((len(holes), len(column.levels)))
            np.add.at(probabilities, (holes[:, None], np.searchsorted(column.levels, scored.values)), shares)
        return Conditional(lambda rng: scored.values[holes, draw_level(shares, rng)], expected, probabilities)


def nearest(far: Float32s, answered: Rows, most: int) -> Rows:
    """Nearest rows that answered, nearest first, at most so many: shape (h, r)."""
    far, r = far[:, answered], min(most, len(answered))
    near = np.argpartition(far, r - 1, axis=1)[:, :r]
    order = np.argsort(np.take_along_axis(far, near, axis=1), axis=1, kind="stable")
    return answered[np.take_along_axis(near, order, axis=1)]


def best_temperature(scored: Scored, truth: Floats, kind: Kind) -> float:
    """Temperature whose probabilities predict the truth (holes, 1) best, among `TEMPERATURES`.

    By log score over the holes that have the truth among their candidates; by squared error if numeric.
    """
    hit = scored.values == truth
    losses = []
    for temperature in TEMPERATURES:
        shares = scored.shares(temperature)
        if kind is Kind.NUMERIC:
            losses.append(np.mean(((shares * scored.values).sum(axis=1) - truth[:, 0]) ** 2))
        else:
            given = (shares * hit).sum(axis=1)[hit.any(axis=1)]
            losses.append(-np.log(np.maximum(given, 1e-12)).sum())
    return float(TEMPERATURES[np.argmin(losses)])
