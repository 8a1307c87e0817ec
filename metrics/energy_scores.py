"""Energy scores: how well draws foresee the hidden answers, cell by cell and a respondent's cells together."""

from collections.abc import Callable, Iterable
from itertools import combinations
from math import inf

import numpy as np

from datasets.prediction import Prediction
from datasets.schema import Floats
from datasets.table import Masked
from metrics import METRICS
from metrics.metric import TABLE, Reads, metric
from metrics.scaled import scaled_cells

Distance = Callable[[Floats, Floats], Floats]


@METRICS.register("cell-energy")
@metric(reads=Reads.FILLS, better="lower", span=(-inf, inf), best=0.0, trivial="0.2 to 0.6 (the item's shares)")
def cell_energy(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Energy score of an item's hidden cells: distance from truth less spread.

    ``mean_k d(x_k, t) - ½ mean_{k≠l} d(x_k, x_l)`` over the m draws x of a hidden cell with the truth t, averaged over
    the cells of the item (Gneiting and Raftery 2007, Journal of the American Statistical Association 102, equation
    22; the mean over different draws makes it fair: Ferro 2014, Quarterly Journal of the Royal Meteorological Society
    140). ``d`` is |x - t| of a numeric item and the difference of the places on the scale of an ordinal one, both in
    standard deviations of all observed answers, and 1 for any two different answers of a nominal item or a text.
    So it is the continuous ranked probability score, the ranked probability score, or half the Brier score.
    Its expectation does not depend on m, and it is least for draws from the conditional distribution of the answer.
    Equal draws are scored as the one answer they are. A single draw is not scored. Items whose answers are all
    the same are left out.
    """
    cells = scaled_cells(masked, prediction)
    if cells is None:
        return {}
    scores = fair_score(cells.draws, cells.truth, cells.distance)
    return {item.cells.name: float(scores[item.at].mean()) for item in cells.items}


@METRICS.register("row-energy")
@metric(
    reads=Reads.FILLS, better="lower", span=(-inf, inf), best=0.0, trivial="1.5 at 30 % of 20 items hidden (shares)"
)
def row_energy(masked: Masked, prediction: Prediction) -> dict[str, float]:
    """Energy score of a respondent's hidden cells together.

    As `cell-energy`, with ``D = √Σ d²`` over the hidden cells of a row in place of d, averaged over the rows that have
    any (Gneiting, Stanberry, Grimit, Held and Johnson 2008, Test 17). It sees whether the holes of one respondent
    are drawn so that they go together, which no score of single cells does.
    """
    cells = scaled_cells(masked, prediction)
    return {} if cells is None else {TABLE: float(fair_score(cells.draws, cells.truth, cells.row_distance).mean())}


def fair_score(
    draws: Floats, truth: Floats, distance: Distance, pairs: Iterable[tuple[int, int]] | None = None
) -> Floats:
    """Energy score of m draws (m, H) of H cells with their truth (H,), for any distance; fair in m.

    Parameters
    ----------
    distance : gives the distances (units,) of two answers (H,) of all cells; a unit is a cell, or a row of cells.
    pairs : the pairs of draws whose distances are read, at least one; all if None.
    """
    from_truth = np.mean([distance(x, truth) for x in draws], axis=0)
    apart, count = np.zeros_like(from_truth), 0
    for k, l in combinations(range(len(draws)), 2) if pairs is None else pairs:  # noqa: E741
        apart += distance(draws[k], draws[l])
        count += 1
    return from_truth - apart / (2 * count)
