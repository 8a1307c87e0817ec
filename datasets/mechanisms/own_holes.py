"""The file's own silence, put upon its observed cells: whole patterns copied, or propensities learned."""

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.designs import numbers, with_ones
from datasets.mechanisms.propensity import conditional_sample, hide_counts, shifted
from datasets.schema import Floats
from datasets.table import Dataset, Reason

SILENT = (Reason.DONT_KNOW, Reason.NO_ANSWER, Reason.SKIPPED, Reason.REFUSED, Reason.UNKNOWN)
LEAST_SILENT = 30  # cells of an item to learn its propensities from


@MECHANISMS.register("observed-patterns")
def observed_patterns(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Rows are silent on the very items on which some row of the file is silent.

    After Brand (1999, thesis, Rotterdam) and ``ampute`` (Schouten, Lugtig & Vink 2018, Journal of Statistical
    Computation and Simulation 88), by given patterns. Each row copies the item nonresponse (don't know, no
    answer, skipped, refused, unknown) of a row drawn at random. Rows count by ``exp(t · items left out)``; t is such
    that the rate is met in expectation, which bends the file's own distribution of patterns as little as may be
    (Kullback-Leibler). Items differ in their rates as in the file. Completely at random given the file's patterns.

    Parameters
    ----------
    rate : share of the observed cells of all columns that are no drivers.

    Raises
    ------
    InputError
        If the rate is not in (0, 1), nobody is silent, or too few items are left out by anybody for this rate.
    """
    items = list(hide_counts(dataset, rate))
    patterns = silent(dataset)[:, items]
    observed = ~np.isnan(dataset.values[:, items])
    weighed = patterns @ observed.mean(axis=0) / observed.mean(axis=0).sum()  # share of cells that a pattern hides
    if not weighed.max() > rate:
        raise InputError(
            f"mechanism 'observed-patterns' cannot hide {rate:g} of {dataset.name!r}: the most silent row leaves out "
            f"{weighed.max():.2f} of the items; give a smaller rate or take replay"
        )
    donors = rng.choice(len(patterns), len(patterns), p=_tilted(weighed, rate))
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    hidden[:, items] = patterns[donors] & observed
    return hidden


@MECHANISMS.register("replay")
def replay(dataset: Dataset, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Cells are hidden by propensities learned from who keeps silent in the file itself.

    Nonresponse that resembles the survey's own (Schafer 1997, Analysis of Incomplete Multivariate Data, chapter 6, on
    realistic simulation). For each item, a logistic regression with ridge penalty tells from all other columns who is
    silent (see `SILENT`) among those who were asked; an item with fewer than 30 silent cells has the regression of
    being silent on anything. Log odds are moved by the same step for all until exactly ``round(rate · observed)`` cells
    are expected, and as many are hidden. Columns that foretell silence are hidden in part themselves, so that it
    is at random only as far as drivers decide.

    Raises
    ------
    InputError
        If the rate is not in (0, 1), a column cannot reach it, or nobody is silent.
    """
    counts, quiet = hide_counts(dataset, rate), silent(dataset)
    if not quiet.any():
        raise InputError(f"mechanism 'replay' finds no refused or skipped cell in {dataset.name!r}; take mcar or mar")
    parts = [numbers(x, column) for x, column in zip(dataset.values.T, dataset.schema, strict=True)]
    parts = [np.where(np.isnan(part), np.nanmean(part, axis=0), part) for part in parts]
    hidden = np.zeros(dataset.values.shape, dtype=bool)
    for j, count in counts.items():
        observed = ~np.isnan(dataset.values[:, j])
        asked, y = observed | quiet[:, j], quiet[:, j]
        if y.sum() < LEAST_SILENT:
            asked, y = np.ones(len(y), dtype=bool), quiet.any(axis=1)
        D = with_ones(np.hstack([part for k, part in enumerate(parts) if k != j]))
        chance = shifted(_chances(D[asked], y[asked], D[observed]), count)
        hidden[np.flatnonzero(observed), j] = conditional_sample(chance, count, rng)
    return hidden


def silent(dataset: Dataset) -> NDArray[np.bool_]:
    """Which cells (n, p) are item nonresponse: holes of people who were asked and could have answered."""
    return np.isin(dataset.reasons, SILENT)


def _tilted(weighed: Floats, rate: float) -> Floats:
    """Weights exp(t · weighed) of rows, sum 1, under which the mean is the rate."""
    from scipy.optimize import brentq
    from scipy.special import softmax

    def excess(t: float) -> float:
        return float(softmax(t * weighed) @ weighed) - rate

    far = 1.0
    while excess(far) < 0:
        far *= 2
    near = -1.0
    while excess(near) > 0:
        near *= 2
    return np.asarray(softmax(brentq(excess, near, far) * weighed))


def _chances(D: Floats, y: NDArray[np.bool_], asked: Floats) -> Floats:
    """Chances that a penalised logistic regression of y (n,) on D (n, q), which starts with ones, gives to rows."""
    from sklearn.linear_model import LogisticRegression

    if y.all() or D.shape[1] == 1:
        return np.full(len(asked), 0.5)
    return np.asarray(LogisticRegression(solver="newton-cholesky").fit(D[:, 1:], y).predict_proba(asked[:, 1:])[:, 1])
