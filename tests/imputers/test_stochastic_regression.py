import numpy as np

from datasets.schema import Column, Kind, Schema
from imputers.statistical.regression import Regression
from imputers.statistical.stochastic_regression import StochasticRegression


def gaussian(n, rng):
    """Table (n, 3) of unit variances and known correlations, its last column missing at random given the first."""
    covariance = np.array([[1.0, 0.5, 0.6], [0.5, 1.0, 0.2], [0.6, 0.2, 1.0]])
    X = rng.multivariate_normal(np.zeros(3), covariance, size=n)
    holes = rng.random(n) < 1 / (1 + np.exp(-1.5 * X[:, 0]))
    return Schema(tuple(Column(name, Kind.NUMERIC) for name in "abc")), np.where(
        holes[:, None] & [False, False, True], np.nan, X
    )


def test_it_keeps_variance_and_correlation_where_regression_does_not():
    schema, X = gaussian(8000, np.random.default_rng(1))

    def moments(imputer):
        table = X.copy()
        table[np.isnan(X)] = imputer.fit(X, schema=schema).impute(X, n_draws=1).draws[0]
        return table[:, 2].mean(), table[:, 2].var(), np.corrcoef(table.T)[2, 0]

    np.testing.assert_allclose(moments(StochasticRegression()), (0, 1, 0.6), atol=0.04)
    _, variance, correlation = moments(Regression())
    assert variance < 0.85 and correlation > 0.65  # half the cells have variance R² = 0.37 about their mean


def test_residuals_have_the_residual_variance():
    schema, X = gaussian(3000, np.random.default_rng(2))
    prediction = StochasticRegression().fit(X, schema=schema).impute(X, n_draws=40)
    # residual variance 1 − rᵀR⁻¹r with r = (0.6, 0.2), R's correlation 0.5
    assert abs(prediction.draws.var(axis=0, ddof=1).mean() - (1 - 0.28 / 0.75)) < 0.03


def test_categorical_draws_follow_the_stated_probabilities(masked_toy):
    prediction = (
        StochasticRegression().fit(masked_toy.values, schema=masked_toy.schema).impute(masked_toy.values, n_draws=10)
    )
    columns = np.nonzero(np.isnan(masked_toy.values))[1]
    assert prediction.probabilities
    for j, probabilities in prediction.probabilities.items():
        levels = masked_toy.schema.columns[j].levels
        shares = (prediction.draws[:, columns == j, None] == levels).mean(axis=(0, 1))
        np.testing.assert_allclose(shares, probabilities.mean(axis=0), atol=0.03)
