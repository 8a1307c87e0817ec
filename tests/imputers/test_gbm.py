"""Chained boosting: probabilities, nonlinear recovery, honest spread of draws, settings, and the quality floor."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.prediction import check_prediction, expectation, point
from datasets.schema import Column, Kind, Schema
from datasets.selection.ranking import associations
from imputers.trees.boosting import learn_classes, learn_score
from imputers.trees.gbm import Gbm
from imputers.trees.predictors import _information_of_each_row, most_informative

BENT = Schema(
    (
        Column("x", Kind.NUMERIC),
        Column("bent", Kind.NUMERIC, low=-4.0, high=40.0),
        Column("side", Kind.NOMINAL, {1.0: "below", 2.0: "middle", 3.0: "above", 9.0: "never"}),
        Column("grade", Kind.ORDINAL, {float(k): f"grade {k}" for k in range(1, 6)}),
    )
)
SETTINGS = {"learning_rate": 0.15, "num_leaves": 6, "min_data_in_leaf": 20, "seed": 1}
NOISE = 0.5


def bent_table(n: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """x, x² with noise of known spread, which third of the line x lies in, a noisy grade; and a fifth hidden."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, n)
    grade = np.digitize(x + rng.normal(size=n), [-1.5, -0.5, 0.5, 1.5]) + 1
    truth = np.column_stack([x, x**2 + NOISE * rng.normal(size=n), np.digitize(x, [-0.7, 0.7]) + 1, grade])
    hidden = rng.random(truth.shape) < 0.2
    hidden[:, 0] = False
    return truth, np.where(hidden, np.nan, truth)


@pytest.fixture(scope="module")
def bent():
    truth, X = bent_table()
    return truth, X, Gbm().fit(X, schema=BENT, random_state=1).impute(X, n_draws=20)


def test_recovers_a_square_and_thirds(bent):
    truth, X, prediction = bent
    hidden, columns = np.isnan(X), np.nonzero(np.isnan(X))[1]
    wrong = (expectation(prediction, X, BENT) - truth[hidden])[columns == 1]
    assert np.sqrt(np.mean(wrong**2)) < 1.2 * NOISE  # a straight line in x gets 1.29, the spread of x² and noise
    assert np.mean((point(prediction, X, BENT) == truth[hidden])[columns == 2]) > 0.93


def test_probabilities_are_of_the_levels(bent):
    _, X, prediction = bent
    check_prediction(prediction, X, BENT)
    assert set(prediction.probabilities) == {2, 3}
    assert (prediction.probabilities[2][:, 3] == 0).all()  # the level that nobody has
    columns = np.nonzero(np.isnan(X))[1]
    for j, shares in prediction.probabilities.items():
        drawn = (prediction.draws[:, columns == j, None] == BENT.columns[j].levels).mean(axis=(0, 1))
        assert shares.mean(axis=0) == pytest.approx(drawn, abs=0.03)
    mean = prediction.probabilities[3] @ BENT.columns[3].levels
    assert prediction.expected[columns == 3] == pytest.approx(mean, abs=0.4)  # the boosted mean lies among its donors'


def test_draws_scatter_like_the_residuals(bent):
    truth, X, prediction = bent
    draws = prediction.draws[:, np.nonzero(np.isnan(X))[1] == 1]
    assert np.sqrt(draws.var(axis=0).mean()) == pytest.approx(NOISE, rel=0.2)
    assert draws.var() == pytest.approx(truth[:, 1].var(), rel=0.15)


def test_donors_are_unseen_and_nearest():
    rng = np.random.default_rng(0)
    D = rng.normal(size=(1000, 2)).astype(np.float32)
    codes = D[:, 0] + rng.normal(size=1000)
    model = learn_score(Column("y", Kind.NUMERIC), D, codes, 200, 10, SETTINGS, np.random.default_rng(1))
    assert len(model.answers) == 200
    assert np.var(model.answers - model.predictions) > 0.9  # the trees, overgrown, fit the rows they saw to 0.7
    forecast = model.forecast(np.array([[-9, 0], [9, 0]], np.float32).repeat(500, axis=0), rng)
    assert set(forecast.draw[:500]) == set(model.answers[:10])
    assert set(forecast.draw[500:]) == set(model.answers[-10:])


def test_in_a_small_table_every_row_donates_and_few_stand_for_an_answer():
    rng = np.random.default_rng(0)
    D = rng.normal(size=(200, 2)).astype(np.float32)
    codes = D[:, 0] + 0.1 * rng.normal(size=200)
    model = learn_score(Column("y", Kind.NUMERIC), D, codes, 50, 40, SETTINGS, np.random.default_rng(1))
    assert (len(model.answers), len(model.boosters), model.n_donors) == (200, 5, 10)
    assert sorted(model.answers) == sorted(codes)
    new = rng.normal(size=(2000, 2)).astype(np.float32)
    assert np.corrcoef(model.forecast(new, rng).draw, new[:, 0])[0, 1] > 0.9


def test_equal_predictions_take_all_donors():
    D = np.zeros((500, 1), np.float32)
    codes = np.repeat([1.0, 2, 3, 4, 5], 100)
    model = learn_score(BENT.columns[3], D, codes, 10, 5, SETTINGS, np.random.default_rng(0))
    forecast = model.forecast(np.zeros((4000, 1), np.float32), np.random.default_rng(1))
    counts = np.array([(model.answers == level).mean() for level in BENT.columns[3].levels])
    assert forecast.shares.mean(axis=0) == pytest.approx(counts, abs=0.03)


def test_two_and_more_classes_give_calibrated_shares():
    rng = np.random.default_rng(2)
    D = rng.integers(2, size=(4000, 1)).astype(np.float32)
    for levels in ((1.0, 3.0), (1.0, 2.0, 3.0)):
        chance = np.where(D[:, 0] > 0, 0.8, 0.3)
        codes = np.where(rng.random(4000) < chance, levels[-1], rng.choice(levels[:-1], 4000))
        model = learn_classes(BENT.columns[2], D, codes, 100, SETTINGS)
        shares = model.forecast(np.array([[0.0], [1.0]], np.float32), rng).shares
        assert shares.sum(axis=1) == pytest.approx(1)
        assert shares[:, 2] == pytest.approx([0.3, 0.8], abs=0.04)
        assert (shares[:, 3] == 0).all()


def test_one_draw_keeps_means_of_several_chains():
    _, X = bent_table(300)
    imputer = Gbm(max_iter=2).fit(X, schema=BENT, random_state=1)
    one, five = imputer.impute(X, n_draws=1), imputer.impute(X, n_draws=5)
    assert np.array_equal(one.expected, five.expected, equal_nan=True)
    assert np.array_equal(one.draws[0], five.draws[0])
    assert np.isfinite(imputer.impute(np.full((3, 4), np.nan), 2).draws).all()


def test_tiny_table_is_filled():
    X = np.array([[0.0, 1, 1, 1], [1, 2, 2, 2], [np.nan, np.nan, 1, np.nan], [1, 3, np.nan, 3]])
    check_prediction(Gbm().fit(X, schema=BENT).impute(X), X, BENT)


def test_no_sweep_and_no_feature_are_refused():
    with pytest.raises(InputError, match="'max_iter'.* Got 0"):
        Gbm(max_iter=0).fit(bent_table(50)[1], schema=BENT)
    with pytest.raises(InputError, match="'n_features'.* Got 0"):
        Gbm(n_features=0).fit(bent_table(50)[1], schema=BENT)


@pytest.mark.slow
def test_quality_floor_on_the_core_table(masked_gss):
    X, schema, hidden = masked_gss.values, masked_gss.schema, masked_gss.scored
    prediction = Gbm().fit(X, schema=schema, random_state=1).impute(X)
    truth, columns = masked_gss.truth.values[np.isnan(X)], np.nonzero(np.isnan(X))[1]
    expected, best = expectation(prediction, X, schema), point(prediction, X, schema)
    errors, hits = [], []
    for j in np.unique(columns[hidden]):
        rows = hidden & (columns == j)
        if schema.columns[j].kind is Kind.NOMINAL:
            hits.append(np.mean(best[rows] == truth[rows]))
        else:
            spread = np.nanstd(masked_gss.truth.values[:, j])
            errors.append(np.sqrt(np.mean((expected[rows] - truth[rows]) ** 2)) / spread)
    assert np.mean(errors) <= 0.82
    assert np.mean(hits) >= 0.635


def test_trees_read_the_most_informative_items_only():
    rng = np.random.default_rng(4)
    cause = rng.integers(2, size=2000)
    copies = [np.where(rng.random(2000) < noise, 1 - cause, cause) for noise in (0.05, 0.2, 0.5)]
    X = np.column_stack([cause, *copies]).astype(float)
    X[rng.random(2000) < 0.9, 1] = np.nan  # tells most, but of few
    binary = {0.0: "no", 1.0: "yes"}
    schema = Schema(tuple(Column(name, Kind.NOMINAL, binary) for name in ("cause", "rare", "near", "noise")))
    assert most_informative(schema, X, 1)[0].tolist() == [2]
    assert most_informative(schema, X, 2)[0].tolist() == [1, 2]
    assert [found.tolist() for found in most_informative(schema, X, 9)] == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    imputer = Gbm(max_iter=1, n_features=1).fit(X, schema=schema, random_state=1)
    assert imputer.models_[0][0].booster.num_feature() == 2  # two dummies of one item


def test_information_is_that_of_the_selection():
    _, X = bent_table()
    worth = _information_of_each_row(BENT, X)
    for j, name in enumerate(BENT.names):
        table = associations(BENT, X, name).set_index("variable")
        for k, other in enumerate(BENT.names):
            if k != j:
                expected = table.loc[other, "information"] * table.loc[other, "pairs"] / (~np.isnan(X[:, j])).sum()
                assert worth[j, k] == pytest.approx(expected, abs=0.02)


def test_a_single_sweep_answers_each_item_from_what_was_observed():
    truth, X = bent_table()
    prediction = Gbm(max_iter=1).fit(X, schema=BENT, random_state=1).impute(X, n_draws=2)
    check_prediction(prediction, X, BENT)
    hidden, columns = np.isnan(X), np.nonzero(np.isnan(X))[1]
    wrong = (expectation(prediction, X, BENT) - truth[hidden])[columns == 1]
    assert np.sqrt(np.mean(wrong**2)) < 1.2 * NOISE
    rows = np.flatnonzero(np.isnan(X[:, 1]))
    again = Gbm(max_iter=1).fit(X, schema=BENT, random_state=1).impute(X[rows], n_draws=2)
    at = np.nonzero(np.isnan(X[rows]))[1] == 1
    assert expectation(again, X[rows], BENT)[at] == pytest.approx(expectation(prediction, X, BENT)[columns == 1])


def test_items_that_are_not_read_for_another_are_told():
    rng = np.random.default_rng(0)
    other = rng.normal(size=200)
    X = np.column_stack([other + rng.normal(size=200), other + rng.normal(size=200), other])
    X[:50, :2] = np.nan
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in ("first", "copy", "other")))
    assert "first without copy" in Gbm().fit(X, schema=schema).decided()
    X[0, 1] = 0.0
    X[50, 1] = np.nan
    assert not Gbm().fit(X, schema=schema).decided()
