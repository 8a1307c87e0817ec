"""Matching on regression and boosted trees: what trees add is measured on rows that they have not seen."""

import numpy as np
import pytest

from datasets.schema import Column, Kind, Schema
from imputers.trees.gbm_pmm import GbmPmm

SCHEMA = Schema((Column("x", Kind.NUMERIC), Column("z", Kind.NUMERIC), Column("y", Kind.NUMERIC)))


def table(n, gone, curve, seed=1):
    """Codes of which y = x + curve (z² - 1) + noise of 0.5 is missing in the first rows, and y."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    y = x + curve * (z**2 - 1) + 0.5 * rng.normal(size=n)
    X = np.column_stack([x, z, y])
    X[:gone, 2] = np.nan
    return X, y


def added(X, **settings):
    """What trees add for known rows (n,) and holes (h,), given what the regression of y leaves over."""
    method = GbmPmm(**settings)
    known = ~np.isnan(X[:, 2])
    D = np.column_stack([np.ones(len(X)), X[:, :2]])
    left = X[known, 2] - D[known] @ np.linalg.lstsq(D[known], X[known, 2], rcond=None)[0]
    own, other = method._more(D[known], left[:, None], D[~known], np.random.default_rng(3))
    return own[:, 0], other[:, 0], left


def test_trees_add_a_curve_to_people_they_have_not_seen():
    X, _ = table(900, 300, curve=1.0)
    own, other, left = added(X)
    assert np.corrcoef(own, left)[0, 1] > 0.8
    assert np.corrcoef(other, X[:300, 1] ** 2)[0, 1] > 0.8
    assert np.std(other) == pytest.approx(np.std(own), rel=0.15)  # donors are predicted no better than holes


def test_trees_add_next_to_nothing_where_there_is_nothing():
    """Their own noise would be a fifth of what is left over; what does not hold for others is not added."""
    X, _ = table(900, 300, curve=0.0)
    own, other, left = added(X)
    assert max(np.std(own), np.std(other)) < 0.05 * np.std(left)


def test_draws_follow_the_curve_and_scatter_as_answers_do():
    """A regression leaves a spread of 1.5; answers have 0.5 about the curve, and trees do not know it for sure."""
    X, _ = table(900, 200, curve=1.0)
    draws = GbmPmm(max_iter=1, max_features=1.0).fit(X, schema=SCHEMA).impute(X, n_draws=4).draws
    inner = (np.abs(X[:200, :2]) < 1.5).all(axis=1)
    errors = (draws - (X[:200, 0] + X[:200, 1] ** 2 - 1))[:, inner]
    assert errors.mean() == pytest.approx(0, abs=0.1)
    assert 0.45 < errors.std() < 0.75
    assert np.isin(draws, X[200:, 2]).all()  # answers that somebody gave


def test_levels_without_an_order_follow_an_interaction():
    rng = np.random.default_rng(5)
    a, b = (rng.random((2, 900)) < [[0.6], [0.7]]).astype(float)
    labels = {0.0: "no", 1.0: "yes", 2.0: "perhaps"}
    schema = Schema(tuple(Column(name, Kind.NOMINAL, labels) for name in "aby"))
    truth = np.where(a != b, 2.0, rng.integers(0, 2, 900))
    X = np.column_stack([a, b, truth])
    X[:150, 2] = np.nan
    prediction = GbmPmm(max_iter=1, max_features=1.0).fit(X, schema=schema).impute(X, n_draws=3)
    assert np.mean((prediction.draws == 2) == (truth[:150] == 2)) > 0.97
    assert prediction.probabilities[2][a[:150] != b[:150], 2].mean() > 0.95
