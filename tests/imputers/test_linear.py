import numpy as np
import pytest

from imputers.shared.linear import Sums, fit_linear


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(60), rng.normal(size=(60, 3))])
    return X, X @ np.array([[1.0], [2.0], [-1.0], [0.5]]) + 0.7 * rng.normal(size=(60, 1))


def test_without_ridge_it_is_least_squares(data):
    X, Y = data
    fit = fit_linear(Sums.of(X, Y), ridge=0.0)
    expected, squares, rank, _ = np.linalg.lstsq(X, Y, rcond=None)
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-10)
    np.testing.assert_allclose(fit.squares, squares, rtol=1e-10)
    assert fit.freedom == pytest.approx(60 - rank)


def test_ridge_is_scikit_learns(data):
    from sklearn.linear_model import Ridge

    X, Y = data
    theirs = Ridge(alpha=3.0).fit(X[:, 1:], Y[:, 0])
    ours = fit_linear(Sums.of(X, Y), ridge=3.0).coefficients[:, 0]
    np.testing.assert_allclose(ours, [theirs.intercept_, *theirs.coef_], rtol=1e-8)


def test_repeated_predictors_cost_one_degree_of_freedom_together(data):
    X, Y = data
    twice = np.column_stack([X, X[:, 3]])
    assert fit_linear(Sums.of(twice, Y), ridge=1e-6).freedom == pytest.approx(60 - 4, abs=1e-4)


def test_draws_have_the_posterior_mean_and_covariance(data):
    X, Y = data
    fit = fit_linear(Sums.of(X, Y), ridge=0.0)
    rng = np.random.default_rng(2)
    draws = [fit.draw(rng) for _ in range(4000)]
    coefficients = np.array([drawn[:, 0] for drawn, _ in draws])
    # E σ*² = RSS / (ν − 2) for RSS/χ²(ν), hence Cov β* = RSS / (ν − 2) · (XᵀX)⁻¹: the marginal is a t distribution
    covariance = fit.squares[0] / (fit.freedom - 2) * np.linalg.inv(X.T @ X)
    deviations = np.sqrt(np.diag(covariance))
    errors = (coefficients.mean(axis=0) - fit.coefficients[:, 0]) / deviations
    assert np.abs(errors).max() < 4 / np.sqrt(4000)
    np.testing.assert_allclose(
        np.cov(coefficients.T) / np.outer(deviations, deviations),
        covariance / np.outer(deviations, deviations),
        atol=0.09,
    )
    variances = np.array([deviation[0] ** 2 for _, deviation in draws])
    assert variances.mean() == pytest.approx(fit.squares[0] / (fit.freedom - 2), rel=0.02)


def test_outcomes_combined_are_as_if_they_had_been_given(data):
    X, _ = data
    Y, weights = np.random.default_rng(3).normal(size=(60, 3)), np.array([[1.0, 0.5], [0.0, -2.0], [3.0, 0.1]])
    ours, theirs = fit_linear(Sums.of(X, Y).combined(weights), 2.0), fit_linear(Sums.of(X, Y @ weights), 2.0)
    np.testing.assert_allclose(ours.coefficients, theirs.coefficients, rtol=1e-10)
    np.testing.assert_allclose(ours.squares, theirs.squares, rtol=1e-10)


def test_a_perfect_fit_leaves_nothing(data):
    X, _ = data
    fit = fit_linear(Sums.of(X, X @ np.array([[5.0], [1e6], [-1.0], [0.0]])), ridge=0.0)
    assert fit.squares[0] >= 0 and fit.deviation[0] < 1
