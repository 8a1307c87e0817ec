import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import spearmanr
from scipy.stats.contingency import association
from statsmodels.regression.linear_model import WLS

from datasets.schema import Column, Kind, Schema
from metrics import METRICS
from metrics.association import associations
from metrics.cells import completed_tables
from metrics.metric import TABLE

SCHEMA = Schema(
    (
        Column("region", Kind.NOMINAL, {1: "north", 2: "south", 3: "west", 4: "abroad"}),
        Column("happy", Kind.ORDINAL, {1: "no", 2: "so-so", 3: "yes"}),
        Column("vote", Kind.NOMINAL, {0: "no", 1: "yes"}),
        Column("age", Kind.NUMERIC),
    )
)


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    region = rng.integers(1, 4, 200)  # nobody lives abroad
    happy = np.clip(region + rng.integers(-1, 2, 200), 1, 3)
    vote = rng.random(200) < region / 4
    age = 20 * happy + rng.normal(0, 15, 200)
    return np.column_stack([region, happy, vote, age]).astype(float)


def test_equals_scipy_and_statsmodels_by_kind(table):
    found = associations(SCHEMA, table)
    region, happy, vote, age = table.T
    assert found[1, 3] == pytest.approx(abs(spearmanr(happy, age).statistic))
    crossed = np.array([[np.sum((region == r) & (vote == v)) for v in (0, 1)] for r in (1, 2, 3)])
    assert found[0, 2] == pytest.approx(association(crossed, method="cramer"))
    dummies = (region[:, None] == [1, 2, 3]).astype(float)
    assert found[0, 3] == pytest.approx(np.sqrt(WLS(age, dummies).fit().rsquared))
    assert_allclose(found, found.T)


def test_holes_leave_out_rows_pair_by_pair(table):
    rng = np.random.default_rng(4)
    holed = table.copy()
    holed[rng.random(200) < 0.3, 0] = np.nan
    holed[rng.random(200) < 0.3, 2] = np.nan
    found = associations(SCHEMA, holed)
    for a, b in ((0, 1), (0, 2), (0, 3), (1, 2), (2, 3), (1, 3)):
        both = ~np.isnan(holed[:, [a, b]]).any(axis=1)
        assert found[a, b] == pytest.approx(associations(SCHEMA, holed[both])[a, b])


def test_a_weight_of_two_is_a_row_twice(table):
    twice = np.arange(200) < 50
    found = associations(SCHEMA, table, 1.0 + twice)
    assert_allclose(found, associations(SCHEMA, np.vstack([table, table[twice]])), rtol=1e-9)


def test_a_constant_item_has_no_association(table):
    table[:, 0], table[:, 3] = 2, 50
    found = associations(SCHEMA, table)
    assert np.isnan(found[[0, 0, 0, 3, 3], [1, 2, 3, 1, 2]]).all()
    assert 0 <= found[1, 2] <= 1


def test_error_is_the_norm_of_the_change(masked_toy, toy_guesses):
    prediction = toy_guesses["hot deck"]
    true = associations(masked_toy.schema, masked_toy.truth.values)
    at = np.triu_indices(len(true), 1)
    errors = [
        np.linalg.norm((associations(masked_toy.schema, table) - true)[at]) / np.linalg.norm(true[at])
        for table in completed_tables(masked_toy, prediction)
    ]
    found = METRICS["association-error"].score(masked_toy, prediction)
    assert found == pytest.approx({TABLE: np.mean(errors)})
