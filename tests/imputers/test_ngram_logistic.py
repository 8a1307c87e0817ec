"""Regressions on n-grams: scikit-learn's own on plain numbers, closed forms, and restaurants."""

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import InputError
from datasets.prediction import point
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.relational.ngram_logistic import NgramLogistic, label_features


def restaurants(shared, *names):
    data = DATASETS["restaurant"](shared / "data" / "text" / "restaurant.csv")
    columns = [data.schema.index(name) for name in names]
    return data.schema.take(columns), data.values[:, columns]


def share_right(imputer, schema, truth, j, folds):
    """Share of the answers to item j that are found when each fold is hidden in turn."""
    right = []
    for rows in folds:
        X = truth.copy()
        X[rows, j] = np.nan
        prediction = imputer.fit(X, schema=schema).impute(X, n_draws=1)
        own = np.nonzero(np.isnan(X))[1] == j
        right.append(point(prediction, X, schema)[own] == truth[np.sort(rows), j])
    return np.concatenate(right).mean()


def test_labels_keep_the_inner_products_of_their_n_grams():
    labels = {1.0: "agree", 2.0: "strongly agree", 3.0: "disagree", 4.0: "no"}
    few = label_features(Column("x", Kind.ORDINAL, labels), 3).toarray()
    text = label_features(Column("x", Kind.TEXT, labels), 3).toarray()
    assert few.shape == (5, 4)
    assert text.shape[1] > 20
    assert few @ few.T == pytest.approx(text @ text.T)
    assert np.diag(text @ text.T) == pytest.approx([1, 1, 1, 1, 0])  # of length one, and nothing for a hole
    assert (few @ few.T)[0, 1] > (few @ few.T)[0, 3]


def test_one_numeric_predictor_is_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x = 5 + 2 * rng.standard_normal(200)
    y = 1.0 + (x + rng.standard_normal(200) > 5) + (x + rng.standard_normal(200) > 7)
    X = np.column_stack([x, np.where(np.arange(200) < 50, np.nan, y)])
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NOMINAL, {1.0: "a", 2.0: "b", 3.0: "c", 4.0: "d"})))
    prediction = NgramLogistic(Cs=(0.5,)).fit(X, schema=schema).impute(X, n_draws=1)
    z = ((x - x.mean()) / x.std())[:, None]
    wanted = LogisticRegression(C=0.5, tol=1e-8).fit(z[50:], y[50:]).predict_proba(z[:50])
    assert prediction.probabilities[1][:, :3] == pytest.approx(wanted, abs=5e-3)
    assert (prediction.probabilities[1][:, 3] == 0).all()


def test_numeric_items_by_ridge_in_closed_form():
    """One predictor: slope S_xy / (S_xx + 1/C), in standard deviations."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal(100)
    y = 3 * x + rng.standard_normal(100)
    X = np.column_stack([x, np.where(np.arange(100) < 20, np.nan, y)])
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    imputer = NgramLogistic(Cs=(0.1,)).fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=2000)
    a, b = x[20:] - x[20:].mean(), y[20:] - y[20:].mean()
    slope = a @ b / (a @ a + 10 * x.var())
    assert prediction.expected == pytest.approx(y[20:].mean() + slope * (x[:20] - x[20:].mean()))
    assert prediction.draws.mean(axis=0) == pytest.approx(prediction.expected, abs=0.15)
    assert prediction.draws.std(axis=0) == pytest.approx(np.std(b - slope * a), rel=0.1)


def test_the_penalty_is_strong_for_noise_and_weak_for_a_sure_sign():
    rng = np.random.default_rng(2)
    words = {float(code): "".join(rng.choice(list("abcdefghij"), 6)) for code in range(40)}
    codes = rng.integers(0, 40, 600).astype(float)
    quarters = {float(code): text for code, text in enumerate(["north", "south", "west", "east"])}
    for source, wanted in ((rng.integers(0, 4, 600), 0.1), (codes % 4, 30.0)):
        X = np.column_stack([codes, source]).astype(float)
        X[:40, 1] = np.nan
        schema = Schema((Column("a", Kind.TEXT, words), Column("b", Kind.NOMINAL, quarters)))
        imputer = NgramLogistic().fit(X, schema=schema)
        assert wanted == imputer.models_[1].C
        assert list(imputer.models_) == [1]  # no other has holes


def test_rare_answers_are_left_out():
    schema, X = example_table()
    prediction = NgramLogistic(max_categories=2).fit(X, schema=schema).impute(X, n_draws=200)
    party = schema.index("party")
    counts = [(X[:, party] == code).sum() for code in schema.columns[party].levels]
    rare = np.argsort(counts)[:2]  # never chosen, and the least chosen
    assert (prediction.probabilities[party][:, rare] == 0).all()
    drawn = prediction.draws[:, np.nonzero(np.isnan(X))[1] == party]
    shares = (drawn[:, :, None] == schema.columns[party].levels).mean(axis=0)
    assert shares == pytest.approx(prediction.probabilities[party], abs=0.15)


def test_cities_from_telephone_numbers(shared):
    """The city most frequent for an area code is right for 75.8 ± 4.5 of the restaurants; n-grams know the codes."""
    schema, truth = restaurants(shared, "phone", "city")
    fold = np.random.default_rng(0).permutation(len(truth))[:130]
    assert share_right(NgramLogistic(Cs=(30.0,), max_ngram=3), schema, truth, 1, [fold]) > 0.713


@pytest.mark.slow
def test_restaurants_in_ten_folds(shared):
    """Must pass 84; a serialised row with C = 30 has 85.1 ± 2.8 elsewhere."""
    schema, truth = restaurants(shared, "name", "address", "city", "phone", "type")
    folds = np.array_split(np.random.default_rng(0).permutation(len(truth)), 10)
    assert share_right(NgramLogistic(), schema, truth, 2, folds) >= 0.84


def test_senseless_parameters_are_refused():
    schema, X = example_table()
    with pytest.raises(InputError, match="positive number"):
        NgramLogistic(Cs=(0.0, 1.0)).fit(X, schema=schema)


def test_a_hole_in_a_column_that_had_none_gets_a_model_that_is_not_kept():
    rng = np.random.default_rng(3)
    x = rng.standard_normal(100)
    X = np.column_stack([x, np.where(np.arange(100) < 20, np.nan, 2 * x)])
    imputer = NgramLogistic(Cs=(1000.0,)).fit(X, schema=Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC))))
    prediction = imputer.impute(np.array([[np.nan, 2.0]]), n_draws=1)
    assert prediction.expected == pytest.approx([1.0], abs=0.2)
    assert list(imputer.models_) == [1]
