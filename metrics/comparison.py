"""Moments after imputation beside the true ones, pair by pair, over the pairs that can be judged."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from datasets.errors import InputError
from datasets.moments import Moments, pairwise_moments
from datasets.prediction import Prediction
from datasets.schema import Floats, Kind
from datasets.table import Masked
from metrics.cells import completed_tables

ROWS_PER_PAIR = 30  # a correlation from fewer rows has a standard error near 0.2 and judges nothing
Weights = Floats | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Moments of the q design columns of some items, for the truth and for each of m draws.

    A nominal item stands for its dummies but the first, which the others imply.

    A pair is scored if the truth saw it in `ROWS_PER_PAIR` rows or more, both its columns vary there, and
    the method says something of it: methods without draws may know some pairs only, and are judged by these,
    against the same pairs of the truth.

    Parameters
    ----------
    truth : true moments, of the cells known in the truth, pair by pair.
    covariance, correlation : shape (m, q, q), of the same cells of the tables completed by each draw, or,
        with m = 1, as estimated by a method that fills nothing. The correlation with a column that the
        fills made constant is 0: it tells nothing about the other any more.
    scored : shape (q, q), pairs that can be judged; the diagonal stands for the variances.
    """

    truth: Moments
    covariance: Floats
    correlation: Floats
    scored: NDArray[np.bool_]

    @property
    def pairs(self) -> NDArray[np.bool_]:
        """Scored pairs of two different columns, each once; shape (q, q)."""
        return np.triu(self.scored, 1)


def compare(masked: Masked, prediction: Prediction, positions: Iterable[int], *, weighted: bool = False) -> Comparison:
    """Set the moments of some columns of the table, true and imputed, side by side.

    Parameters
    ----------
    weighted : rows count by their survey weights, which the table must then have.

    Raises
    ------
    InputError
        If the prediction has neither draws nor moments.
    """
    whole, every = _compare(masked, prediction, weighted), _design_columns(masked, range(len(masked.schema)))
    at = np.searchsorted(every, _design_columns(masked, positions))
    pairs, truth, draws = np.ix_(at, at), whole.truth, np.arange(len(whole.covariance))
    of_draws = np.ix_(draws, at, at)
    own = Moments(truth.mean[at], truth.covariance[pairs], truth.correlation[pairs], truth.pairs[pairs])
    return Comparison(own, whole.covariance[of_draws], whole.correlation[of_draws], whole.scored[pairs])


@lru_cache(maxsize=2)  # a dozen metrics of one prediction, plain and weighted, read the same moments
def _compare(masked: Masked, prediction: Prediction, weighted: bool) -> Comparison:
    """The moments of all columns."""
    every, weights = range(len(masked.schema)), masked.truth.weights if weighted else None
    truth = true_moments(masked, every, weights)
    if prediction.draws is None:
        covariance, correlation = _own_moments(masked, prediction, every)
    else:
        found = [
            pairwise_moments(_design(masked, every, table), weights) for table in completed_tables(masked, prediction)
        ]
        covariance = np.stack([moments.covariance for moments in found])
        correlation = np.nan_to_num(np.stack([moments.correlation for moments in found]))
    scored = np.isfinite(truth.correlation) & np.isfinite(correlation).all(axis=0)
    return Comparison(truth, covariance, correlation, scored)


def true_moments(masked: Masked, positions: Iterable[int], weights: Weights = None) -> Moments:
    """Moments of the truth's known cells for some columns; NaN for a pair seen in too few rows."""
    moments = pairwise_moments(_design(masked, positions, masked.truth.values), weights)
    seldom = moments.pairs < ROWS_PER_PAIR
    return replace(
        moments,
        covariance=np.where(seldom, np.nan, moments.covariance),
        correlation=np.where(seldom, np.nan, moments.correlation),
    )


def _design(masked: Masked, chosen: Iterable[int], table: Floats) -> Floats:
    """Design (rows, q) of some columns of a table (rows, p)."""
    return masked.schema.design(table)[:, _design_columns(masked, chosen)]


def _design_columns(masked: Masked, positions: Iterable[int]) -> NDArray[np.intp]:
    """Where in the full design the columns stand; the first level of a nominal item follows from its others."""
    columns, chosen = masked.schema.columns, list(positions)
    blocks = [masked.schema.blocks[j] for j in chosen]
    firsts = [block.start + (columns[j].kind is Kind.NOMINAL) for j, block in zip(chosen, blocks, strict=True)]
    spans = [np.arange(first, block.stop) for first, block in zip(firsts, blocks, strict=True)]
    return np.concatenate([np.empty(0, dtype=np.intp), *spans])


def _own_moments(masked: Masked, prediction: Prediction, chosen: Iterable[int]) -> tuple[Floats, Floats]:
    """Covariance and correlation (1, q, q) that the prediction itself gives for some columns of the table."""
    if prediction.moments is None:
        raise InputError("the prediction has neither draws nor moments; return one of them")
    at = _design_columns(masked, chosen)
    return prediction.moments.covariance[np.ix_(at, at)][None], prediction.moments.correlation[np.ix_(at, at)][None]
