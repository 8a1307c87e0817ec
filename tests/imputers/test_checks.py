"""Checks in draws: rows that break one are drawn again, with the method's own distribution within the rule."""

import numpy as np
import pytest

from datasets.condition import Condition
from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Schema
from imputers import make_imputer
from imputers.base import Imputer
from imputers.checks import broken, keep_checks

FREE = Schema(tuple(Column(name, Kind.NUMERIC) for name in ("age", "first", "other")))
RULED = Schema(FREE.columns, checks=(Condition("age >= first"),))


def people(n, seed):
    """Ages, ages at the first child below them, and another number; some of the first two are missing."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 90, n)
    X = np.column_stack([age, age - rng.exponential(10, n), age + rng.normal(0, 30, n)])
    X[rng.random(n) < 0.3, 1] = np.nan
    X[rng.random(n) < 0.1, 0] = np.nan
    return X


def share_broken(schema, X, prediction):
    completed = np.tile(X, (len(prediction.draws), 1, 1))
    completed[:, np.isnan(X)] = prediction.draws
    return np.mean([broken(RULED, X, filled) for filled in completed])


@pytest.mark.parametrize("name", ["mice", "mice-pmm", "mice-cart", "hot-deck", "knn", "gbm(n_estimators=20)"])
def test_draws_keep_checks(name):
    X = people(300, 0)
    free = make_imputer(name).fit(X, schema=FREE).impute(X, 4)
    kept = make_imputer(name).fit(X, schema=RULED).impute(X, 4)
    assert share_broken(FREE, X, free) > 0.008
    assert share_broken(RULED, X, kept) < 0.2 * share_broken(FREE, X, free)
    same = np.isclose(free.draws, kept.draws).mean()
    assert same > 0.5  # rows that break no check are those that they were


class Uniform(Imputer):
    """Fill with uniform numbers, whatever the row says."""

    def _fit(self, X, rng):
        pass

    def _draw(self, X, rng):
        return np.where(np.isnan(X), rng.uniform(0, 1, X.shape), X)


def test_accepted_draws_have_the_conditional_distribution():
    X = np.column_stack([np.linspace(0.5, 1, 4000), np.full(4000, np.nan), np.arange(4000.0)])
    X[:2, 1] = 0.1, 0.2
    draws = Uniform().fit(X, schema=RULED, random_state=1).impute(X, 8).draws
    limit = X[2:, 0]
    assert (draws <= limit).mean() > 0.99
    assert (draws / limit)[:, limit > 0.6].mean() == pytest.approx(0.5, abs=0.01)  # uniform from 0 to the limit


def test_rows_that_cannot_keep_a_check_stay_and_what_is_stated_of_others_goes():
    X = np.array([[10.0, np.nan, 1.0], [90.0, np.nan, 1.0], [90.0, 50.0, np.nan]])
    told = Prediction(np.array([[20.0, 20.0, 5.0]] * 3), np.zeros(3), {})
    found = keep_checks(lambda part, m: Prediction(np.full((m, 1), 30.0)), X, told, RULED)
    assert found.draws.tolist() == [[20.0, 20.0, 5.0]] * 3
    assert found.expected is None
    assert (
        keep_checks(lambda *_: pytest.fail("asked"), X[1:], Prediction(told.draws[:, 1:], np.zeros(2)), RULED).expected
        is not None
    )
