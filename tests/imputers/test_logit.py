import numpy as np
import pytest

from imputers.shared import logit
from imputers.shared.logit import fit_logit, level_probabilities


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(400), rng.normal(size=(400, 5))])
    scores = X @ rng.normal(size=(6, 4)) + rng.gumbel(size=(400, 4))
    return X, scores.argmax(axis=1), rng.exponential(size=400)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_scikit_learns_ridge_logit(data, weighted):
    from sklearn.linear_model import LogisticRegression

    X, y, w = data
    weights = w if weighted else None
    theirs = LogisticRegression(C=1 / 2.5, tol=1e-9, max_iter=5000).fit(X[:, 1:], y, sample_weight=weights)
    ours = fit_logit(X, y, 4, ridge=2.5, weights=weights, tolerance=1e-6)
    np.testing.assert_allclose(ours[1:], theirs.coef_.T, atol=1e-4)
    np.testing.assert_allclose(level_probabilities(X, ours), theirs.predict_proba(X[:, 1:]), atol=1e-5)


def test_with_hardly_any_ridge_it_is_statsmodels_maximum_likelihood(data):
    from statsmodels.discrete.discrete_model import MNLogit

    X, y, _ = data
    theirs = MNLogit(y, X).fit(disp=False, method="newton", tol=1e-10).params
    ours = fit_logit(X, y, 4, ridge=1e-6, tolerance=1e-7)
    np.testing.assert_allclose(ours[:, 1:] - ours[:, [0]], theirs, atol=1e-4)


def test_the_usual_tolerance_is_a_fraction_of_a_standard_error(data):
    from statsmodels.discrete.discrete_model import MNLogit

    X, y, _ = data
    theirs = MNLogit(y, X).fit(disp=False)
    ours = fit_logit(X, y, 4, ridge=1e-6)
    assert (np.abs(ours[:, 1:] - ours[:, [0]] - theirs.params) / theirs.bse).max() < 0.3


def test_where_it_starts_does_not_matter(data):
    X, y, _ = data
    first = fit_logit(X, y, 4, ridge=1.0, tolerance=1e-6)
    again = fit_logit(X, y, 4, ridge=1.0, tolerance=1e-6, start=np.full((6, 4), 0.7))
    np.testing.assert_allclose(level_probabilities(X, first), level_probabilities(X, again), atol=1e-6)


def test_curvature_over_a_part_of_the_rows_and_single_precision_lead_to_the_same_maximum(monkeypatch):
    rng = np.random.default_rng(7)
    X = np.column_stack([np.ones(6000), rng.normal(size=(6000, 3)), rng.random((6000, 1)) < 0.002])  # a rare answer
    y = (X @ rng.normal(size=(5, 4)) + rng.gumbel(size=(6000, 4))).argmax(axis=1)
    w = rng.exponential(size=6000)
    whole = level_probabilities(X, fit_logit(X, y, 4, ridge=1.0, weights=w, tolerance=1e-6))
    monkeypatch.setattr(logit, "CURVED", 300)
    part = fit_logit(X, y, 4, ridge=1.0, weights=w, tolerance=1e-6)
    np.testing.assert_allclose(level_probabilities(X, part), whole, atol=1e-6)
    single = fit_logit(X.astype(np.float32), y, 4, ridge=1.0, weights=w)
    common = X[:, 4] == 0
    np.testing.assert_allclose(level_probabilities(X, single)[common], whole[common], atol=0.01)


def test_perfect_separation_stays_finite():
    X = np.column_stack([np.ones(20), np.repeat([-1.0, 1.0], 10)])
    coefficients = fit_logit(X, np.repeat([0, 1], 10), 2, ridge=1.0)
    assert np.abs(coefficients).max() < 5
