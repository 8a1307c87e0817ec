"""ERACER: ICE without links, checked against our own and scikit-learn's; links against a loop over pairs of rows."""

import numpy as np
import pytest

from datasets.coherence import check_coherence
from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.relational.eracer import Eracer, link_items
from imputers.shared.chained import items_with_holes
from imputers.shared.distances import Gower
from imputers.statistical.regression import Regression


def gaussian(n=300, p=5, share=0.2, seed=1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + rng.normal(size=p)
    X[rng.random(X.shape) < share * np.arange(p) / p] = np.nan  # column 0 whole, then more and more holes
    return Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(p))), X


def test_without_links_it_is_the_iterative_imputer_of_scikit_learn():
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer
    from sklearn.linear_model import LinearRegression

    schema, X = gaussian()
    assert (np.diff(np.isnan(X).sum(axis=0)) > 0).all()  # one order of visits
    ours = Eracer(n_neighbors=0, max_iter=7, tol=0, ridge=1e-9).fit(X, schema=schema).impute(X, n_draws=1)
    theirs = IterativeImputer(LinearRegression(), max_iter=7, tol=0, imputation_order="ascending")
    with pytest.warns(match="Early stopping criterion not reached"):
        filled = theirs.fit_transform(X)
    np.testing.assert_allclose(ours.expected, filled[np.isnan(X)], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("max_iter", [1, 4])
def test_without_links_it_is_chained_regression(max_iter):
    schema, X = example_table()
    ours = Eracer(n_neighbors=0, max_iter=max_iter, tol=0).fit(X, schema=schema).impute(X, n_draws=2)
    regression = Regression(max_iter=max_iter).fit(X, schema=schema).impute(X, n_draws=1)
    np.testing.assert_allclose(ours.expected, regression.expected, rtol=1e-9)
    for j, probabilities in regression.probabilities.items():
        np.testing.assert_allclose(ours.probabilities[j], probabilities, rtol=1e-9, atol=1e-12)


def test_it_stops_when_expectations_settle():
    schema, X = gaussian()
    imputer = Eracer(n_neighbors=0, max_iter=500, ridge=1e-9).fit(X, schema=schema)
    items = list(items_with_holes(schema, X, len(X)))
    settled = imputer._settle(X, items, np.random.default_rng(0))
    assert settled.changes[-1] < 1e-3 <= min(settled.changes[:-1])
    assert 1 < len(settled.changes) < 500


def test_links_are_the_nearest_others_without_the_item():
    schema, X = example_table(80)
    X[3] = np.nan
    X[5, [0, 1, 3, 4, 5]] = np.nan  # has answered trust and nothing else
    gower, donors = Gower.learn(schema, X), np.arange(60)
    links = link_items(gower, X, donors, [2, 4], n_neighbors=4)
    for j, matrix in links.items():
        others = [column for column in range(6) if column != j]
        without = Gower.learn(schema.take(others), X[:, others])
        far = np.vstack([block for _, block in without.blocks(X[:, others], X[donors][:, others])])
        far[donors, donors] = np.inf
        assert matrix.shape == (80, 80)
        assert (matrix.diagonal() == 0).all()
        for i in range(80):
            linked = matrix[i].indices
            assert len(set(linked)) == 4 and set(linked) <= set(donors)
            assert matrix[i].data == pytest.approx([0.25] * 4)
            assert far[i, linked].max() <= np.sort(far[i])[3] + 1e-5


def test_links_help_where_alike_rows_answer_alike_beyond_any_straight_line():
    rng = np.random.default_rng(2)
    x = rng.uniform(-3, 3, size=(600, 2))
    y = np.sin(2 * x[:, 0]) * np.cos(2 * x[:, 1]) + 0.1 * rng.normal(size=600)
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in "uvy"))
    X = np.column_stack([x, np.where(np.arange(600) < 150, np.nan, y)])
    error = {
        links: np.mean((Eracer(links).fit(X, schema=schema).impute(X).expected - y[:150]) ** 2) for links in (0, 10)
    }
    assert error[10] < 0.5 * error[0]


def test_draws_follow_the_final_conditionals():
    schema, X = example_table()
    imputer = Eracer().fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=4000)
    columns = np.nonzero(np.isnan(X))[1]
    for j in (2, 3, 5):
        drawn = prediction.draws[:, columns == j]
        shares = (drawn[:, :, None] == schema.columns[j].levels).mean(axis=0)
        assert shares == pytest.approx(prediction.probabilities[j], abs=0.04)
    income = prediction.draws[:, columns == 4]
    assert income.mean(axis=0) == pytest.approx(prediction.expected[columns == 4], abs=0.6)
    assert income.std(axis=0).mean() == pytest.approx(5, rel=0.2)  # its own noise in the example; age tells the rest


@pytest.mark.parametrize("wrong", [{"n_neighbors": -1}, {"max_iter": 0}, {"tol": -1.0}, {"max_donors": 1}])
def test_wrong_parameters_are_refused(wrong):
    schema, X = example_table(30)
    with pytest.raises(InputError, match=next(iter(wrong))):
        Eracer(**wrong).fit(X, schema=schema)


def test_fewer_rows_than_links():
    schema, X = gaussian(n=8, p=3, share=0.5)
    assert np.isfinite(Eracer(n_neighbors=10).fit(X, schema=schema).impute(X).draws).all()


def test_means_are_those_of_draws_at_the_limits_of_an_item():
    """Most answers lie at the largest, where draws beyond it come to lie, and the line's own mean beyond it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    X = np.column_stack([x, np.round(np.minimum(1 + x + 0.5 * rng.normal(size=400), 1), 2)])
    X[rng.random(400) < 0.3, 1] = np.nan
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC, decimals=2, high=1.0)))
    check_coherence(Eracer(n_neighbors=0).fit(X, schema=schema).impute(X, n_draws=20), X, schema)
