"""HoloClean: counts worked by hand, its softmax against scikit-learn, and restaurants."""

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import InputError
from datasets.prediction import point
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.relational.cooccurrence import Domains, count_together
from imputers.relational.holoclean import HoloClean, fit_softmax, scaled, softmax

# Item 0 has three answers, column 1 two. Pairs: (0,0) twice, (1,0) once, (2,1) once; the last row is a hole.
SYMBOLS = np.array([[0, 0], [0, 0], [1, 0], [2, 1], [-1, 0]])


def test_co_occurrences_of_a_hole_worked_by_hand():
    counts = count_together(SYMBOLS, [3, 2], item=0, min_correlation=0.0)
    domains = counts.domains(SYMBOLS[4:], prune=0.3)
    assert domains.levels.tolist() == [0, 1]  # answer 2 goes with 0 never, and is given by one of four only
    assert domains.features == pytest.approx(np.array([[2 / 4, 2 / 3], [1 / 4, 1 / 3]]))
    assert counts.domains(SYMBOLS[4:], prune=0.4).levels.tolist() == [0]
    assert counts.domains(SYMBOLS[4:], prune=0.9).levels.tolist() == [0]  # the most frequent stands in


def test_a_row_does_not_vouch_for_its_own_answer():
    counts = count_together(SYMBOLS, [3, 2], item=0, min_correlation=0.0)
    domains = counts.domains(SYMBOLS[:1], prune=0.3)
    assert domains.levels.tolist() == [0, 1, 2]
    assert domains.features == pytest.approx(np.array([[1 / 3, 1 / 2], [1 / 3, 1 / 2], [1 / 3, 0]]))
    lonely = counts.domains(SYMBOLS[3:4], prune=0.3)  # nobody else gave 1 in column 1
    assert 2 not in lonely.levels
    assert lonely.features[:, 1].tolist() == [0.0] * len(lonely.levels)


def test_an_uncorrelated_column_suggests_nothing():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 2000)
    symbols = np.column_stack([a, (a + rng.integers(0, 2, 2000)) % 4, rng.integers(0, 4, 2000)])
    assert count_together(symbols, [4, 4, 4], item=0, min_correlation=0.05).telling.tolist() == [True, True, False]


def test_two_candidates_are_a_logistic_regression_without_intercept():
    """Choosing between two by shared weights is a logistic regression on the difference of their features."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    cells = 300
    domains = Domains(np.arange(cells) * 2, np.tile([0, 1], cells), rng.random((2 * cells, 3)))
    features = scaled(domains)
    first = rng.random(cells) < 1 / (1 + np.exp(-(features[::2] - features[1::2]) @ [2.0, -1.0, 0.5]))
    true = np.column_stack([first, ~first]).ravel()
    weights = fit_softmax(domains, true, weight_decay=0.01)
    wanted = LogisticRegression(C=1 / (cells * 0.01), fit_intercept=False, tol=1e-8)
    wanted.fit(features[::2] - features[1::2], first)
    assert weights == pytest.approx(wanted.coef_[0], abs=1e-3)
    shares = softmax(domains, features, weights)
    assert shares.reshape(-1, 2).sum(axis=1) == pytest.approx(1)
    assert (features.reshape(cells, 2, 3) ** 2).sum(axis=1) == pytest.approx(1)


def test_cells_whose_answer_is_no_candidate_teach_nothing():
    domains = Domains(np.array([0, 2]), np.array([0, 1, 0, 1]), np.array([[0.8], [0.2], [0.1], [0.9]]))
    alone = Domains(np.array([0]), domains.levels[:2], domains.features[:2])
    taught = fit_softmax(domains, np.array([True, False, False, False]), weight_decay=0.1)
    assert taught == pytest.approx(fit_softmax(alone, np.array([True, False]), weight_decay=0.1))
    assert fit_softmax(domains, np.zeros(4, dtype=bool), weight_decay=0.1).tolist() == [1.0]


def test_draws_follow_the_probabilities_and_only_candidates_have_one():
    schema, X = example_table()
    prediction = HoloClean(prune=0.5).fit(X, schema=schema).impute(X, n_draws=3000)
    party = schema.index("party")
    drawn = prediction.draws[:, np.nonzero(np.isnan(X))[1] == party]
    shares = (drawn[:, :, None] == schema.columns[party].levels).mean(axis=0)
    assert shares == pytest.approx(prediction.probabilities[party], abs=0.045)
    assert (prediction.probabilities[party][:, 3] == 0).all()  # never chosen
    assert ((prediction.probabilities[party] > 0).sum(axis=1) < 3).any()


def test_numeric_draws_are_observed_values():
    schema, X = example_table()
    income = schema.index("income")
    prediction = HoloClean().fit(X, schema=schema).impute(X, n_draws=5)
    own = np.nonzero(np.isnan(X))[1] == income
    assert np.isin(prediction.draws[:, own], X[:, income]).all()
    assert prediction.expected[own].std() > 0


def test_restaurants_as_symbols(shared):
    """Published 33.1 (Mei et al. 2021, ICDE); without string similarity there is little more to know."""
    data = DATASETS["restaurant"](shared / "data" / "text" / "restaurant.csv")
    city, X = data.schema.index("city"), data.values.copy()
    rows = np.random.default_rng(0).permutation(len(X))[:86]
    X[rows, city] = np.nan
    prediction = HoloClean().fit(X, schema=data.schema).impute(X, n_draws=1)
    own = np.nonzero(np.isnan(X))[1] == city
    right = point(prediction, X, data.schema)[own] == data.values[np.sort(rows), city]
    assert 0.331 < right.mean() < 0.65  # a leak of the true city would show as near one


def test_senseless_parameters_are_refused():
    schema = Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC)))
    with pytest.raises(InputError, match="weight_decay"):
        HoloClean(weight_decay=0.0).fit(np.array([[0.0, 1.0], [1.0, 2.0]]), schema=schema)
