"""The regression after masking beside that before, worked by hand, with the sample given."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.regression import Estimates, least_squares, model_matrix
from datasets.schema import Column, Kind, Regression, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.pooling import pool

NAMES = ("error", "se", "covers", "fmi")
OF_ESTIMATES = ("error", "se", "covers")
SCHEMA = Schema(
    (
        Column("y", Kind.NUMERIC),
        Column("a", Kind.NUMERIC),
        Column("group", Kind.NOMINAL, {1: "one", 2: "two", 3: "three"}),
    ),
    Regression("y", ("a", "group")),
)
SLOPES = ["y ~ a", "y ~ group: two", "y ~ group: three"]


def scores(masked, prediction, names=OF_ESTIMATES):
    return {name: METRICS[f"regression-{name}"].score(masked, prediction) for name in names}


@pytest.fixture
def masked():
    rng = np.random.default_rng(4)
    a, group = rng.normal(size=80), rng.integers(1, 4, 80)
    values = np.column_stack([1 + a + (group == 2) + rng.normal(size=80), a, group])
    values[:3, 1] = values[3:5, 0] = np.nan  # natural holes
    hidden = (rng.random(values.shape) < 0.25) & ~np.isnan(values)
    return Masked(Dataset("small", SCHEMA, values), hidden)


@pytest.fixture
def before(masked):
    whole = masked.truth.values[~np.isnan(masked.truth.values).any(axis=1)]
    return least_squares(*model_matrix(SCHEMA, whole))


def own(before, shift, factor, freedom=None):
    """Estimates that are off by so many standard errors, which they give so many times too large."""
    moved = before.coefficients + shift * before.standard_errors
    return Prediction(estimates=Estimates(before.names, moved, before.variances * factor**2, freedom or before.freedom))


def test_draws_are_pooled_over_the_rows_known_in_the_truth(masked, before):
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(5)
    columns = np.nonzero(np.isnan(masked.values))[1]
    draws = np.where(columns == 2, rng.integers(1, 4, (4, len(columns))), rng.normal(size=(4, len(columns))))
    rows = ~np.isnan(masked.truth.values).any(axis=1)
    order, fits = ["a", "C(group)[T.2.0]", "C(group)[T.3.0]"], []
    for fills in draws:
        table = masked.values.copy()
        table[np.isnan(table)] = fills
        fits.append(smf.ols("y ~ a + C(group)", pd.DataFrame(table[rows], columns=SCHEMA.names)).fit())
    pooled = pool([f.params[order] for f in fits], [f.bse[order] ** 2 for f in fits], freedom=rows.sum() - 4)
    found = scores(masked, Prediction(draws), NAMES)
    assert list(found["error"]) == SLOPES
    first, error = before.coefficients[1:], before.standard_errors[1:]
    spread = np.sqrt((1 + 1 / 4) * np.var([fit.params[order] for fit in fits], axis=0, ddof=1))
    assert list(found["error"].values()) == pytest.approx(((pooled.estimate - first) / error).tolist())
    assert list(found["se"].values()) == pytest.approx((spread / error).tolist())
    reach = stats.t(3).ppf(0.975) * spread
    assert list(found["covers"].values()) == (np.abs(pooled.estimate - first) <= reach).astype(float).tolist()
    assert list(found["fmi"].values()) == pytest.approx(pooled.fraction_missing.tolist())


@pytest.mark.parametrize(
    ("shift", "factor", "spread", "covers"),
    [
        (0.0, 2.0, np.sqrt(3), 1.0),  # √(2² - 1)
        (3.4, 2.0, np.sqrt(3), 1.0),  # within 1.99 × √3 = 3.45
        (3.5, 2.0, np.sqrt(3), 0.0),
        (0.1, 1.0, 0.0, 0.0),  # no wider than before, so nothing is allowed for
        (0.1, 0.5, 0.0, 0.0),  # nor for a claim to know more than the complete table
        (0.0, 0.5, 0.0, 1.0),  # unless it is the very slope
    ],
)
def test_estimates_of_a_method_worked_by_hand(masked, before, shift, factor, spread, covers):
    found = scores(masked, own(before, shift, factor))
    assert found["error"] == pytest.approx(dict.fromkeys(SLOPES, shift), abs=1e-9)
    assert found["se"] == pytest.approx(dict.fromkeys(SLOPES, spread), abs=1e-7)
    assert found["covers"] == dict.fromkeys(SLOPES, covers)
    with pytest.raises(InputError, match="fills no holes"):
        METRICS["regression-fmi"].score(masked, own(before, shift, factor))


def test_equal_draws_claim_nothing_is_lost_and_hold_only_the_very_slope(masked):
    holes = np.isnan(masked.values)
    truth = np.nan_to_num(masked.truth.values, nan=1.0)[holes]
    right = scores(masked, Prediction(np.tile(truth, (3, 1))), NAMES)
    off = truth + 0.01 * np.random.default_rng(1).normal(size=len(truth)) * (np.nonzero(holes)[1] < 2)
    wrong = scores(masked, Prediction(np.tile(off, (3, 1))), NAMES)
    assert right["error"] == pytest.approx(dict.fromkeys(SLOPES, 0.0), abs=1e-9)
    assert right["covers"] == dict.fromkeys(SLOPES, 1.0)
    assert wrong["covers"] == dict.fromkeys(SLOPES, 0.0)
    for found in (right, wrong):
        assert found["se"] == pytest.approx(dict.fromkeys(SLOPES, 0.0), abs=1e-9)
        assert found["fmi"] == pytest.approx(dict.fromkeys(SLOPES, 2 / 74), rel=0.1)  # 2/(ν + 3), ν that of 75 rows


def test_proper_draws_hold_the_slope_of_the_sample_in_95_of_100_masks():
    """Slope of y on x, y hidden completely at random: drawn from its posterior under the right model (Rubin 1987)."""
    rng = np.random.default_rng(9)
    n, m = 200, 10
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)), Regression("y", ("x",)))
    x = rng.normal(size=n)
    truth = Dataset("line", schema, np.column_stack([x, x + rng.normal(size=n)]))
    held, errors, spreads = [], [], []
    for _ in range(400):
        hidden = np.column_stack([np.zeros(n, dtype=bool), rng.random(n) < 0.4])
        masked = Masked(truth, hidden)
        found = scores(masked, Prediction(posterior_draws(masked, m, rng)))
        held.append(found["covers"]["y ~ x"])
        errors.append(found["error"]["y ~ x"])
        spreads.append(found["se"]["y ~ x"])
    assert np.mean(held) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 400))
    assert np.mean(errors) == pytest.approx(0, abs=4 * np.std(errors) / 20)
    assert np.sqrt(np.mean(np.square(spreads))) == pytest.approx(np.std(errors), rel=0.15)


def posterior_draws(masked, m, rng):
    """Draws (m, holes) of y given x from the Bayesian linear model that is fitted where y was left to see."""
    X = np.column_stack([np.ones(len(masked.values)), masked.values[:, 0]])
    hole = np.isnan(masked.values[:, 1])
    Z, y = X[~hole], masked.values[~hole, 1]
    inverse = np.linalg.inv(Z.T @ Z)
    b = inverse @ Z.T @ y
    residual, freedom = y - Z @ b, len(y) - 2
    draws = []
    for _ in range(m):
        sigma = np.sqrt(residual @ residual / rng.chisquare(freedom))
        drawn = rng.multivariate_normal(b, sigma**2 * inverse)
        draws.append(X[hole] @ drawn + sigma * rng.normal(size=hole.sum()))
    return np.stack(draws)


def test_no_regression_and_no_second_draw_give_no_score(masked):
    holes = int(np.isnan(masked.values).sum())
    bare = Masked(replace(masked.truth, schema=Schema(SCHEMA.columns)), masked.hidden)
    for name in NAMES:
        assert METRICS[f"regression-{name}"].score(bare, Prediction(np.ones((3, holes)))) == {}
        assert METRICS[f"regression-{name}"].score(masked, Prediction(np.ones((1, holes)))) == {}


def test_terms_that_a_method_lacks_are_left_out(masked, before):
    kept = [0, 1, 3]
    names = tuple(before.names[c] for c in kept)
    prediction = Prediction(estimates=Estimates(names, before.coefficients[kept], before.variances[kept], 70.0))
    assert list(scores(masked, prediction)["error"]) == ["y ~ a", "y ~ group: three"]


def test_an_answer_without_estimates_is_an_error(masked):
    with pytest.raises(InputError, match="neither draws nor estimates"):
        scores(masked, Prediction())


def test_a_trivial_guess_on_the_survey_gets_what_is_stated(masked_gss, gss_guesses):
    found = scores(masked_gss, gss_guesses["centre"], NAMES)
    assert found["error"]["income16 ~ educ"] == pytest.approx(-7.5, abs=1)
    for name in ("se", "covers", "fmi"):
        assert np.mean(list(found[name].values())) == pytest.approx(0, abs=0.001), name
