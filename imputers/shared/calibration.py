"""Calibration: a temperature for each item, near one for all, learned on validation cells."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from datasets.errors import InputError
from datasets.schema import Floats
from imputers.shared.vocabulary import Positions

LOWEST, HIGHEST = 0.05, 20.0  # temperatures: beyond, an item is all but certain or all but a coin
SPREAD_OVERALL = 1.0  # standard deviation of the log of the common temperature around log 1
SPREAD_OF_ITEMS = 0.25  # and of an item's around the common one: most within a quarter more or less


@dataclass(frozen=True, eq=False)
class Temperatures:
    """What log-probabilities are divided by before they are normalised.

    Guo, Pleiss, Sun & Weinberger (2017), On Calibration of Modern Neural Networks, ICML, arXiv 1706.04599.

    Parameters
    ----------
    overall : of all items together; that of an item without cells to learn from.
    of_items : of each item, shape (p,).
    """

    overall: float
    of_items: Floats

    def probabilities(self, item: int, log_probabilities: Floats) -> Floats:
        """Calibrated probabilities of an item's answers (r, K); minus infinity is an answer that cannot be."""
        return np.exp(log_softmax(log_probabilities / self.of_items[item], axis=-1))


def calibrate(log_probabilities: Mapping[int, Floats], answers: Mapping[int, Positions], n_items: int) -> Temperatures:
    """Temperatures of largest posterior density.

    The common one T minimises the log-loss of all cells plus (log T)² / 2, a log-normal prior around 1. Then that of
    item j minimises its cells' log-loss plus (log T_j − log T)² / (2 · 0.25²): with a handful of cells it stays within
    a few per cent of T, with a thousand the cells decide (shrinkage in the manner of empirical Bayes, with a fixed
    spread).

    Parameters
    ----------
    log_probabilities : for each item with cells, of its answers, shape (r, K); they need not be normalised.
    answers : those of the validation cells, 0…K-1, shape (r,).
    n_items : number of items in all.

    Raises
    ------
    InputError
        If there are no cells at all.
    """
    cells = [(log_probabilities[j], answers[j]) for j in log_probabilities if len(answers[j])]
    if not cells:
        raise InputError("calibrate: there are no validation cells; choose some, by calibration_cells")
    overall = _best_temperature(cells, 1.0, SPREAD_OVERALL)
    of_items = np.full(n_items, overall)
    for j, own in log_probabilities.items():
        of_items[j] = _best_temperature([(own, answers[j])], overall, SPREAD_OF_ITEMS)
    return Temperatures(overall, of_items)


def calibration_cells(answers: Positions, n_cells: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Validation cells, from which nothing is to be learned but temperatures: True in a mask (n, p).

    Parameters
    ----------
    answers : answer numbers (n, p), -1 for a hole.
    n_cells : how many, at most a tenth of the observed; each observed cell is equally likely.
    """
    observed = np.flatnonzero(answers >= 0)
    chosen = rng.choice(observed, min(n_cells, len(observed) // 10), replace=False)
    cells = np.zeros(answers.shape, dtype=bool)
    cells.flat[chosen] = True
    return cells


def log_loss(log_probabilities: Floats, answers: Positions) -> Floats:
    """Negative log-probability of each true answer (r,), from unnormalised log-probabilities (r, K)."""
    return -log_softmax(log_probabilities, axis=-1)[np.arange(len(answers)), answers]


def _best_temperature(cells: list[tuple[Floats, Positions]], centre: float, spread: float) -> float:
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        misfit = sum(float(log_loss(scores / temperature, truth).sum()) for scores, truth in cells)
        return misfit + (log_temperature - np.log(centre)) ** 2 / (2 * spread**2)

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
