"""Fuzzy k-means: its limits, its objective, a published mask, and draws that agree with what is expected."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.prediction import expectation
from datasets.schema import Column, Kind, Schema
from imputers.clusters.fuzzy_k_means import FuzzyKMeans, Observed, log_memberships, settle, squared_distances
from imputers.conformance import example_table


def numeric(p):
    return Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(p)))


def heaps(n=120, q=5, seed=0):
    """Three heaps of points (n, q), a quarter of the cells missing, no row wholly."""
    rng = np.random.default_rng(seed)
    D = rng.standard_normal((n, q)) + 1.5 * rng.standard_normal((3, q))[rng.integers(3, size=n)]
    D[rng.random(D.shape) < 0.25] = np.nan
    D[np.isnan(D).all(axis=1), 0] = 0.0
    return D - np.nanmean(D, axis=0)


def hard_k_means(D, centres):
    """Lloyd's algorithm on observed coordinates, one row and one cluster at a time."""
    for _ in range(100):
        labels = np.array([np.argmin([np.nansum((row - centre) ** 2) for centre in centres]) for row in D])
        update = np.array([np.nanmean(D[labels == k], axis=0) for k in range(len(centres))])
        if np.allclose(update, centres):
            break
        centres = update
    return centres, labels


def test_distances_are_those_of_the_definition():
    D, centres = heaps(), np.random.default_rng(1).standard_normal((4, 5))
    wanted = np.nansum((D[:, None] - centres) ** 2, axis=2)
    assert squared_distances(Observed.of(D), centres) == pytest.approx(wanted)


def test_memberships_of_a_hand_worked_row():
    """Distances 1 and 2: memberships are as 1/1² to 1/2² with fuzzifier 2, and as 1/1⁴ to 1/2⁴ with 1.5."""
    squares = np.array([[1.0, 4.0]])
    assert np.exp(log_memberships(squares, 2.0)) == pytest.approx(np.array([[4 / 5, 1 / 5]]))
    assert np.exp(log_memberships(squares, 1.5)) == pytest.approx(np.array([[16 / 17, 1 / 17]]))


def test_crisp_limit_is_hard_k_means():
    D = heaps()
    start = np.nan_to_num(D[:3])
    wanted, labels = hard_k_means(D, start)
    centres, _ = settle(Observed.of(D), start, 1.0005, 200)
    logs = log_memberships(squared_distances(Observed.of(D), centres), 1.0005)
    assert centres == pytest.approx(wanted, abs=1e-4)
    assert (logs.argmax(axis=1) == labels).all()
    assert np.exp(logs.max(axis=1)).mean() > 0.999


def test_vague_limit_is_the_column_mean():
    """Independent columns: the largest eigenvalue of Yu, Cheng & Huang (2004) is below a half, so centres coincide."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((120, 5)) + 7
    X[rng.random(X.shape) < 0.25] = np.nan
    prediction = FuzzyKMeans(n_clusters=3, fuzzifier=1e6).fit(X, schema=numeric(5)).impute(X)
    means = np.nanmean(X, axis=0)[np.nonzero(np.isnan(X))[1]]
    assert prediction.expected == pytest.approx(means, abs=1e-3)


@pytest.mark.parametrize("fuzzifier", [1.1, 1.5, 2.5])
def test_no_step_raises_the_objective(fuzzifier):
    D = heaps()
    centres, objective = settle(Observed.of(D), np.nan_to_num(D[:4]), fuzzifier, 200)
    assert len(objective) > 5
    assert (np.diff(objective) < 1e-9 * objective[0]).all()
    u = np.exp(log_memberships(squared_distances(Observed.of(D), centres), fuzzifier)) ** fuzzifier
    known = ~np.isnan(D)
    assert centres == pytest.approx((u.T @ np.nan_to_num(D)) / (u.T @ known), abs=1e-4)  # at rest


def test_breast_cancer_half_hidden_at_random(breast_cancer):
    """The mask of the public MIWAE notebook; another implementation: MSE .5397 with 10 clusters, fuzzifier 1.5."""
    Z, hidden, schema = breast_cancer
    X = np.where(hidden, np.nan, Z)
    for clusters, fuzzifier, wanted in ((10, 1.5, 0.5397), (3, 2.0, 0.7796)):
        imputer = FuzzyKMeans(clusters, fuzzifier, n_init=2).fit(X, schema=schema)
        fills = expectation(imputer.impute(X, n_draws=1), X, schema)
        assert np.mean((fills - Z[hidden]) ** 2) == pytest.approx(wanted, abs=0.02)


def test_a_nominal_mismatch_costs_one():
    schema = Schema((Column("a", Kind.NOMINAL, {1.0: "x", 2.0: "y", 3.0: "z"}), Column("b", Kind.NUMERIC)))
    X = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 1.0]])
    imputer = FuzzyKMeans(2, 2.0).fit(X, schema=schema)
    data = imputer._observed(X)
    assert squared_distances(data, data.filled)[0, 1] == pytest.approx(1.0)


def test_draws_agree_with_probabilities_and_expectation():
    schema, X = example_table()
    X[7] = np.nan
    imputer = FuzzyKMeans(4, 1.3).fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=1500)
    columns = np.nonzero(np.isnan(X))[1]
    for j in (schema.index("party"), schema.index("trust")):
        drawn = (prediction.draws[:, columns == j, None] == schema.columns[j].levels).mean(axis=0)
        assert drawn == pytest.approx(prediction.probabilities[j], abs=0.055)
    trust, income = columns == schema.index("trust"), columns == schema.index("income")
    assert prediction.expected[trust] == pytest.approx(prediction.probabilities[schema.index("trust")] @ np.arange(4.0))
    assert prediction.draws[:, income].mean(axis=0) == pytest.approx(prediction.expected[income], abs=1.0)
    assert set(prediction.draws[:, income].ravel()) <= set(X[:, schema.index("income")])


def test_expected_numbers_are_centres_by_membership():
    X = heaps()
    imputer = FuzzyKMeans(3, 1.5).fit(X, schema=numeric(5))
    centres = imputer.centres_ * imputer._scale + imputer._centre
    fills = imputer._memberships(X) @ centres
    assert imputer.impute(X).expected == pytest.approx(fills[np.isnan(X)], abs=1e-3)


def test_a_row_without_answers_is_filled_as_the_others_are_on_average():
    X = np.vstack([heaps(), np.full(5, np.nan)])
    imputer = FuzzyKMeans(3, 1.05).fit(X, schema=numeric(5))
    fills = imputer.impute(X).expected[-5:]
    assert fills == pytest.approx(np.nanmean(X, axis=0), abs=0.25)


def test_few_rows_and_duplicates():
    schema = numeric(2)
    X = np.array([[0.0, 1.0], [0.0, 1.0], [4.0, 5.0], [4.0, np.nan]])
    imputer = FuzzyKMeans(10, fuzzifier=1.2).fit(X, schema=schema)
    assert imputer.impute(X).expected == pytest.approx([5.0], abs=1e-3)
    assert FuzzyKMeans().fit(X, schema=schema).impute(X).draws.shape == (5, 1)


@pytest.mark.parametrize("wrong", [{"fuzzifier": 1.0}, {"n_clusters": 0}, {"n_init": 0}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=f"'{next(iter(wrong))}' parameter of FuzzyKMeans must be"):
        FuzzyKMeans(**wrong).fit(heaps(), schema=numeric(5))
