"""The regression of a schema against statsmodels, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.regression import Estimates, least_squares, model_matrix, student_interval
from datasets.schema import Column, Kind, Regression, Schema

COLUMNS = (
    Column("income", Kind.NUMERIC),
    Column("race", Kind.NOMINAL, {1: "white", 2: "black", 3: "other"}),
    Column("trust", Kind.ORDINAL, {0: "none", 1: "some", 2: "full"}),
    Column("nick", Kind.TEXT, {0: "Al", 1: "Bo"}),
)
SCHEMA = Schema(COLUMNS, Regression("income", ("trust", "race")))


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.normal(size=60), rng.integers(1, 4, 60), rng.integers(0, 3, 60), rng.integers(0, 2, 60)])
    X[:, 0] += X[:, 2] - (X[:, 1] == 2)
    return X.astype(float)


def test_it_is_that_of_statsmodels(table):
    import statsmodels.formula.api as smf

    found = least_squares(*model_matrix(SCHEMA, table))
    theirs = smf.ols("income ~ trust + C(race)", pd.DataFrame(table, columns=SCHEMA.names)).fit()
    order = ["Intercept", "trust", "C(race)[T.2.0]", "C(race)[T.3.0]"]
    assert found.names == ("intercept", "trust", "race: black", "race: other")
    assert found.coefficients == pytest.approx(theirs.params[order].to_numpy())
    assert found.standard_errors == pytest.approx(theirs.bse[order].to_numpy())
    assert found.freedom == theirs.df_resid == 56
    assert pytest.approx(theirs.conf_int(0.1).loc[order].to_numpy()) == found.interval(0.9).T


def test_unknown_cells_stay_unknown_in_the_model_matrix(table):
    table[0, 1] = table[1, 2] = table[2, 0] = np.nan
    _, Z, y = model_matrix(SCHEMA, table)
    assert np.isnan(Z).tolist()[:3] == [[False, False, True, True], [False, True, False, False], [False] * 4]
    assert np.isnan(y).tolist()[:4] == [False, False, True, False]


def test_terms_that_follow_from_others_are_left_out(table):
    """As in R, whose lm calls them NA: a level that nobody gave, a constant, a copy."""
    table[table[:, 1] == 3, 1] = 1
    found = least_squares(*model_matrix(SCHEMA, table))
    assert found.names == ("intercept", "trust", "race: black")
    names, Z, y = model_matrix(SCHEMA, table)
    copied = least_squares((*names, "copy", "one"), np.column_stack([Z, 3 * Z[:, 1] - 2, np.ones(60)]), y)
    assert copied.names == found.names
    assert copied.coefficients == pytest.approx(found.coefficients)
    assert copied.freedom == found.freedom == 57


@pytest.mark.parametrize(
    ("regression", "said"),
    [
        (Regression("race", ("trust",)), "outcome 'race' must be ordinal or numeric"),
        (Regression("income", ("nick",)), "text column 'nick'"),
        (None, "states no regression"),
    ],
)
def test_columns_that_cannot_stand_in_a_regression(table, regression, said):
    with pytest.raises(InputError, match=said):
        model_matrix(Schema(COLUMNS, regression), table)


def test_bad_regressions_are_refused(table):
    for covariates in ((), ("trust", "trust"), ("income",)):
        with pytest.raises(InputError, match="needs covariates, each once"):
            Regression("income", covariates)
    with pytest.raises(InputError, match="no column 'colour'"):
        Schema(COLUMNS, Regression("income", ("colour",)))
    with pytest.raises(InputError, match="more rows than terms; it has 4"):
        least_squares(*model_matrix(SCHEMA, table[:4]))
    table[:, 0] = 2.0 * table[:, 2]
    with pytest.raises(InputError, match="perfect fit has no standard errors"):
        least_squares(("trust",), table[:, [2]], np.zeros(60))


def test_estimates_are_checked():
    with pytest.raises(InputError, match="finite coefficient"):
        Estimates(("a",), np.array([np.nan]), np.array([1.0]), 5.0)
    with pytest.raises(InputError, match="positive variance"):
        Estimates(("a", "b"), np.array([1.0, 2.0]), np.array([1.0]), 5.0)
    with pytest.raises(InputError, match="level between 0 and 1"):
        student_interval(np.array(1.0), np.array(1.0), 5.0, 95)


def test_a_part_of_the_schema_keeps_the_regression_if_it_has_its_columns():
    assert SCHEMA.take([0, 1, 2]).regression == SCHEMA.regression
    assert SCHEMA.take([0, 1]).regression is None
