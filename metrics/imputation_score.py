"""Energy I-Score: how good imputations of naturally missing cells are, without knowing what is missing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.schema import UNORDERED, Column, Floats, Kind, Schema
from metrics.energy_scores import Distance, fair_score

Rows = NDArray[np.integer]
Impute = Callable[[Floats, Schema, int], Floats]
FEWEST = 10  # holes, and answers, that an item must have


@dataclass(frozen=True, eq=False)
class ItemScore:
    """Of one item.

    Parameters
    ----------
    weight : share of holes times share of answers.
    rows : respondents whose answers were foreseen, shape (r,); of an item the same for all methods.
    scores : energy score of each, lower is better, shape (r,).
    """

    weight: float
    rows: Rows
    scores: Floats

    @property
    def score(self) -> float:
        """Mean of the scores."""
        return float(self.scores.mean())


class Difference(NamedTuple):
    """How much worse a method scores than another, and the standard error."""

    value: float
    error: float


class Task(NamedTuple):
    """What a method is asked for one item: a table (r, q) whose last column lacks the answers to foresee.

    Parameters
    ----------
    columns : positions of its columns among the items, the item itself last.
    rows : those of its rows, first the ones whose answers are to be foreseen, then those it learns from.
    n_asked : how many are to be foreseen.
    """

    columns: Rows
    rows: Rows
    n_asked: int


def energy_i_score(X: Floats, schema: Schema, impute: Impute, n_draws: int = 20) -> dict[str, ItemScore]:
    """Score a method on the cells that people left open, item by item; `overall` is the mean.

    Näf, Grzesiak & Scornet (2025), How to rank imputation methods?, arXiv 2507.11297, as their R package ``Iscores``
    computes it. A table is completed once. Then, for each item with holes, the method learns from the rows where the
    item was open, with what it filled in there, and foresees the answers of the rows where the item was answered. What
    it foresees is scored against these answers by the energy score, as in `metrics.energy_scores.cell_energy`, in
    standard deviations of the answers. So fills are judged by whether answers follow from them, which hiding further
    answers does not do where those who answered differ from those who did not. Predictors are the other items that
    everybody answered who answered this one; where there is none, the one that most of them did, and its respondents.

    Assumes that the item given these predictors is distributed alike among those who answered and those who did not,
    which is more than missingness at random given all items; under another departure a wrong method may score best. Of
    the fair score, unlike the package's, the expectation does not depend on the number of draws. Items with fewer than
    ten holes or answers are left out, and texts.

    Parameters
    ----------
    X : codes (n, p), NaN where a cell is a hole.
    impute : of a table with holes, its schema and a number m, gives m draws (m, holes) in row-major order.

    Returns
    -------
    Scores by name of the item; empty if none can be scored.
    """
    missing = np.isnan(X)
    whole = X.copy()
    whole[missing] = impute(X, schema, 1)[0]
    found = {}
    for j, column in enumerate(schema):
        task = _task(missing, j)
        if task is None or column.kind is Kind.TEXT:
            continue
        draws = _foreseen(task, whole, schema, impute, n_draws)
        answers = X[task.rows[: task.n_asked], j]
        share = float(missing[:, j].mean())
        scores = fair_score(draws, answers, _distance(column, answers))
        found[column.name] = ItemScore(share * (1 - share), task.rows[: task.n_asked], scores)
    return found


def overall(found: Mapping[str, ItemScore]) -> float:
    """Weighted mean of the scores of items; NaN if there are none."""
    if not found:
        return float("nan")
    return float(np.average([item.score for item in found.values()], weights=[item.weight for item in found.values()]))


def difference(mine: Mapping[str, ItemScore], other: Mapping[str, ItemScore]) -> Difference:
    """Overall score less that of another method on the same table; NaN if there are none.

    The standard error is that of a mean of respondents, whose answers to several items are taken together; it covers
    who answered, and not the random numbers of the methods.
    """
    if not mine:
        return Difference(float("nan"), float("nan"))
    total = sum(item.weight for item in mine.values())
    value, parts = 0.0, np.zeros(1 + max(int(item.rows.max()) for item in mine.values()))
    for name, item in mine.items():
        apart = item.scores - other[name].scores
        value += item.weight / total * float(apart.mean())
        np.add.at(parts, item.rows, item.weight / total * (apart - apart.mean()) / len(apart))
    return Difference(value, float(np.sqrt((parts**2).sum())))


def _task(missing: NDArray[np.bool_], j: int) -> Task | None:
    """The predictors and rows for item j of a pattern (n, p); None if holes or answers are too few."""
    answered, others = ~missing[:, j], np.delete(np.arange(missing.shape[1]), j)
    if min(answered.sum(), missing[:, j].sum()) < FEWEST:
        return None
    known = (~missing[answered]).sum(axis=0)[others]
    predictors = others[known == answered.sum()]
    if not len(predictors):
        predictors = others[[known.argmax()]]
        answered = answered & ~missing[:, predictors[0]]
        if answered.sum() < FEWEST:
            return None
    asked, learned = np.flatnonzero(answered), np.flatnonzero(missing[:, j])
    return Task(np.append(predictors, j), np.concatenate([asked, learned]), len(asked))


def _foreseen(task: Task, whole: Floats, schema: Schema, impute: Impute, n_draws: int) -> Floats:
    """Draws (n_draws, n_asked) of the answers that a task asks for; of an item filled alike, that fill."""
    table = whole[np.ix_(task.rows, task.columns)]
    learned = table[task.n_asked :, -1]
    if (learned == learned[0]).all():
        return np.full((n_draws, task.n_asked), learned[0])
    table[: task.n_asked, -1] = np.nan
    return impute(table, schema.take(task.columns), n_draws)


def _distance(column: Column, answers: Floats) -> Distance:
    """How far two answers are apart: 0 or 1 of a nominal item; of others in standard deviations of the answers."""
    if column.kind in UNORDERED:
        return lambda x, t: (x != t).astype(float)
    places = column.levels  # on a scale; a numeric item has none
    numbers = (lambda x: np.searchsorted(places, x).astype(float)) if len(places) else (lambda x: x)
    unit = np.std(numbers(answers)) or 1.0
    return lambda x, t: np.abs(numbers(x) - numbers(t)) / unit
