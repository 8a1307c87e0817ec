"""Indicator adjustment against statsmodels with the indicators written out, and Jones's bias."""

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Regression, Schema
from imputers.deletion.indicator import Indicator

SCHEMA = Schema(
    (
        Column("y", Kind.NUMERIC),
        Column("a", Kind.NUMERIC),
        Column("trust", Kind.ORDINAL, {0: "none", 1: "some", 2: "full"}),
        Column("group", Kind.NOMINAL, {1: "one", 2: "two", 3: "three"}),
    ),
    Regression("y", ("a", "trust", "group")),
)


@pytest.fixture
def table():
    rng = np.random.default_rng(7)
    a, trust, group = rng.standard_normal(300), rng.integers(0, 3, 300), rng.integers(1, 4, 300)
    X = np.column_stack([a + trust + (group == 2) + rng.standard_normal(300), a, trust, group])
    X[rng.random(X.shape) < 0.15] = np.nan
    return X


def estimates(X, schema=SCHEMA):
    prediction = Indicator().fit(X, schema=schema).impute(X)
    assert prediction.draws is None and prediction.moments is None
    return prediction.estimates


@pytest.mark.parametrize("constant", [0.0, 17.0])
def test_slopes_do_not_depend_on_the_constant(table, constant):
    """Any constant but the mean changes the indicators and the intercept alone; a missing group is a fourth level."""
    import statsmodels.formula.api as smf

    frame = pd.DataFrame(table, columns=SCHEMA.names)
    flags = frame.isna().astype(float).add_prefix("no_")
    filled = frame.fillna({"a": constant, "trust": constant, "group": 4.0}).join(flags)
    theirs = smf.ols("y ~ a + no_a + trust + no_trust + C(group)", filled, missing="drop").fit()
    found = estimates(table)
    assert found.names[:5] == ("intercept", "a", "trust", "group: two", "group: three")
    assert found.names[5:] == ("a missing", "trust missing", "group missing")
    order = ["a", "trust", "C(group)[T.2.0]", "C(group)[T.3.0]"]
    assert found.coefficients[1:5] == pytest.approx(theirs.params[order].to_numpy())
    assert found.standard_errors[1:5] == pytest.approx(theirs.bse[order].to_numpy())
    assert found.coefficients[7] == pytest.approx(theirs.params["C(group)[T.4.0]"])
    assert found.freedom == theirs.df_resid == np.isfinite(table[:, 0]).sum() - 8


def test_without_holes_it_is_least_squares(table):
    import statsmodels.formula.api as smf

    whole = table[~np.isnan(table).any(axis=1)]
    theirs = smf.ols("y ~ a + trust + C(group)", pd.DataFrame(whole, columns=SCHEMA.names)).fit()
    found = estimates(whole)
    assert np.sort(found.coefficients) == pytest.approx(np.sort(theirs.params.to_numpy()))
    assert np.sort(found.standard_errors) == pytest.approx(np.sort(theirs.bse.to_numpy()))


def test_rows_without_outcome_count_nothing(table):
    table = np.vstack([table, [[np.nan, 9.0, 2.0, 1.0]] * 50])
    with_them, without = estimates(table), estimates(table[:300])
    assert with_them.coefficients[1:5] == pytest.approx(without.coefficients[1:5])
    assert with_them.freedom == without.freedom


def test_holes_of_rows_without_outcome_need_no_indicator(table):
    table[np.isnan(table[:, 1]), 0] = np.nan
    assert "a missing" not in estimates(table).names


def test_equal_holes_share_an_indicator(table):
    table[np.isnan(table[:, 1]), 2] = np.nan
    table[~np.isnan(table[:, 1]) & np.isnan(table[:, 2]), 2] = 1.0
    assert [name for name in estimates(table).names if "missing" in name] == ["a missing", "group missing"]


def test_it_is_biased_where_covariates_are_correlated():
    """Jones (1996): the slope of a whole covariate takes over a part of the other's where that is missing.

    y = a + b, correlation r = 0.8, half of a missing at random. The slope of b is 1 where a is seen and 1 + r where it
    is not; the variance of b that the other regressors leave, 1 - r² and 1, weighs the two halves.
    """
    rng, r, n = np.random.default_rng(8), 0.8, 200_000
    b = rng.standard_normal(n)
    a = r * b + np.sqrt(1 - r**2) * rng.standard_normal(n)
    X = np.column_stack([a + b + rng.standard_normal(n), a, b])
    X[rng.random(n) < 0.5, 1] = np.nan
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in "yab"), Regression("y", ("a", "b")))
    slope = dict(zip(estimates(X, schema).names, estimates(X, schema).coefficients, strict=True))["b"]
    assert slope == pytest.approx(((1 - r**2) * 1 + 1 * (1 + r)) / (1 - r**2 + 1), abs=0.02)


def test_without_a_regression_it_says_what_to_state(table):
    with pytest.raises(InputError, match=r"states none; say which is meant with Schema\(columns, regression="):
        Indicator().fit(table, schema=Schema(SCHEMA.columns))


def test_it_fills_nothing(table):
    with pytest.raises(InputError, match="fills no holes"):
        Indicator().fit(table, schema=SCHEMA).transform(table)
