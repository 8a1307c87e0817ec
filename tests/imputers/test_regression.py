import numpy as np
import pytest

from datasets.schema import Column, Kind, Schema
from imputers.statistical.regression import Regression
from metrics import METRICS


def test_a_single_incomplete_column_gets_its_least_squares_prediction():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4))
    X[:60, 2] = np.nan
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in "abcd"))
    prediction = Regression(ridge=1e-9).fit(X, schema=schema).impute(X, n_draws=2)
    others = np.column_stack([np.ones(200), X[:, [0, 1, 3]]])
    coefficients = np.linalg.lstsq(others[60:], X[60:, 2], rcond=None)[0]
    np.testing.assert_allclose(prediction.expected, others[:60] @ coefficients, rtol=1e-6)
    np.testing.assert_allclose(prediction.draws, np.tile(prediction.expected, (2, 1)))


def test_categorical_items_get_the_logits_of_scikit_learn_and_statsmodels():
    from sklearn.linear_model import LogisticRegression
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    rng = np.random.default_rng(2)
    x = rng.normal(size=500)
    place = (np.outer(x, [0, 1, -1]) + rng.gumbel(size=(500, 3))).argmax(axis=1) + 1.0
    trust = np.searchsorted([-1.0, 0.5], x + rng.logistic(size=500)) * 1.0
    schema = Schema(
        (
            Column("x", Kind.NUMERIC),
            Column("place", Kind.NOMINAL, {1.0: "a", 2.0: "b", 3.0: "c"}),
            Column("trust", Kind.ORDINAL, {0.0: "no", 1.0: "some", 2.0: "yes"}),
        )
    )
    for j, codes in ((1, place), (2, trust)):
        X = np.column_stack([x, codes])
        X[:100, 1] = np.nan
        prediction = Regression(ridge=1e-6).fit(X, schema=schema.take([0, j])).impute(X, n_draws=1)
        if j == 1:
            theirs = LogisticRegression(C=1e6, tol=1e-8).fit(x[100:, None], place[100:]).predict_proba(x[:100, None])
            best = theirs.argmax(axis=1) + 1.0
        else:
            model = OrderedModel(trust[100:], x[100:, None], distr="logit").fit(disp=False, method="bfgs")
            theirs = np.asarray(model.predict(x[:100, None]))
            best = (theirs.cumsum(axis=1) >= 0.5).argmax(axis=1) * 1.0
        np.testing.assert_allclose(
            prediction.probabilities[1], theirs, atol=0.02
        )  # a fit stops within 0.1 standard errors
        assert (prediction.draws[0] == best).mean() > 0.97


def test_a_long_scale_is_forecast_by_a_binned_normal():
    rng = np.random.default_rng(3)
    x = rng.normal(size=2000)
    income = np.clip(np.round(13 + 4 * x + 3 * rng.normal(size=2000)), 1, 26)
    schema = Schema((Column("x", Kind.NUMERIC), Column("income", Kind.ORDINAL, {k: f"{k}" for k in range(1, 27)})))
    X = np.column_stack([x, income])
    X[:500, 1] = np.nan
    prediction = Regression().fit(X, schema=schema).impute(X, n_draws=1)
    inside = np.abs(x[:500]) < 1.5
    np.testing.assert_allclose(prediction.expected[inside], 13 + 4 * x[:500][inside], atol=0.4)
    deviations = np.sqrt(prediction.probabilities[1] @ np.arange(1, 27) ** 2 - prediction.expected**2)
    np.testing.assert_allclose(deviations[inside], np.sqrt(9 + 1 / 12 + 1 / 12), rtol=0.06)


def test_on_the_survey_it_meets_the_quality_floor(masked_gss):
    prediction = Regression().fit(masked_gss.values, schema=masked_gss.schema).impute(masked_gss.values)
    error = np.mean(list(METRICS["nrmse"].score(masked_gss, prediction).values()))
    accuracy = METRICS["accuracy"].score(masked_gss, prediction)
    nominal = [masked_gss.schema.names[j] for j in masked_gss.schema.where(Kind.NOMINAL)]
    assert error <= 0.83
    assert np.mean([accuracy[name] for name in nominal if name in accuracy]) >= 0.62


def test_no_prediction_leaves_the_scale(masked_gss):
    prediction = Regression().fit(masked_gss.values, schema=masked_gss.schema).impute(masked_gss.values)
    childs = masked_gss.schema.index("childs")
    expected = prediction.expected[np.nonzero(np.isnan(masked_gss.values))[1] == childs]
    assert expected.min() >= 0 and expected.max() <= 8


@pytest.mark.slow
def test_more_iterations_make_it_worse(masked_gss):
    """Regressing on predictions made from the outcome steepens slopes; the docstring says so."""
    errors = []
    for max_iter in (1, 3, 10):
        prediction = (
            Regression(max_iter=max_iter).fit(masked_gss.values, schema=masked_gss.schema).impute(masked_gss.values)
        )
        errors.append(np.mean(list(METRICS["nrmse"].score(masked_gss, prediction).values())))
    assert errors[0] < errors[1] < errors[2]
