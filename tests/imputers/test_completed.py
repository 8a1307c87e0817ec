"""The completed table of a chain: its sums are those of its rows, visit after visit, in either precision."""

import numpy as np
import pytest

from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.shared import completed as module
from imputers.shared.chained import hole_places, items_with_holes
from imputers.shared.completed import Completed, narrow, narrowest, products
from imputers.shared.linear import Sums
from imputers.shared.predictors import Predictors


def begun(labelled):
    """What a chain begins with: all items of the example, or those with labels alone, whose codes are whole."""
    schema, X = example_table(300)
    kept = [j for j, column in enumerate(schema) if not labelled or column.kind is not Kind.NUMERIC]
    schema, X = schema.take(kept), X[:, kept]
    predictors = Predictors.learn(schema, X[:250])
    items = list(items_with_holes(schema, X, 250))
    rng = np.random.default_rng(0)
    starts = [(item, predictors.encode(item.j, rng.choice(item.codes, len(item.holes)))) for item in items]
    return predictors, X, items, starts, rng


def visit_all(predictors, X, items, starts, rng, dtype):
    state = Completed.begin(predictors, X, 250, starts, dtype)
    for item in items * 3:
        turn = state.turn(item)
        yield state, turn
        state.put(turn, predictors.encode(item.j, rng.choice(item.codes, len(item.holes))))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_sums_are_those_of_the_known_rows_at_every_visit(dtype):
    for state, turn in visit_all(*begun(labelled=dtype is np.uint8), dtype):
        assert state.columns.dtype == dtype
        design = state.columns.T @ state.to_design
        direct = Sums.of(np.delete(design, turn.own, axis=1)[turn.item.known], design[turn.item.known][:, turn.own])
        assert turn.sums.n == direct.n == len(turn.item.known)
        for ours, theirs in zip(turn.sums[1:], direct[1:], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-9)
        np.testing.assert_allclose(turn.known(), np.delete(design, turn.own, axis=1)[turn.item.known], atol=1e-5)


def test_sums_of_bytes_are_exact():
    rng = np.random.default_rng(4)
    codes = rng.choice([0, 3, 200, 255], (9000, 3)).astype(np.uint8)
    other = rng.choice([-255.0, 0.0, 255.0], (9000, 1))
    np.testing.assert_array_equal(products(codes), codes.T.astype(np.int64) @ codes.astype(np.int64))
    np.testing.assert_array_equal(products(codes, other), codes.T.astype(np.int64) @ other.astype(np.int64))


def test_bytes_hold_the_design_of_labelled_items_alone(monkeypatch):
    schema, X = example_table(300)
    predictors = Predictors.learn(schema, X)
    assert narrowest(schema, predictors, 300) == np.float64
    monkeypatch.setattr(module, "LARGE", 0)
    assert narrowest(schema, predictors, 300) == np.float32 == narrow(predictors, 300)
    kinds = np.array([column.kind for column in schema])
    labelled = schema.take(np.flatnonzero(kinds != Kind.NUMERIC))
    assert narrowest(labelled, predictors, 300) == np.uint8
    halves = Schema((Column("x", Kind.ORDINAL, {0.0: "no", 0.5: "half", 1.0: "yes"}),))
    assert narrowest(halves, predictors, 300) == np.float32


@pytest.mark.parametrize(("dtype", "within"), [(np.float64, 1e-12), (np.uint8, 1e-4)])
def test_predictions_are_products_with_the_other_columns(dtype, within):
    for _, turn in visit_all(*begun(labelled=dtype is np.uint8), dtype):
        coefficients = np.random.default_rng(1).normal(size=(turn.known().shape[1], 2))
        np.testing.assert_allclose(turn.at_known(coefficients), turn.known() @ coefficients, atol=within)
        np.testing.assert_allclose(turn.at_holes(coefficients), turn.holes() @ coefficients, atol=within)
        assert len(turn.known()) == len(turn.item.known) and len(turn.holes()) == len(turn.item.holes)


def test_places_of_holes_are_in_row_major_order():
    holes = np.random.default_rng(2).random((40, 5)) < 0.4
    values = np.random.default_rng(3).normal(size=(40, 5))
    for j, places in enumerate(hole_places(holes)):
        np.testing.assert_array_equal(values[holes][places], values[holes[:, j], j])
