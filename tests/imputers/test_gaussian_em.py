"""The multivariate normal: closed forms, a published mask, and whether draws carry the uncertainty they should."""

import numpy as np
import pytest

from datasets.prediction import expectation
from datasets.schema import Column, Kind, Schema
from imputers.shared.normal_model import Normal, draw_model, find_holes, maximum_likelihood
from imputers.statistical.gaussian_em import GaussianEM


def numeric(p):
    return Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(p)))


def test_monotone_missingness_has_a_closed_form():
    """Anderson 1957: x complete, y partly; regress y on x where known, then use all x."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(300)
    y = 0.8 * x + 0.5 * rng.standard_normal(300)
    D = np.column_stack([x, np.where(x > 0.5, np.nan, y)])
    model, _ = maximum_likelihood(D, ridge=0.0, tol=1e-12, max_iter=5000)
    known = x <= 0.5
    slope = np.cov(x[known], y[known])[0, 1] / x[known].var(ddof=1)
    rest = (y[known] - y[known].mean() - slope * (x[known] - x[known].mean())).var()
    mean = y[known].mean() + slope * (x.mean() - x[known].mean())
    assert model.mean == pytest.approx([x.mean(), mean], abs=1e-8)
    assert model.covariance[0, 1] == pytest.approx(slope * x.var(), abs=1e-8)
    assert model.covariance[1, 1] == pytest.approx(rest + slope**2 * x.var(), abs=1e-8)


def test_breast_cancer_half_hidden_at_random(breast_cancer):
    """The mask of the public MIWAE notebook: MIWAE .2867, Gaussian EM .2363 elsewhere; ours may only be better."""
    Z, hidden, schema = breast_cancer
    X = np.where(hidden, np.nan, Z)
    prediction = GaussianEM().fit(X, schema=schema).impute(X, n_draws=5)
    assert np.mean((expectation(prediction, X, schema) - Z[hidden]) ** 2) < 0.2363


def test_draws_are_proper():
    """Y given x with half of y missing at random: Rubin's total variance of the mean of y, closed form.

    Between draws the mean of y varies by its posterior variance less the complete-data part:
    B = residual variance · (1/known - 1/n) (Little & Rubin 2019, section 7.3), here with independent x.
    """
    rng = np.random.default_rng(1)
    D = rng.standard_normal((200, 2))
    X = D.copy()
    X[:100, 1] = np.nan
    imputer = GaussianEM(ridge=0.0, thin=5).fit(X, schema=numeric(2))
    draws = imputer.impute(X, n_draws=400).draws
    means = (draws.sum(axis=1) + X[100:, 1].sum()) / 200
    wanted = D[100:, 1].var() * (1 / 100 - 1 / 200)
    assert means.var() == pytest.approx(wanted, rel=0.25)
    assert draws.std() == pytest.approx(D[100:, 1].std(), rel=0.1)


def test_posterior_of_the_covariance():
    """Inverse Wishart with n - 1 degrees of freedom: mean scatter / (n - q - 2)."""
    rng = np.random.default_rng(2)
    D = rng.standard_normal((60, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 1]])
    drawn = np.mean([draw_model(D, 0.0, rng).covariance for _ in range(4000)], axis=0)
    assert drawn == pytest.approx(np.cov(D.T) * 59 / (60 - 3 - 2), abs=0.05)


def test_rows_are_grouped_by_their_number_of_holes():
    D = np.array([[1, np.nan], [2, 3], [np.nan, 4], [np.nan, np.nan]])
    groups = [(group.rows.tolist(), group.missing.tolist()) for group in find_holes(D)]
    assert groups == [([0, 2], [[1], [0]]), ([3], [[0, 1]])]
    assert isinstance(maximum_likelihood(D[:3], 1.0, 1e-3, 5)[0], Normal)


def test_ordinal_probabilities_are_normal_areas_and_nominal_items_have_none(masked_gss):
    X, schema = masked_gss.values, masked_gss.schema
    imputer = GaussianEM(thin=1).fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=3)
    columns = np.nonzero(np.isnan(X))[1]
    happy, relig = schema.index("happy"), schema.index("relig")
    shares = prediction.probabilities[happy].mean(axis=0)
    drawn = np.mean(prediction.draws[:, columns == happy, None] == schema.columns[happy].levels, axis=(0, 1))
    assert drawn == pytest.approx(shares, abs=0.02)
    assert relig not in prediction.probabilities
    assert imputer.n_iter_ < 50


def test_the_survey_is_filled_better_than_by_its_mean(masked_gss):
    """Quality floor of the project: mean NRMSE at most .82."""
    X, truth, schema = masked_gss.values, masked_gss.truth.values, masked_gss.schema
    expected = expectation(GaussianEM(thin=1).fit(X, schema=schema).impute(X, n_draws=1), X, schema)
    columns = np.nonzero(np.isnan(X))[1]
    errors = []
    for j in schema.where(Kind.ORDINAL, Kind.NUMERIC)[1:]:
        gap = expected[(columns == j) & masked_gss.scored] - truth[masked_gss.hidden[:, j], j]
        errors.append(np.sqrt(np.mean(gap**2)) / np.nanstd(truth[:, j]))
    assert len(errors) == 15
    assert np.mean(errors) < 0.82


def test_what_is_stated_is_the_mean_of_what_the_draws_came_from(monkeypatch):
    """Of thirty people with few answers, who leave the parameters uncertain, the estimate's own means lie elsewhere."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=30)
    X = np.column_stack([x, np.where(rng.random(30) < 0.7, np.nan, x + rng.normal(size=30))])
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    imputer, used, draw = GaussianEM().fit(X, schema=schema), [], GaussianEM._draw_normals

    def record(self, D, n_draws, rng):
        for completed, normals in draw(self, D, n_draws, rng):
            used.append(normals[0][1])
            yield completed, normals

    monkeypatch.setattr(GaussianEM, "_draw_normals", record)
    found = imputer.impute(X, n_draws=4).expected

    def on_line(model):
        slope = model.covariance[0, 1] / model.covariance[0, 0]
        z = (X[np.isnan(X[:, 1]), 0] - imputer.centre_[0]) / imputer.scale_[0]
        return imputer.centre_[1] + imputer.scale_[1] * (model.mean[1] + slope * (z - model.mean[0]))

    np.testing.assert_allclose(found, np.mean([on_line(model) for model in used], axis=0), atol=1e-10)
    assert np.abs(found - on_line(imputer.model_)).max() > 0.01
