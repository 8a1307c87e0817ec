"""One boosted conditional distribution: what an item's answer may be, given all other items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats
from imputers.shared.levels import draw_level

if TYPE_CHECKING:
    from lightgbm import Booster

Float32s = NDArray[np.float32]
Settings = Mapping[str, float | str]
HELD_OUT = 0.2  # share of the known rows that donate answers instead of growing trees


class Forecast(NamedTuple):
    """What is said of h holes: a draw (h,), the mean (h,) (NaN if nominal), level shares (h, K) (K = 0 if numeric)."""

    draw: Floats
    mean: Floats
    shares: Floats


@dataclass(frozen=True, eq=False)
class BoostedClasses:
    """A nominal item: boosted trees on the multinomial (two levels: binomial) log-likelihood.

    Parameters
    ----------
    column : the item.
    booster : gives probabilities.
    classes : numbers of the levels that were observed; the others get probability 0.
    """

    column: Column
    booster: "Booster"
    classes: NDArray[np.intp]

    def forecast(self, D: Float32s, rng: np.random.Generator) -> Forecast:
        """Probabilities of the levels, and a level drawn from them."""
        found = _predict(self.booster, D)
        shares = np.zeros((len(D), len(self.column.levels)))
        shares[:, self.classes] = found if found.ndim == 2 else np.column_stack([1 - found, found])
        return Forecast(self.column.levels[draw_level(shares, rng)], np.full(len(D), np.nan), shares)


@dataclass(frozen=True, eq=False)
class BoostedScore:
    """An ordinal or numeric item: boosted least squares, and donors with the nearest predictions.

    Parameters
    ----------
    column : the item.
    booster : predicts its code.
    predictions : of the donors, ascending, shape (d,). No tree has seen the donors, so that their answers
        scatter about the predictions as much as those of a new person do.
    answers : their codes, shape (d,).
    n_donors : how many of them stand for the distribution of an answer.
    """

    column: Column
    booster: "Booster"
    predictions: Floats
    answers: Floats
    n_donors: int

    def forecast(self, D: Float32s, rng: np.random.Generator) -> Forecast:
        """Predicted mean, shares of the levels among the nearest donors, and the answer of one of these."""
        mean = _predict(self.booster, D)
        first = self._first_donor(mean, rng)
        draw = self.answers[first + rng.integers(self.n_donors, size=len(D))]
        counts = np.zeros((len(self.answers) + 1, len(self.column.levels)))
        counts[1:] = (self.answers[:, None] == self.column.levels).cumsum(axis=0)
        shares = (counts[first + self.n_donors] - counts[first]) / self.n_donors
        return Forecast(draw, np.clip(mean, self.answers.min(), self.answers.max()), shares)

    def _first_donor(self, mean: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
        """Where the window of each hole starts; among donors of equal prediction chance decides."""
        low = np.searchsorted(self.predictions, mean, side="left")
        high = np.searchsorted(self.predictions, mean, side="right")
        middle = low + (rng.random(len(mean)) * (high - low + 1)).astype(np.intp)
        return np.clip(middle - self.n_donors // 2, 0, len(self.predictions) - self.n_donors)


Conditional = BoostedClasses | BoostedScore


def learn_classes(column: Column, D: Float32s, codes: Floats, n_estimators: int, settings: Settings) -> BoostedClasses:
    """Learn a nominal item from predictors (n, q) and codes (n,), at least two of them different."""
    classes, labels = np.unique(np.searchsorted(column.levels, codes), return_inverse=True)
    binary = len(classes) == 2
    objective = {"objective": "binary" if binary else "multiclass", "num_class": 1 if binary else len(classes)}
    return BoostedClasses(column, _boost(D, labels, n_estimators, {**settings, **objective}), classes)


def learn_score(
    column: Column,
    D: Float32s,
    codes: Floats,
    n_estimators: int,
    n_donors: int,
    settings: Settings,
    rng: np.random.Generator,
) -> BoostedScore:
    """Learn an ordinal or numeric item from predictors (n, q) and codes (n,), n at least two."""
    rows = rng.permutation(len(codes))
    donors, growers = np.split(rows, [max(1, round(HELD_OUT * len(rows)))])
    booster = _boost(D[growers], codes[growers], n_estimators, {**settings, "objective": "regression"})
    predictions = _predict(booster, D[donors])
    order = np.argsort(predictions, kind="stable")
    return BoostedScore(column, booster, predictions[order], codes[donors[order]], min(n_donors, len(donors)))


def _boost(D: Float32s, y: NDArray, n_estimators: int, settings: Settings) -> "Booster":
    import lightgbm

    parameters = {
        "verbosity": -1,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,  # else LightGBM times both ways and takes the faster, which may differ between runs
        **settings,
    }
    return lightgbm.train(parameters, lightgbm.Dataset(D, y, params=parameters), n_estimators)


def _predict(booster: "Booster", D: Float32s) -> Floats:
    return np.asarray(booster.predict(D, num_threads=1))
