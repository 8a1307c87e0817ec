"""Regression retention worked by hand, and what each number tells of a method."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.regression import Estimates, least_squares, model_matrix
from datasets.schema import Column, Kind, Regression, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.pooling import pool

NAMES = ("bias", "se-ratio", "overlap", "covers", "population-coverage")
SCHEMA = Schema(
    (
        Column("y", Kind.NUMERIC),
        Column("a", Kind.NUMERIC),
        Column("group", Kind.NOMINAL, {1: "one", 2: "two", 3: "three"}),
    ),
    Regression("y", ("a", "group")),
)
SLOPES = ["y ~ a", "y ~ group: two", "y ~ group: three"]


def scores(masked, prediction):
    return {name: METRICS[f"regression-{name}"].score(masked, prediction) for name in NAMES}


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
    found = scores(masked, Prediction(draws))
    assert list(found["bias"]) == SLOPES
    first, error = before.coefficients[1:], before.standard_errors[1:]
    assert list(found["bias"].values()) == pytest.approx(((pooled.estimate - first) / error).tolist())
    assert list(found["se-ratio"].values()) == pytest.approx((pooled.standard_error / error).tolist())
    low, high = pooled.interval()
    assert list(found["covers"].values()) == ((low <= first) & (first <= high)).astype(float).tolist()
    both = np.minimum(high, before.interval()[1, 1:]) - np.maximum(low, before.interval()[0, 1:])
    lengths = high - low, np.ptp(before.interval()[:, 1:], axis=0)
    J = (both.clip(0) / lengths[0] + both.clip(0) / lengths[1]) / 2
    assert list(found["overlap"].values()) == pytest.approx(J.tolist())


@pytest.mark.parametrize(
    ("shift", "factor", "overlap", "covers"),
    [
        (0.0, 2.0, 0.75, 1.0),  # the shorter lies in the longer: (1/2 + 1) / 2
        (0.0, 0.5, 0.75, 1.0),
        (0.5, 0.1, 0.55, 0.0),  # short, inside, but beside the slope: (1 + 1/10) / 2
        (9.0, 1.0, 0.0, 0.0),
    ],
)
def test_worked_by_hand(masked, before, shift, factor, overlap, covers):
    found = scores(masked, own(before, shift, factor))
    assert found["bias"] == pytest.approx(dict.fromkeys(SLOPES, shift), abs=1e-9)
    assert found["se-ratio"] == pytest.approx(dict.fromkeys(SLOPES, factor))
    assert found["overlap"] == pytest.approx(dict.fromkeys(SLOPES, overlap))
    assert found["covers"] == dict.fromkeys(SLOPES, covers)


def test_overlap_of_shifted_intervals(masked, before):
    """Two intervals of one length 2c, half of one apart, share half."""
    reach = np.ptp(before.interval(), axis=0)[1] / 2 / before.standard_errors[1]
    assert scores(masked, own(before, reach, 1.0))["overlap"]["y ~ a"] == pytest.approx(0.5)


def test_population_coverage_tells_lucky_from_honest(masked, before):
    """Shifts of variance v call for standard errors √(1 + v) larger; whoever gives those of the truth overclaims."""
    from scipy.stats import norm

    v, shifts = 0.7, norm.ppf((np.arange(400) + 0.5) / 400)

    def mean(name, factor):
        answers = [own(before, shift * np.sqrt(v), factor, np.inf) for shift in shifts]
        return np.mean([METRICS[f"regression-{name}"].score(masked, prediction)["y ~ a"] for prediction in answers])

    assert mean("population-coverage", np.sqrt(1 + v)) == pytest.approx(0.95, abs=0.006)  # t with 71, not normal
    assert mean("population-coverage", 1.0) == pytest.approx(2 * norm.cdf(1.96 / np.sqrt(1 + v)) - 1, abs=0.006)
    assert mean("covers", np.sqrt(1 + v)) > 0.99
    assert mean("covers", 1.0) > 0.97  # which looks well though the interval is far too short


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
    assert list(scores(masked, prediction)["bias"]) == ["y ~ a", "y ~ group: three"]


def test_an_answer_without_estimates_is_an_error(masked):
    with pytest.raises(InputError, match="neither draws nor estimates"):
        scores(masked, Prediction())


ON_THE_SURVEY = {"se-ratio": 0.9, "overlap": 0.5, "covers": 0.4, "population-coverage": 0.5}  # of means and modes


def test_a_trivial_guess_on_the_survey_gets_what_is_stated(masked_gss, gss_guesses):
    found = scores(masked_gss, gss_guesses["centre"])
    assert found["bias"]["income16 ~ educ"] == pytest.approx(-7.5, abs=1)
    for name, stated in ON_THE_SURVEY.items():
        assert np.mean(list(found[name].values())) == pytest.approx(stated, abs=0.11), name
        assert METRICS[f"regression-{name}"].trivial == f"{stated} at 30 % hidden (mean)"
