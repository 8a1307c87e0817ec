"""Predictors chosen by strength: as quickpred chooses them, from what is observed, and the chain that reads them."""

import numpy as np
import pytest

from datasets.prediction import check_prediction
from datasets.schema import Column, Kind, Schema
from imputers.shared import strength as module
from imputers.shared.chained import items_with_holes
from imputers.shared.completed import Completed
from imputers.shared.predictors import Predictors
from imputers.shared.selected import Selected
from imputers.shared.strength import number_of_predictors, strongest
from imputers.statistical.mice_pmm import MicePmm
from imputers.trees.gbm import Gbm

N = 600
SCHEMA = Schema(
    (
        Column("y", Kind.NUMERIC),
        Column("twin", Kind.NUMERIC),
        Column("weak", Kind.NUMERIC),
        Column("noise", Kind.NUMERIC),
        Column("group", Kind.NOMINAL, {1.0: "a", 2.0: "b", 3.0: "c"}),
        Column("why", Kind.NUMERIC),
        Column("gone", Kind.NUMERIC),
    )
)


@pytest.fixture(scope="module")
def table():
    """Make y with a near copy, a weak and no relation, groups, what decides its holes, and a copy missing with it."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=N)
    group = np.digitize(y, [-0.5, 0.5])
    why = rng.normal(size=N)
    columns = [y, y + 0.3 * rng.normal(size=N), 0.5 * y + rng.normal(size=N), rng.normal(size=N)]
    X = np.column_stack([*columns, np.array([2.0, 1.0, 3.0])[group], why, y + 0.1 * rng.normal(size=N)])
    X[why > 0.5, 0] = np.nan
    X[why > 0.5, 6] = np.nan
    X[:50, 1] = np.nan
    return X


def chosen(table, n_features):
    return [own.tolist() for own in strongest(Predictors.learn(SCHEMA, table), table, n_features)]


def test_those_that_go_with_the_item_or_with_its_holes_are_chosen(table):
    assert chosen(table, 7)[0] == [1, 2, 4, 5]  # not noise; not the copy that is never there where y is not
    assert chosen(table, 2)[0] == [1, 4]
    assert 0 in chosen(table, 7)[6]  # which is drawn after y, and from it
    assert all(j not in own for j, own in enumerate(chosen(table, 7)))


def test_unordered_groups_count_by_all_their_levels(table):
    """The groups' codes do not rise with y: their correlation is low and their correlation ratio high."""
    known = ~np.isnan(table[:, 0])
    assert abs(np.corrcoef(table[known, 0], table[known, 4])[0, 1]) < 0.6
    levels = [table[known & (table[:, 4] == level), 0] for level in (1, 2, 3)]
    between = sum(len(own) * (own.mean() - table[known, 0].mean()) ** 2 for own in levels)
    ratio = between / (known.sum() * table[known, 0].var())
    state = module._Known.of(Predictors.learn(SCHEMA, table), table)
    pairs = state.known.T @ state.known
    found = module._with_item(
        state, slice(0, 8 + 1), state.owner, pairs, state.known.T @ state.Z, state.known.T @ state.squares
    )
    assert found[0, 4] == pytest.approx(ratio - 2 / known.sum(), abs=1e-4)
    both = known & ~np.isnan(table[:, 1])
    squared = np.corrcoef(table[both, 0], table[both, 1])[0, 1] ** 2
    assert found[0, 1] == pytest.approx(squared - 1 / both.sum(), abs=1e-4)
    np.testing.assert_allclose(found, found.T, atol=1e-4)


def test_being_missing_is_correlated_where_the_other_is_observed(table):
    missing = np.isnan(table[:, 0]).astype(float)
    expected = np.corrcoef(missing, table[:, 5])[0, 1] ** 2 - 1 / N
    start, worth = next(module._worths(module._Known.of(Predictors.learn(SCHEMA, table), table)))
    assert start == 0
    assert worth[0, 5] == pytest.approx(expected, abs=1e-4)


def test_predictors_of_too_many_columns_are_passed_over():
    widths = np.array([1, 9, 3, 1, 1])
    assert module._within(np.array([1, 2, 0, 3, 4]), widths, 2).tolist() == [2, 0]
    assert module._within(np.array([2, 0]), widths, 5).tolist() == [2, 0]


def test_blocks_of_items_give_the_same(table, monkeypatch):
    whole = chosen(table, 3)
    monkeypatch.setattr(module, "ITEMS", 2)
    assert chosen(table, 3) == whole


def test_chance_chooses_little():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 40))
    schema = Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(40)))
    found = strongest(Predictors.learn(schema, X), X, 30)
    assert np.mean([len(own) for own in found]) < 3  # |r| is above .1 for 8 % of the pairs, three of the others each


def test_a_chain_on_all_chosen_is_the_chain_on_all(table):
    predictors = Predictors.learn(SCHEMA, table)
    items = list(items_with_holes(SCHEMA, table, N))
    starts = [(item, predictors.encode(item.j, np.full(len(item.holes), item.codes[0]))) for item in items]
    dense = Completed.begin(predictors, table, N, starts, np.float64)
    read = [np.delete(np.arange(7), j) for j in range(7)]
    few = Selected.begin(predictors, table, read, starts)
    for item in items * 2:
        ours, theirs = few.turn(item), dense.turn(item)
        assert ours.unit == theirs.unit
        for one, other in zip(ours.sums, theirs.sums, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-3)
        beta = np.linspace(-1, 1, ours.known().shape[1])[:, None]
        np.testing.assert_allclose(ours.at_known(beta), theirs.at_known(beta), atol=1e-4)
        np.testing.assert_allclose(ours.at_holes(beta), theirs.at_holes(beta), atol=1e-4)
        columns = predictors.encode(item.j, np.full(len(item.holes), item.codes[1]))
        few.put(ours, columns)
        dense.put(theirs, columns)


def test_a_turn_reads_the_chosen_items_alone(table):
    predictors = Predictors.learn(SCHEMA, table)
    item = next(items_with_holes(SCHEMA, table, N))
    state = Selected.begin(predictors, table, [np.array([4, 5])] * 7, [])
    turn = state.turn(item)
    assert turn.known().shape == (len(item.known), 1 + 3 + 1)
    np.testing.assert_allclose(turn.known()[:, 4], predictors.encode(5, table[item.known, 5])[:, 0], atol=1e-6)


def test_narrow_tables_have_all_predictors_and_wide_ones_few():
    assert number_of_predictors("auto", module.NARROW) is None
    assert number_of_predictors("auto", module.NARROW + 1) == module.MOST
    assert number_of_predictors(None, 5000) is None
    assert number_of_predictors(7, 3) == 7


@pytest.mark.parametrize("imputer", [MicePmm(), Gbm(max_iter=2, n_estimators=5)])
def test_wide_tables_are_filled_from_what_is_strong_and_it_is_told(imputer, monkeypatch):
    monkeypatch.setattr(module, "NARROW", 8)
    monkeypatch.setattr(module, "MOST", 3)
    rng = np.random.default_rng(2)
    traits = rng.normal(size=(500, 3))
    X = np.repeat(traits, 4, axis=1) + 0.3 * rng.normal(size=(500, 12))
    hidden = rng.random(X.shape) < 0.2
    schema = Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(12)))
    holed = np.where(hidden, np.nan, X)
    fitted = imputer.fit(holed, schema=schema)
    prediction = fitted.impute(holed, 1)
    check_prediction(prediction, holed, schema, 1)
    assert np.corrcoef(prediction.draws[0], X[hidden])[0, 1] > 0.7
    assert "12 items, more than 8" in fitted.decided() and "n_features=50" in fitted.decided()
    assert type(imputer)(n_features=3).fit(holed, schema=schema).decided() == ""
