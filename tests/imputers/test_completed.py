"""The completed table of a chain: its sums are those of its rows, visit after visit, in either precision."""

import numpy as np
import pytest

from imputers.conformance import example_table
from imputers.shared import completed as module
from imputers.shared.chained import hole_places, items_with_holes
from imputers.shared.completed import Completed
from imputers.shared.linear import Sums
from imputers.shared.predictors import Predictors


@pytest.fixture
def chain():
    schema, X = example_table(300)
    predictors = Predictors.learn(schema, X[:250])
    items = list(items_with_holes(schema, X, 250))
    rng = np.random.default_rng(0)
    starts = [(item, predictors.encode(item.j, rng.choice(item.codes, len(item.holes)))) for item in items]
    return predictors, X, items, starts, rng


def visit_all(predictors, X, items, starts, rng):
    state = Completed.begin(predictors, X, 250, starts)
    for item in items * 3:
        turn = state.turn(item)
        yield state, turn
        state.put(turn, predictors.encode(item.j, rng.choice(item.codes, len(item.holes))))


@pytest.mark.parametrize("large", [0, 10**9])
def test_sums_are_those_of_the_known_rows_at_every_visit(chain, monkeypatch, large):
    monkeypatch.setattr(module, "LARGE", large)
    for state, turn in visit_all(*chain):
        assert state.design.dtype == (np.float64 if large else np.float32)
        own = state.design[turn.item.known][:, turn.own].astype(float)
        direct = Sums.of(turn.known().astype(float), own)
        assert turn.sums.n == direct.n == len(turn.item.known)
        for ours, theirs in zip(turn.sums[1:], direct[1:], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_predictions_are_products_with_the_other_columns(chain):
    for _, turn in visit_all(*chain):
        coefficients = np.random.default_rng(1).normal(size=(turn.known().shape[1], 2))
        np.testing.assert_allclose(turn.at_known(coefficients), turn.known() @ coefficients, atol=1e-12)
        np.testing.assert_allclose(turn.at_holes(coefficients), turn.holes() @ coefficients, atol=1e-12)
        assert len(turn.known()) == len(turn.item.known) and len(turn.holes()) == len(turn.item.holes)


def test_places_of_holes_are_in_row_major_order():
    holes = np.random.default_rng(2).random((40, 5)) < 0.4
    values = np.random.default_rng(3).normal(size=(40, 5))
    for j, places in enumerate(hole_places(holes)):
        np.testing.assert_array_equal(values[holes][places], values[holes[:, j], j])
