"""Coherence: whether what a prediction states of its holes is what its draws say, within Monte-Carlo error.

Two equal halves of an answer may come from two methods, the means of one and the draws of the other. Whoever reads the
means then learns nothing about the completed tables, and a score of either says nothing about the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.prediction import Prediction, median_level
from datasets.schema import LABELLED, UNORDERED, Column, Floats, Kind, Schema

CHANCE = 1e-7  # of refusing an honest column: a page of hundreds of cells with dozens of columns is to have none
HOLES = 0.1  # disagreement of the holes that is borne: standard deviations of the item, or probability
COLUMN = 0.05  # the same of a column's mean, or of its levels' shares
FAR = 1e6  # standard deviations; what lies farther off counts as so far
UNSEEN = 10  # standard deviations, or probability, by which what no draw shows may lie off
TELLING = 10  # draws that tell how much they vary in one direction
FEWEST = 3  # draws that tell how much draws vary; fewer are not checked
OTHERWISE = 0.1  # share of the holes of equal draws that need not be a point of the stated probabilities


@dataclass(frozen=True)
class Disagreement:
    """How far a stated part of a prediction lies off the draws of one column.

    Parameters
    ----------
    column : its name.
    part : "expected" or "probabilities".
    over : "holes", root mean square over the holes; "column", of the means over all holes; "fills", of equal draws.
    size : free of Monte-Carlo error; standard deviations of the item's observed values for ``expected``, root of the
        summed squares over levels for ``probabilities``, and a share of the holes where ``over`` is "fills" and the
        column has probabilities.
    chance : probability of as much by Monte-Carlo error alone.
    borne : size that is let pass.
    """

    column: str
    part: str
    over: str
    size: float
    chance: float
    borne: float

    @property
    def beyond(self) -> bool:
        """Whether it is too large, and no chance."""
        return self.size > self.borne and self.chance < CHANCE

    def __str__(self) -> str:
        who, unit = f"{self.part} of column {self.column!r}", " SD of the item" if self.part == "expected" else ""
        match self.over:
            case "fills" if not unit:
                return f"{who} have their mode and median elsewhere in {self.size:.0%} of the holes that it fills alike"
            case "fills":
                return f"{who} lie {self.size:.2f}{unit} off its fills, which are alike in all draws"
            case "holes":
                return f"{who} lie {self.size:.2f}{unit} off its draws, beyond Monte-Carlo error"
            case _:
                return f"{who} lie {self.size:.2f}{unit} off its draws on average over its holes"


class _Own(NamedTuple):
    """One column's draws (m, h), stated means (h,) and probabilities (h, K), if there are any, and its SD."""

    column: Column
    draws: Floats
    expected: Floats | None
    probabilities: Floats | None
    sd: float


def check_coherence(
    prediction: Prediction, values: Floats, schema: Schema, asked: NDArray[np.bool_] | None = None
) -> None:
    """Refuse a valid prediction for a table with holes (n, p) whose stated parts are not those of its draws.

    Parameters
    ----------
    asked : holes that the prediction is for (n, p); None for all.

    Raises
    ------
    InputError
        If `disagreements` finds one that is beyond its bound; the message names the worst column and the size.
    """
    found = [each for each in disagreements(prediction, values, schema, asked) if each.beyond]
    if found:
        worst = max(found, key=lambda each: each.size / each.borne)
        others = f" (and so in {len(found) - 1} more)" if len(found) > 1 else ""
        raise InputError(f"{worst}{others}; state what the draws imply, or leave the part out")


def disagreements(
    prediction: Prediction, values: Floats, schema: Schema, asked: NDArray[np.bool_] | None = None
) -> Iterator[Disagreement]:
    """Compare each stated part of each column with holes to the draws; the arguments as of `check_coherence`."""
    if prediction.draws is None or len(prediction.draws) < FEWEST:
        return
    columns = np.nonzero(np.isnan(values) if asked is None else asked)[1]
    stated = {int(j): prediction.probabilities[j] for j in schema.where(*LABELLED) if j in prediction.probabilities}
    equal = bool((prediction.draws == prediction.draws[0]).all())
    fixed = equal and _alike_by_chance(prediction.draws, list(stated.values())) < CHANCE
    for j, column in enumerate(schema):
        here = columns == j
        if not here.any():
            continue
        expected = None if prediction.expected is None or column.kind in UNORDERED else prediction.expected[here]
        known = values[~np.isnan(values[:, j]), j]
        sd = float(known.std()) if len(known) and known.std() > 0 else 1.0
        own = _Own(column, prediction.draws[:, here], expected, stated.get(j), sd)
        if fixed:
            yield from _of_fills(own)
        else:
            yield from _of_expected(own)
            yield from _of_probabilities(own)


def _alike_by_chance(draws: Floats, stated: list[Floats]) -> float:
    """Probability that all m draws are the likeliest one, drawn hole by hole; one half for a hole without a table."""
    m, holes = draws.shape
    likely = [m * np.log(table.max(axis=1)).sum() for table in stated]
    return float(np.exp(sum(likely) - np.log(2) * (holes - sum(len(table) for table in stated))))


def _of_expected(own: _Own) -> Iterator[Disagreement]:
    if own.expected is None:
        return
    with np.errstate(over="ignore"):
        residuals = np.clip((own.draws - own.expected) / own.sd, -FAR, FAR)  # (m, h)
    drift = residuals.mean(axis=1)
    holes = residuals.shape[1]
    yield Disagreement(
        own.column.name, "expected", "holes", *_beyond(residuals @ residuals.T / holes, holes, 1 / holes), HOLES
    )
    yield Disagreement(own.column.name, "expected", "column", *_beyond(np.outer(drift, drift), 1, 1 / holes**2), COLUMN)


def _of_probabilities(own: _Own) -> Iterator[Disagreement]:
    if own.probabilities is None:
        return
    levels, holes = len(own.column.levels), own.draws.shape[1]
    at = np.searchsorted(own.column.levels, own.draws).astype(np.int32)  # (m, h)
    likely = own.probabilities[np.arange(holes), at].mean(axis=1)
    alike = np.stack([(at == each).mean(axis=1) for each in at])
    gram = alike - likely - likely[:, None] + (own.probabilities**2).sum(axis=1).mean()
    shares = np.stack([np.bincount(each, minlength=levels) for each in at]) / holes
    drift = shares - own.probabilities.mean(axis=0)  # (m, K)
    freedom = max(levels - 1, 1)
    yield Disagreement(own.column.name, "probabilities", "holes", *_beyond(gram, holes * freedom, 1 / holes), HOLES)
    yield Disagreement(
        own.column.name, "probabilities", "column", *_beyond(drift @ drift.T, freedom, 1 / holes**2), COLUMN
    )


def _beyond(gram: Floats, most: int, least: float) -> tuple[float, float]:
    """Size of the mean residual beyond Monte-Carlo error, and the probability of as much by chance.

    Residuals are draws less what is stated, a vector for each of m independent draws. The squared length of their mean
    is compared to that expected of m draws with their spread, by an F test whose degrees of freedom are the effective
    number of independent residuals, (Σλ)² / Σλ² for the eigenvalues λ of their covariance (Box 1954, Annals of
    Mathematical Statistics 25, theorem 3.1). Σλ² is estimated without the bias of few draws (Bai & Saranadasa 1996,
    Statistica Sinica 6, equation 3.2). Where holes move together from draw to draw, as under drawn parameters, or in a
    class whose few donors are drawn anew, that test errs far out in its tail: so of ten draws and more the excess must
    be beyond chance also against how much draws vary in the direction of the mean residual, on 1 and m - 1 degrees of
    freedom; of fewer that could not tell. Draws that hardly vary are taken to differ by `UNSEEN` in one hole of one
    draw: a rare answer may be stated that none of them has.

    Parameters
    ----------
    gram : inner products of the draws' residuals (m, m).
    most : largest possible number of independent residuals.
    least : squared length of a residual where a single hole differs by 1.
    """
    from scipy.special import fdtrc

    m = len(gram)
    n = m - 1
    centred = gram - gram.mean(axis=0) - gram.mean(axis=1)[:, None] + gram.mean()
    spread = max(float(np.trace(centred)) / n, 0.0)
    squares = (float((centred**2).sum()) / n**2 - spread**2 / n) * n**2 / ((n - 1) * (n + 2))
    freedom = float(np.clip(spread**2 / squares, 1, most)) if squares > 0 else float(most if spread > 0 else 1)
    mean = max(float(gram.mean()), 0.0)
    floor = UNSEEN**2 * least / m
    chance = float(fdtrc(freedom, freedom * n, m * mean / max(spread, floor)))
    along = float(((gram.mean(axis=1) - mean) ** 2).sum()) / (n * mean) if mean > 0 else 0.0
    if m >= TELLING and spread > floor and along > 0:
        chance = max(chance, float(fdtrc(1, n, max((m * mean - spread + along) / along, 0.0))))
    return float(np.sqrt(max(mean - spread / m, 0.0))), chance


def _of_fills(own: _Own) -> Iterator[Disagreement]:
    """Equal draws are a point of what is stated: its mode, its median, or the answer nearest to its expectation."""
    fills, column = own.draws[0], own.column
    if own.probabilities is None:
        if own.expected is not None:
            size = _rms(column.snap(own.expected) - fills) / own.sd
            yield Disagreement(column.name, "expected", "fills", size, 0.0, HOLES)
        return
    given = np.searchsorted(column.levels, fills)
    point = own.probabilities[np.arange(len(fills)), given] >= own.probabilities.max(axis=1) - 1e-6
    if column.kind is Kind.ORDINAL:
        means = own.probabilities @ column.levels
        point |= (given == median_level(own.probabilities)) | (fills == column.snap(means))
        if own.expected is not None:
            size = _rms(own.expected - means) / own.sd
            yield Disagreement(column.name, "expected", "fills", size, 0.0, HOLES)
    yield Disagreement(column.name, "probabilities", "fills", float(1 - point.mean()), 0.0, OTHERWISE)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
