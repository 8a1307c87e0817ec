"""Subgroup means on a table worked by hand, and the choice of the groups."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.shared.classes import mutual_information
from imputers.substitution.mean import Mean
from imputers.substitution.subgroup_mean import SubgroupMean

HOLE = np.nan
SCHEMA = Schema(
    (
        Column("sex", Kind.NOMINAL, {1.0: "f", 2.0: "m"}),
        Column("region", Kind.NOMINAL, {1.0: "n", 2.0: "s"}),
        Column("income", Kind.NUMERIC),
    )
)
# sex and region, income
WORKED = np.array(
    [
        [1, 1, 10],
        [1, 1, 20],
        [1, 2, 60],
        [2, 1, 100],
        [2, 2, 200],
        [2, 2, 300],
        [1, 1, HOLE],
        [1, 2, HOLE],
        [2, 2, HOLE],
    ]
)


def incomes(X, **parameters):
    imputer = SubgroupMean(**parameters).fit(WORKED, schema=SCHEMA)
    prediction = imputer.impute(X)
    assert (prediction.draws == prediction.draws[0]).all()
    return prediction.draws[0, np.nonzero(np.isnan(X))[1] == 2].tolist()


def test_a_worked_table():
    """Class (f, n) has two answers; (f, s) one, too few, so all women count; (m, s) has two."""
    assert incomes(WORKED, groups=("sex", "region"), min_samples=2) == [15.0, 30.0, 250.0]


def test_small_classes_give_way_down_to_everybody():
    assert incomes(WORKED, groups=("sex", "region"), min_samples=3) == [30.0, 30.0, 200.0]
    assert incomes(WORKED, groups=("sex", "region"), min_samples=4) == pytest.approx([115.0] * 3)


def test_new_rows_and_missing_groups():
    """A row without sex is in the class of missing sex, which has no donors, so everybody counts."""
    new = np.array([[1, 1, HOLE], [HOLE, 1, HOLE]])
    assert incomes(new, groups=("sex",), min_samples=2) == [30.0, 115.0]


def test_an_item_is_not_its_own_group():
    SubgroupMean(groups=("income",)).fit(WORKED, schema=SCHEMA)


def test_an_unknown_group_is_an_error():
    with pytest.raises(InputError, match="no column 'colour'"):
        SubgroupMean(groups=("colour",)).fit(WORKED, schema=SCHEMA)


def test_groups_are_the_columns_that_tell_most():
    """Y copies a; b is noise; c helps y where a does not (y differs from a where c is 1)."""
    rng = np.random.default_rng(0)
    a, b, c = rng.integers(0, 2, (3, 2000)).astype(float)
    y = np.where((c == 1) & (rng.random(2000) < 0.3), 1 - a, a)
    schema = Schema(tuple(Column(name, Kind.NOMINAL, {0.0: "no", 1.0: "yes"}) for name in "abcy"))
    imputer = SubgroupMean().fit(np.column_stack([a, b, c, y]), schema=schema)
    assert imputer.donors_[3].groups == (0, 2)


def test_mutual_information_agrees_with_scikit_learn():
    from sklearn.metrics import mutual_info_score

    a, b = np.random.default_rng(1).integers(0, 3, (2, 500))
    assert mutual_information(a, b) == pytest.approx(mutual_info_score(a, b) - 4 / 1000)


def test_classes_beat_the_overall_mean_on_the_survey(masked_gss):
    j = masked_gss.schema.index("educ")
    X, truth = masked_gss.values, masked_gss.truth.values
    at = (np.nonzero(np.isnan(X))[1] == j) & masked_gss.scored
    errors = [
        np.sqrt(
            np.mean(
                (make().fit(X, schema=masked_gss.schema).impute(X).expected[at] - truth[masked_gss.hidden[:, j], j])
                ** 2
            )
        )
        for make in (SubgroupMean, Mean)
    ]
    assert errors[0] < 0.8 * errors[1]
