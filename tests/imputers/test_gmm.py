"""The mixture of normals: one component is the single normal, EM climbs, and holes count with their covariance."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from datasets.errors import InputError
from datasets.prediction import expectation
from datasets.schema import Column, Kind, Schema
from imputers.clusters.gmm import GaussianMixture
from imputers.clusters.mixture import (
    Mixture,
    Prior,
    Search,
    choose_size,
    climb,
    expect,
    fit_mixture,
    group_rows,
    maximise,
    prior_like,
)
from imputers.conformance import example_table
from imputers.shared.normal_model import Normal, maximum_likelihood
from imputers.statistical.gaussian_em import GaussianEM


def numeric(p):
    return Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(p)))


def two_heaps(n=600, hidden=0.3, seed=0):
    """Rows of two normals in the plane, x2 rising with x1 in one and falling in the other; and which one."""
    rng = np.random.default_rng(seed)
    which = rng.random(n) < 0.4
    slope = np.where(which, -1.0, 1.0)
    x = rng.standard_normal(n) + np.where(which, 4.0, 0.0)
    D = np.column_stack([x, slope * (x - 4 * which) + 0.5 * rng.standard_normal(n), x + rng.standard_normal(n)])
    return np.where(rng.random(D.shape) < hidden, np.nan, D), D, which


def test_one_component_is_gaussian_em():
    schema, X = example_table()
    one, em = GaussianMixture(n_components=1).fit(X, schema=schema), GaussianEM().fit(X, schema=schema)
    assert one.mixture_.normals[0].mean == pytest.approx(em.model_.mean, abs=1e-6)
    assert one.mixture_.normals[0].covariance == pytest.approx(em.model_.covariance, abs=1e-6)
    stated, expected = (each.impute(X, n_draws=100) for each in (one, em))  # each over 100 drawn parameters
    assert stated.probabilities.keys() == expected.probabilities.keys()
    for j, table in expected.probabilities.items():
        assert np.abs(stated.probabilities[j] - table).max() < 0.05


def test_em_with_one_component_finds_the_single_normal():
    """The mixture's own EM, started elsewhere, ends where that of the single normal does; so does its prior."""
    D, _, _ = two_heaps()
    table, _ = maximum_likelihood(D, 5.0, 1e-10, 5000)
    start = Mixture(np.ones(1), (Normal(np.zeros(3), np.eye(3)),))
    for prior in (Prior(5.0, 5.0 * np.eye(3)), prior_like(table, 5.0)):
        mixture, _ = climb(start, D, prior, 1e-12, 5000)
        assert mixture.normals[0].mean == pytest.approx(table.mean, abs=1e-5)
        assert mixture.normals[0].covariance == pytest.approx(table.covariance, abs=1e-5)


def test_densities_and_posteriors_are_those_of_scipy():
    D, _, _ = two_heaps(40)
    D[0] = np.nan
    rng = np.random.default_rng(1)
    roots = rng.standard_normal((2, 3, 3))
    normals = tuple(Normal(rng.standard_normal(3), root @ root.T + np.eye(3)) for root in roots)
    found = expect(Mixture(np.array([0.3, 0.7]), normals), D, group_rows(D))
    for i, row in enumerate(D):
        o = ~np.isnan(row)
        joint = [
            share * (multivariate_normal(each.mean[o], each.covariance[np.ix_(o, o)]).pdf(row[o]) if o.any() else 1.0)
            for share, each in zip((0.3, 0.7), normals, strict=True)
        ]
        assert found.posterior[i] == pytest.approx(joint / np.sum(joint))
        assert found.log_density[i] == pytest.approx(np.log(np.sum(joint)))


def test_no_step_lowers_the_objective():
    D, _, _ = two_heaps()
    table, _ = maximum_likelihood(D, 1.0, 1e-3, 100)
    start = Mixture(np.full(2, 0.5), tuple(Normal(table.mean + gap, table.covariance) for gap in (-0.5, 0.5)))
    _, objective = climb(start, D, prior_like(table, 1.0), 1e-9, 300)
    assert len(objective) > 20
    assert (np.diff(objective) > -1e-7).all()


def test_holes_count_with_their_covariance():
    """Half of the cells hidden: without the conditional covariance in the M step, variances collapse."""
    D, whole, which = two_heaps(4000, hidden=0.5)
    start = Mixture(np.array([0.6, 0.4]), tuple(Normal(whole[which == k].mean(axis=0), np.eye(3)) for k in (0, 1)))
    mixture, _ = climb(start, D, Prior(0.0, np.zeros((3, 3))), 1e-7, 500)
    assert mixture.shares == pytest.approx([0.6, 0.4], abs=0.04)
    for k, normal in enumerate(mixture.normals):
        assert normal.mean == pytest.approx(whole[which == k].mean(axis=0), abs=0.2)
        assert normal.covariance == pytest.approx(np.cov(whole[which == k].T), abs=0.25)
    found = expect(mixture, D, group_rows(D))
    blind = maximise(replace(found, uncertain=np.zeros_like(found.uncertain)), Prior(0.0, np.zeros((3, 3))))
    assert (blind.normals[0].covariance.diagonal() < 0.85 * np.cov(whole[which == 0].T).diagonal()).all()


def test_the_number_of_components_is_found():
    search, rng = Search(ridge=1.0, tol=1e-3, max_iter=100, n_init=2), np.random.default_rng(2)
    heaps, _, _ = two_heaps()
    one = np.where(rng.random((600, 3)) < 0.2, np.nan, rng.standard_normal((600, 3)))
    assert choose_size(heaps, (1, 2, 3, 5), search, rng) == 2
    assert choose_size(one, (1, 2, 3, 5), search, rng) == 1


def test_independent_answers_are_no_components():
    """A component in which all give the same answer has no spread; codes as they stand would reward it."""
    rng = np.random.default_rng(3)
    schema = Schema(tuple(Column(f"v{j}", Kind.ORDINAL, {0.0: "no", 1.0: "yes"}) for j in range(4)))
    X = rng.integers(2, size=(500, 4)).astype(float)
    X[rng.random(X.shape) < 0.1] = np.nan
    imputer = GaussianMixture(n_init=2).fit(X, schema=schema)
    assert imputer.n_components_ == 1
    assert choose_size(imputer._data, (1, 2, 3), Search(5.0, 1e-3, 100, 2), rng) > 1


def test_breast_cancer_half_hidden_at_random(breast_cancer):
    """The mask of the public MIWAE notebook; another implementation has .2363 with one component, .2446 with two."""
    Z, hidden, schema = breast_cancer
    X = np.where(hidden, np.nan, Z)
    errors = []
    for components in (1, 2):
        imputer = GaussianMixture(components, thin=1).fit(X, schema=schema)
        fills = expectation(imputer.impute(X, n_draws=1), X, schema)
        errors.append(np.mean((fills - Z[hidden]) ** 2))
    assert errors[0] < 0.2363
    assert errors[1] == pytest.approx(0.2446, abs=0.01)


def test_two_lines_are_filled_along_the_right_one():
    D, whole, _ = two_heaps(hidden=0.15)
    holes = np.isnan(D)
    second = np.nonzero(holes)[1] == 1
    gaps = []
    for components in (1, 2):
        prediction = GaussianMixture(components, thin=1).fit(D, schema=numeric(3)).impute(D, n_draws=30)
        gaps.append(np.sqrt(np.mean((prediction.expected - whole[holes])[second] ** 2)))
        assert np.mean(prediction.draws - prediction.expected) == pytest.approx(0, abs=0.05)
    assert gaps[1] < 0.75 * gaps[0]


def test_draws_are_proper():
    """Half of y missing, x independent: between draws the mean of y varies by residual variance · (1/known - 1/n).

    Little & Rubin (2019), section 7.3, with two components far apart, each of which has the closed form.
    """
    rng = np.random.default_rng(4)
    which = np.repeat([0.0, 40.0], 200)
    D = np.column_stack([which + rng.standard_normal(400), rng.standard_normal(400)])
    X = D.copy()
    X[::2, 1] = np.nan
    imputer = GaussianMixture(n_components=2, ridge=0.0, thin=3).fit(X, schema=numeric(2))
    draws = imputer.impute(X, n_draws=150).draws
    for rows in (slice(0, 100), slice(100, 200)):
        means = draws[:, rows].sum(axis=1) / 200
        known = D[2 * rows.start : 2 * rows.stop][1::2, 1]
        assert means.var() == pytest.approx(known.var() * (1 / 100 - 1 / 200), rel=0.3)


def test_fewer_rows_than_components_and_a_component_that_loses_all_rows():
    X = np.array([[0.0, 1.0], [1.0, np.nan], [2.0, 2.5], [3.0, 4.0]])
    prediction = GaussianMixture(n_components=9).fit(X, schema=numeric(2)).impute(X)
    assert np.isfinite(prediction.draws).all()
    D, _, _ = two_heaps(50)
    far = Mixture(np.array([1.0, 0.0]), (Normal(np.zeros(3), np.eye(3)), Normal(np.full(3, 99.0), np.eye(3))))
    assert maximise(expect(far, D, group_rows(D)), Prior(1.0, np.eye(3))).shares == pytest.approx([1, 0])
    mixture, _ = fit_mixture(D, 2, Search(1.0, 1e-3, 100, 1), np.random.default_rng(0))
    assert mixture.n_parameters == 2 * (3 + 6) + 1


@pytest.mark.parametrize("wrong", [{"n_components": 0}, {"n_init": 0}, {"max_iter": 0}, {"thin": 0}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=f"'{next(iter(wrong))}' parameter of GaussianMixture must be"):
        GaussianMixture(**wrong).fit(two_heaps(60)[0], schema=numeric(3))
