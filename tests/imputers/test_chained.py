import numpy as np
import pytest

from datasets.coherence import check_coherence
from datasets.schema import Column, Kind, Schema
from imputers import make_imputer
from imputers.shared.chained import Fill, items_with_holes
from imputers.shared.predictors import Predictors
from imputers.statistical.regression import Regression


@pytest.fixture(scope="module")
def schema():
    scale = {0.0: "no", 1.0: "some", 2.0: "yes", 3.0: "never said"}
    return Schema(
        (
            Column("age", Kind.NUMERIC, decimals=0, low=18, high=89),
            Column("place", Kind.NOMINAL, {1.0: "a", 2.0: "b", 3.0: "c", 9.0: "nowhere"}),
            Column("trust", Kind.ORDINAL, scale),
            Column("vote", Kind.NOMINAL, {0.0: "no", 1.0: "yes"}),
        )
    )


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [rng.integers(18, 90, 80), rng.integers(1, 4, 80), rng.integers(0, 3, 80), rng.integers(0, 2, 80)]
    )
    holes = rng.random(X.shape) < [0.1, 0.3, 0.2, 0.05]
    return np.where(holes, np.nan, X.astype(float))


def test_predictors_are_centred_and_hold_observed_levels_only(schema, table):
    predictors = Predictors.learn(schema, table)
    D = predictors.design(table)
    assert D.shape == (80, 1 + 1 + 3 + 1 + 1)
    np.testing.assert_allclose(np.nanmean(D, axis=0), [1, 0, 0, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(np.nanstd(D[:, [1, 5]], axis=0), 1)
    assert np.unique(np.round(np.diff(np.unique(D[~np.isnan(D[:, 2]), 2])), 12)) == [1.0]  # dummies are not stretched
    np.testing.assert_array_equal(np.isnan(D[:, 2]), np.isnan(table[:, 1]))


def test_an_unseen_level_has_no_column(schema, table):
    predictors = Predictors.learn(schema, table)
    np.testing.assert_allclose(predictors.encode(1, np.array([9.0]))[0], -predictors.centre[1])


def test_items_go_from_fewest_holes_to_most(schema, table):
    items = list(items_with_holes(schema.take([0, 1, 2]), table[:, :3], 80))
    counts = [len(item.holes) for item in items]
    assert counts == sorted(counts) and len(counts) == 3
    assert all(np.isnan(table[item.holes, item.j]).all() for item in items)


def test_answers_for_new_rows_come_from_the_fitted_ones(schema, table):
    """With a deterministic method a new row's answer does not depend on the other new rows."""
    imputer = Regression().fit(table[:60], schema=schema)
    alone = imputer.impute(table[60:70], n_draws=1)
    together = imputer.impute(table[60:], n_draws=1)
    count = len(alone.expected)
    np.testing.assert_allclose(together.expected[:count], alone.expected)
    np.testing.assert_array_equal(together.draws[0, :count], alone.draws[0])


def test_levels_never_observed_get_no_probability(schema, table):
    prediction = Regression().fit(table, schema=schema).impute(table, n_draws=1)
    assert (prediction.probabilities[2][:, 3] == 0).all()
    assert (prediction.probabilities[1][:, 3] == 0).all()


def test_models_see_each_item_in_its_turn_with_all_others(schema, table):
    visits = []

    class Spy(Regression):
        deterministic = False

        def _fill(self, turn, start, rng):
            item, h = turn.item, len(turn.item.holes)
            visits.append((item.j, turn.known().shape, turn.holes().shape, start))
            return Fill(np.full(h, item.codes[0]), lambda: np.zeros(h), np.array([item.j]))

        def _carry(self, item, fill):
            return self.predictors_.encode(item.j, fill.codes)

    spy = Spy(max_iter=3)
    spy.schema_, spy.weights_ = schema, None
    spy._fit(table, np.random.default_rng(0))
    items = list(items_with_holes(schema, table, 80))
    list(spy._chain(table, items, np.random.default_rng(0)))
    order = [item.j for item in items]
    assert [j for j, *_ in visits] == 3 * order == 3 * [3, 2, 0, 1]
    first, others = visits[:4], visits[4:]
    widths = {3: 5, 2: 6, 0: 6, 1: 4}  # wherever vote is missing, trust is
    assert all(known[1] == holes[1] == widths[j] for j, known, holes, _ in others)
    assert [known[1] for _, known, *_ in first] == [6, 2, 3, 4]  # on those before it, but for the first of all
    assert [start for *_, start in visits[:8]] == [None] * 8  # parameters of the first visit are of other predictors
    assert [start[0] for *_, start in visits[8:]] == order


def test_rows_to_be_filled_that_know_the_later_item_let_it_be_read(schema):
    X = np.ones((6, 4))
    X[:2, 1] = X[:2, 3] = X[:3, 0] = np.nan
    assert [(item.j, item.unread) for item in items_with_holes(schema, X, 6)] == [(1, (3, 0)), (3, (0,)), (0, ())]
    apart = np.vstack([X, [np.nan, 1, 1, 1], [1, np.nan, 1, 1]])
    assert [(item.j, item.unread) for item in items_with_holes(schema, apart, 6)] == [(3, (1,)), (1, ()), (0, ())]


@pytest.mark.parametrize("name", ["mice", "mice-pmm", "mice-cart", "gbm-pmm", "gbm"])
def test_near_copies_that_are_missing_together_keep_what_they_have_to_do_with_others(name):
    """A chain in which each is regressed on the other would keep them where they began, at no relation to the rest."""
    rng = np.random.default_rng(5)
    other = rng.normal(size=1500)
    first = 0.8 * other + 0.6 * rng.normal(size=1500)
    complete = np.column_stack([first, 2 * first + 0.02 * rng.normal(size=1500), other])
    X = complete.copy()
    X[rng.random(1500) < 0.5, :2] = np.nan
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in ("first", "copy", "other")))
    gone = np.isnan(X)
    for draw in make_imputer(name).fit(X, schema=schema).impute(X, n_draws=3).draws:
        X[gone] = draw
        found = np.corrcoef(X[gone[:, 0]].T)
        assert found[0, 2] == pytest.approx(0.8, abs=0.08) and found[1, 2] == pytest.approx(0.8, abs=0.08)
        assert found[0, 1] > 0.95


@pytest.mark.parametrize("name", ["mice", "mice-pmm", "mice-cart"])
def test_near_copies_of_which_one_is_told_now_and_then_start_as_a_row_and_not_each_by_itself(name):
    rng = np.random.default_rng(6)
    trait, other, where = rng.normal(size=2000), rng.normal(size=2000), rng.random(2000)
    trait = 0.6 * other + 0.8 * trait
    X = np.column_stack([*(trait + 0.2 * rng.normal(size=2000) for _ in range(3)), other])
    truth = np.corrcoef(X[where < 0.4].T)
    for j in range(3):
        X[(where < 0.4) | ((where > 0.5 + 0.1 * j) & (where < 0.6 + 0.1 * j)), j] = np.nan
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in ("a", "b", "c", "other")))
    gone = np.isnan(X)
    for draw in make_imputer(name).fit(X, schema=schema).impute(X, n_draws=3).draws:
        X[gone] = draw
        np.testing.assert_allclose(np.corrcoef(X[where < 0.4].T), truth, atol=0.1)


@pytest.mark.parametrize("name", ["mice", "mice-pmm"])
def test_what_is_stated_is_of_the_draws_while_the_chain_still_moves(name):
    """Three items that all but repeat each other, missing together where they are high, take long to come up there."""
    rng = np.random.default_rng(2)
    trait = rng.normal(size=1000)
    few, many = np.round(10 + 4 * trait), np.round(14 + 5 * trait + 0.7 * rng.normal(size=1000))
    driver = trait + 0.3 * rng.normal(size=1000)
    X = np.column_stack([few.clip(0, 12), many.clip(0, 25), np.round(2e4 * np.exp(trait)), driver])
    X[(rng.random(1000) < 0.9) & (driver > 0.3), :3] = np.nan
    scales = [{float(k): str(k) for k in range(n)} for n in (13, 26)]
    schema = Schema(
        (
            *(Column(name, Kind.ORDINAL, scale) for name, scale in zip(("few", "many"), scales, strict=True)),
            *(Column(name, Kind.NUMERIC) for name in ("income", "driver")),
        )
    )
    check_coherence(make_imputer(name).fit(X, schema=schema).impute(X, 20), X, schema)
