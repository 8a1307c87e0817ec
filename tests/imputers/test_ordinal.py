import numpy as np
import pytest

from imputers.shared import ordinal
from imputers.shared.ordinal import cumulative_probabilities, fit_ordinal


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(500), rng.normal(size=(500, 4))])
    latent = X[:, 1:] @ np.array([1.0, -0.5, 0.3, 0.0]) + rng.logistic(size=500)
    return X, np.searchsorted([-1.5, 0.0, 0.4, 3.0], latent), rng.exponential(size=500)


@pytest.fixture(scope="module")
def reference(data):
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    X, y, _ = data
    model = OrderedModel(y, X[:, 1:], distr="logit")
    return model, model.fit(method="bfgs", disp=False, gtol=1e-8)


def test_it_is_statsmodels_ordered_model(data, reference):
    X, y, _ = data
    model, theirs = reference
    ours = fit_ordinal(X, y, 5, ridge=0.0, tolerance=1e-8)
    np.testing.assert_allclose(ours[:4], model.transform_threshold_params(theirs.params)[1:-1], atol=1e-4)
    np.testing.assert_allclose(ours[4:], theirs.params[:4], atol=1e-4)
    np.testing.assert_allclose(cumulative_probabilities(X, ours), theirs.predict(X[:, 1:]), atol=1e-5)


def test_derivatives_are_those_of_the_likelihood(data):
    X, y, w = data
    shrink = np.r_[np.zeros(4), np.full(4, 2.0)]
    point = np.array([-1.0, 0.1, 0.3, 2.0, 0.5, -0.2, 0.1, 0.3])
    slope, curvature = ordinal._derivatives(X, y, w, shrink, point)
    step = 1e-5 * np.eye(8)
    value = lambda p: ordinal._likelihood(X, y, w, shrink, p)  # noqa: E731
    gradient = lambda p: ordinal._derivatives(X, y, w, shrink, p)[0]  # noqa: E731
    np.testing.assert_allclose(
        slope, [(value(point + e) - value(point - e)) / 2e-5 for e in step], rtol=1e-5, atol=1e-4
    )
    numeric = np.array([(gradient(point - e) - gradient(point + e)) / 2e-5 for e in step])
    np.testing.assert_allclose(curvature, numeric, rtol=1e-5, atol=1e-4)


def test_random_weights_give_draws_with_the_covariance_of_the_estimate(data, reference):
    X, y, _ = data
    rng = np.random.default_rng(3)
    estimate = fit_ordinal(X, y, 5, ridge=0.0)
    draws = [fit_ordinal(X, y, 5, ridge=0.0, weights=rng.exponential(size=500), start=estimate)[4:] for _ in range(400)]
    spread = np.std(draws, axis=0) / reference[1].bse[:4]  # 400 draws know a deviation to within 3.5 %
    assert spread.min() > 0.85 and spread.max() < 1.15


def test_where_it_starts_does_not_matter_and_thresholds_ascend(data):
    X, y, w = data
    first = fit_ordinal(X, y, 5, ridge=1.0, weights=w, tolerance=1e-7)
    far = np.array([-9.0, -8.0, 5.0, 9.0, 3.0, 3.0, -3.0, 3.0])
    np.testing.assert_allclose(fit_ordinal(X, y, 5, ridge=1.0, weights=w, tolerance=1e-7, start=far), first, atol=1e-5)
    assert (np.diff(first[:4]) > 0).all()


def test_two_levels_are_a_logit(data):
    from imputers.shared.logit import fit_logit, level_probabilities

    X, y, _ = data
    binary = (y > 1).astype(int)
    ordered = cumulative_probabilities(X, fit_ordinal(X, binary, 2, ridge=1e-6, tolerance=1e-8))
    np.testing.assert_allclose(
        ordered, level_probabilities(X, fit_logit(X, binary, 2, ridge=1e-6, tolerance=1e-7)), atol=1e-5
    )


def test_curvature_over_a_part_of_the_rows_leads_to_the_same_maximum(monkeypatch):
    from imputers.shared import ordinal

    rng = np.random.default_rng(7)
    X = np.column_stack([np.ones(3000), rng.normal(size=(3000, 4))])
    y = np.searchsorted([-1.0, 0.5, 4.5], X[:, 1] - X[:, 3] + rng.logistic(size=3000))  # the last level is rare
    w = rng.exponential(size=3000)
    whole = fit_ordinal(X, y, 4, ridge=1.0, weights=w, tolerance=1e-7)
    monkeypatch.setattr(ordinal, "CURVED", 300)
    np.testing.assert_allclose(fit_ordinal(X, y, 4, ridge=1.0, weights=w, tolerance=1e-7), whole, atol=1e-6)
    single = fit_ordinal(X.astype(np.float32), y, 4, ridge=1.0, weights=w)
    np.testing.assert_allclose(single, whole, atol=0.01)  # within a tenth of a standard error
