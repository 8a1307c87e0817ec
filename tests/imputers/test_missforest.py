"""MissForest: the published stopping rule, recovery of relations, honest out-of-bag errors, replay on new rows."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from datasets.errors import InputError
from datasets.prediction import expectation, point
from datasets.schema import Column, Kind, Schema
from imputers.trees.forest import Growth, grow
from imputers.trees.missforest import MissForest, stops

SQUARE = Schema(
    (
        Column("x", Kind.NUMERIC),
        Column("square", Kind.NUMERIC),
        Column("sign", Kind.NOMINAL, {1.0: "below", 2.0: "above", 3.0: "never"}),
        Column("grade", Kind.ORDINAL, {float(k): f"grade {k}" for k in range(5)}),
    )
)


def square_table(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """x, x², its sign and a grade that rises with x; and the same with a fifth of the last three hidden."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, n)
    truth = np.column_stack([x, x**2, np.where(x > 0, 2.0, 1.0), np.digitize(x, [-1, -0.3, 0.4, 1.2])])
    hidden = rng.random(truth.shape) < 0.2
    hidden[:, 0] = False
    return truth, np.where(hidden, np.nan, truth)


def sequence(*pairs):
    return [{"numeric": numeric, "nominal": nominal} for numeric, nominal in pairs]


def test_passes_stop_when_neither_change_shrinks():
    assert not stops(sequence((0.5, 0.4)))
    assert not stops(sequence((0.5, 0.4), (0.6, 0.3)))  # nominal still settles
    assert not stops(sequence((0.5, 0.4), (0.4, 0.5)))  # numeric still settles
    assert stops(sequence((0.5, 0.4), (0.1, 0.1), (0.2, 0.2)))
    assert stops(sequence((0.5, 0.4), (0.5, 0.4)))
    assert stops([{"numeric": 0.1}, {"numeric": 0.2}])  # one kind decides alone
    assert stops([{}, {}])  # no holes: one pass is enough


def test_change_is_as_published():
    schema = Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NOMINAL, {0.0: "no", 1.0: "yes"})))
    imputer = MissForest()
    imputer.schema_ = schema
    before, after = (
        schema.design(np.array([[1.0, 0], [2, 0], [3, 1]])),
        schema.design(np.array([[1.0, 1], [4, 0], [3, 1]])),
    )
    holes = np.array([[False, True], [True, True], [False, False]])
    change = imputer._change(holes, before, after)
    assert change == {"numeric": pytest.approx((4 - 2) ** 2 / (1 + 16 + 9)), "nominal": 0.5}


def test_the_pass_before_the_stop_is_returned(monkeypatch):
    _, X = square_table(120)
    script = iter(sequence((0.5, 0.4), (0.3, 0.3), (0.2, 0.2), (0.25, 0.2), (0.0, 0.0)))
    monkeypatch.setattr(MissForest, "_change", lambda *_: next(script))
    imputer = MissForest(n_estimators=2, max_iter=10).fit(X, schema=SQUARE)
    assert len(imputer.changes_) == 4
    assert len(imputer.passes_) == 3
    assert imputer.errors_[1] == imputer.passes_[2][1].error


def test_recovers_a_square_a_sign_and_a_step():
    truth, X = square_table()
    imputer = MissForest(30, 4, min_samples_leaf=5, max_samples=0.5).fit(X, schema=SQUARE, random_state=1)
    prediction = imputer.impute(X, n_draws=2)
    hidden, columns = np.isnan(X), np.nonzero(np.isnan(X))[1]
    wrong = expectation(prediction, X, SQUARE) - truth[hidden]
    assert np.sqrt(np.mean(wrong[columns == 1] ** 2)) < 0.1 * truth[:, 1].std()
    best = point(prediction, X, SQUARE)
    assert np.mean(best[columns == 2] == truth[hidden][columns == 2]) > 0.97
    assert np.mean(best[columns == 3] == truth[hidden][columns == 3]) > 0.9
    assert (prediction.probabilities[2][:, 2] == 0).all()  # the level that nobody has
    assert (prediction.draws[0] == prediction.draws[1]).all()


def test_fills_of_the_fitted_table_are_those_of_the_algorithm():
    _, X = square_table(200)
    imputer = MissForest(n_estimators=5, max_iter=2).fit(X, schema=SQUARE, random_state=4)
    again = MissForest(n_estimators=5)
    again.schema_ = SQUARE
    again.start_, again.order_ = imputer.start_, imputer.order_
    D, rng = again._started(X), np.random.default_rng((4, 0))
    for _ in imputer.passes_:
        again._pass(X, D, rng)  # straight on, without keeping forests
    codes = D[:, [SQUARE.blocks[j].start for j in (0, 1, 3)]]
    holes = np.isnan(X)
    filled = np.full(X.shape, np.nan)
    filled[holes] = imputer.impute(X).expected
    assert np.array_equal(filled[:, [0, 1, 3]][holes[:, [0, 1, 3]]], codes[holes[:, [0, 1, 3]]])


def test_new_rows_get_what_equal_fitted_rows_got():
    _, X = square_table(200)
    imputer = MissForest(n_estimators=5).fit(X, schema=SQUARE)
    whole, part = imputer.impute(X).draws[0], imputer.impute(X[:50]).draws[0]
    assert np.array_equal(whole[: len(part)], part)
    assert np.isfinite(imputer.impute(np.full((2, 4), np.nan)).draws).all()


def test_out_of_bag_error_tells_the_hidden_error():
    rng = np.random.default_rng(0)
    n = 1000
    x, z = rng.normal(size=(2, n))
    truth = np.column_stack([x, np.sin(2 * x) + z + rng.normal(size=n), 1.0 + (x + rng.normal(size=n) > 0), z])
    hidden = rng.random(truth.shape) < 0.25
    hidden[:, [0, 3]] = False
    X = np.where(hidden, np.nan, truth)
    columns = (SQUARE.columns[0], SQUARE.columns[1], SQUARE.columns[2], Column("z", Kind.NUMERIC))
    imputer = MissForest(max_iter=2).fit(X, schema=Schema(columns))
    prediction = imputer.impute(X, n_draws=1)
    where = np.nonzero(np.isnan(X))[1]
    squared = (prediction.expected - truth[hidden])[where == 1] ** 2
    missed = prediction.draws[0][where == 2] != truth[hidden][where == 2]
    assert imputer.errors_[1] == pytest.approx(squared.mean(), abs=3 * squared.std() / np.sqrt(len(squared)))
    assert imputer.errors_[2] == pytest.approx(missed.mean(), abs=3 * np.sqrt(0.25 / len(missed)))
    assert squared.mean() < 0.8 * truth[:, 1].var()


def test_a_forest_is_as_good_as_scikit_learns():
    rng = np.random.default_rng(5)
    D = rng.normal(size=(800, 6)).astype(np.float32)
    y = D[:, 0] * D[:, 1] + D[:, 2] + rng.normal(size=800)
    forest = grow(Column("y", Kind.NUMERIC), D, y, Growth(60, 1.0, 5), np.random.default_rng(0))
    theirs = RandomForestRegressor(
        60, max_features="sqrt", min_samples_leaf=5, max_samples=1.0, oob_score=True, random_state=0
    ).fit(D, y)
    assert forest.error == pytest.approx(np.mean((theirs.oob_prediction_ - y) ** 2), rel=0.03)
    assert np.corrcoef(forest.predict(D)[1], theirs.predict(D))[0, 1] > 0.98


@pytest.mark.parametrize("wrong", [{"n_estimators": 0}, {"max_iter": 0}, {"min_samples_leaf": 0}, {"max_samples": 0.0}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=f"'{next(iter(wrong))}' parameter of MissForest must be"):
        MissForest(**wrong).fit(square_table(50)[1], schema=SQUARE)


def test_leaves_are_as_small_as_published():
    """R's randomForest: one row in leaves of classification, five in those of regression."""
    _, X = square_table(200)

    def smallest(**settings):
        forests = MissForest(n_estimators=3, max_iter=1, **settings).fit(X, schema=SQUARE).passes_[0]
        trees = [[tree.tree_ for tree in forests[j].trees] for j in range(4)]
        return [min(tree.n_node_samples[tree.children_left < 0].min() for tree in of_item) for of_item in trees]

    found = smallest()
    assert found[2] < 5 and min(found[0], found[1], found[3]) >= 5
    assert min(smallest(min_samples_leaf=9)) >= 9
