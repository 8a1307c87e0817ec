"""One boosted conditional distribution: what an item's answer may be, given all other items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import Column, Floats
from imputers.base import Spelled
from imputers.shared.levels import draw_level

if TYPE_CHECKING:
    from lightgbm import Booster

Float32s = NDArray[np.float32]
Settings = Mapping[str, float | str]
FOLDS = 5  # parts of the known rows; the answers of one are predicted by trees grown on the others
POOLS = 5  # one part donates if it holds so many times the donors of an answer; else all of them donate
DONATED, FEWEST = 0.05, 3  # share of the donors that then stand for an answer, and their least number
LEAVES = 10  # leaves of the smallest size that the rows must be able to fill; a small table gets smaller leaves


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
    boosters : their mean predicts its code.
    predictions : of the donors, ascending, shape (d,). None is by trees that have seen the donor, so that the
        answers scatter about the predictions as much as those of a new person do.
    answers : their codes, shape (d,).
    n_donors : how many of them stand for the distribution of an answer.
    """

    column: Column
    boosters: "tuple[Booster, ...]"
    predictions: Floats
    answers: Floats
    n_donors: int

    def forecast(self, D: Float32s, rng: np.random.Generator) -> Forecast:
        """Mean and shares of the levels among the donors of nearest predictions, and the answer of one of them."""
        first = self._first_donor(np.mean([_predict(booster, D) for booster in self.boosters], axis=0), rng)
        draw = self.answers[first + rng.integers(self.n_donors, size=len(D))]
        told = np.column_stack([self.answers, self.answers[:, None] == self.column.levels])
        sums = np.vstack([np.zeros(told.shape[1]), told.cumsum(axis=0)])
        among = (sums[first + self.n_donors] - sums[first]) / self.n_donors
        return Forecast(draw, among[:, 0], among[:, 1:])

    def _first_donor(self, mean: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
        """Where the window of each hole starts; among donors of equal prediction chance decides."""
        low = np.searchsorted(self.predictions, mean, side="left")
        high = np.searchsorted(self.predictions, mean, side="right")
        middle = low + (rng.random(len(mean)) * (high - low + 1)).astype(np.intp)
        return np.clip(middle - self.n_donors // 2, 0, len(self.predictions) - self.n_donors)


Conditional = BoostedClasses | BoostedScore


def _read_booster(text: str) -> "Booster":
    import lightgbm

    return lightgbm.Booster(model_str=text)


BOOSTER = Spelled("Booster", lambda booster: booster.model_to_string(), _read_booster)


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
    """Learn an ordinal or numeric item from predictors (n, q) and codes (n,), n at least two.

    A fifth of the rows donates and the others grow the trees. In a table so small that ``n_donors`` were a large share
    of that fifth, draws would hardly depend on the predictors: there every fifth in turn donates to trees grown on the
    others (cross-fitting), and a twentieth of the rows, if that is fewer than ``n_donors``, stands for an answer.
    """
    folds = min(FOLDS, len(codes))
    parts = np.split(rng.permutation(len(codes)), [round(len(codes) * k / folds) for k in range(1, folds)])
    small = len(parts[0]) < POOLS * n_donors
    boosters, predictions, donating = [], [], parts if small else parts[:1]
    for k, donors in enumerate(donating):
        growers = np.concatenate(parts[:k] + parts[k + 1 :])
        boosters.append(_boost(D[growers], codes[growers], n_estimators, {**settings, "objective": "regression"}))
        predictions.append(_predict(boosters[-1], D[donors]))
    predicted, answers = np.concatenate(predictions), codes[np.concatenate(donating)]
    order = np.argsort(predicted, kind="stable")
    most = max(FEWEST, round(DONATED * len(answers))) if small else n_donors
    return BoostedScore(column, tuple(boosters), predicted[order], answers[order], min(n_donors, most, len(answers)))


def boosted(D: Float32s, y: Floats, at: Float32s, n_estimators: int, settings: Settings) -> Floats:
    """Predict numbers for rows (r, q) by trees grown on rows (n, q) and numbers (n,)."""
    return _predict(_boost(D, y, n_estimators, settings), at)


def _boost(D: Float32s, y: NDArray, n_estimators: int, settings: Settings) -> "Booster":
    import lightgbm

    leaf = min(settings["min_data_in_leaf"], max(1, len(y) // LEAVES))
    parameters = {
        "verbosity": -1,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,  # else LightGBM times both ways and takes the faster, which may differ between runs
        **settings,
        "min_data_in_leaf": leaf,
    }
    return lightgbm.train(parameters, lightgbm.Dataset(D, y, params=parameters), n_estimators)


def _predict(booster: "Booster", D: Float32s) -> Floats:
    return np.asarray(booster.predict(D, num_threads=1))
