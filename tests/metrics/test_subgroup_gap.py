"""The largest gap of a group of people, against means taken group by group, and by construction."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Regression, Role, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.metric import TABLE


def gap(masked, prediction):
    return METRICS["subgroup-gap"].score(masked, prediction)


@pytest.fixture
def people():
    """Two drivers, a covariate of the regression that is hidden too, and two items; 1,200 rows."""
    rng = np.random.default_rng(6)
    n = 1200
    schema = Schema(
        (
            Column("sex", Kind.NOMINAL, {1: "male", 2: "female"}, role=Role.DRIVER),
            Column("race", Kind.NOMINAL, {1: "white", 2: "black", 5: "other"}, role=Role.DRIVER),
            Column("educ", Kind.NUMERIC, decimals=0),
            Column("income", Kind.NUMERIC, role=Role.TARGET),
            Column("party", Kind.NOMINAL, {1: "left", 2: "right", 3: "none"}),
        ),
        Regression("income", ("educ", "sex")),
    )
    sex, race = rng.integers(1, 3, n), rng.choice([1, 2, 5], n, p=[0.6, 0.35, 0.05])
    educ = rng.integers(8, 20, n)
    income = educ + 2 * (sex == 1) + rng.normal(0, 3, n)
    values = np.column_stack([sex, race, educ, income, rng.integers(1, 4, n)]).astype(float)
    values[:50, 3] = np.nan  # natural holes
    hidden = rng.random(values.shape) < 0.3
    hidden[:, :2] = False
    return Masked(Dataset("people", schema, values), hidden & ~np.isnan(values))


def fills(masked, change):
    """Two draws that hold the truth but for what is changed in a copy of the table."""
    holes = np.isnan(masked.values)
    tables = [np.nan_to_num(masked.truth.values, nan=1.0) for _ in range(2)]
    change(*tables)
    return Prediction(np.stack([table[holes] for table in tables]))


def test_against_means_taken_group_by_group(people):
    rng = np.random.default_rng(8)

    def shuffle(*tables):
        for table in tables:
            for j in (2, 3, 4):
                table[:, j] = rng.permutation(table[:, j])

    prediction = fills(people, shuffle)
    truth = people.truth.values
    cuts = np.nanquantile(truth[:, 2], [1 / 3, 2 / 3])

    def grouped(table):
        frame = pd.DataFrame({"sex": table[:, 0], "race": table[:, 1], "educ": np.searchsorted(cuts, table[:, 2])})
        D = pd.DataFrame(people.schema.design(table))
        by = [*frame, *map(list, combinations(frame, 2))]
        return {str(key): D.groupby([frame[name] for name in np.atleast_1d(key)]) for key in by}

    true, drawn = grouped(truth), [grouped(table) for table in completed_tables(people, prediction)]
    variance = np.nanvar(people.schema.design(truth), axis=0)
    blocks = {j: people.schema.blocks[j] for j in (2, 3, 4)}
    worst = 0.0
    for key, groups in true.items():
        off = np.mean([one[key].mean() for one in drawn], axis=0) - groups.mean().to_numpy()
        counts = groups.count().to_numpy()
        for row, seen in zip(off, counts, strict=True):
            squares = [
                (row[block] ** 2).sum() / variance[block].sum()
                for j, block in blocks.items()
                if seen[block.start] >= 100 and not (j == 2 and "educ" in key)
            ]
            worst = max([worst, np.sqrt(np.mean(squares))] if squares else [worst])
    assert gap(people, prediction) == pytest.approx({TABLE: worst})


def test_one_group_that_is_off_is_found(people):
    """Black women get one SD more income in their hidden cells: their mean moves by the share that is hidden."""
    truth, sd = people.truth.values, np.nanstd(people.truth.values[:, 3])
    group = (truth[:, 0] == 2) & (truth[:, 1] == 2)

    def raise_income(*tables):
        for table in tables:
            table[group, 3] += sd

    known = group & ~np.isnan(truth[:, 3])
    moved = (people.hidden[:, 3] & known).sum() / known.sum()
    found = gap(people, fills(people, raise_income))[TABLE]
    assert moved / np.sqrt(3) <= found + 1e-12  # the mean square is over three items, of which one is off
    assert found == pytest.approx(moved / np.sqrt(3), rel=0.35)  # by schooling, hidden shares differ a little
    assert gap(people, fills(people, lambda *tables: None)) == pytest.approx({TABLE: 0.0}, abs=1e-12)


def test_small_groups_are_not_judged(people):
    """Sixty people of other race are far off; groups of a hundred and more by no more than their part in them."""

    def ruin(*tables):
        for table in tables:
            table[people.truth.values[:, 1] == 5, 3] += 100 * np.nanstd(people.truth.values[:, 3])

    assert 40 < (people.truth.values[:, 1] == 5).sum() < 100
    assert 1 < gap(people, fills(people, ruin))[TABLE] < 100 * 0.3 * 0.2 / np.sqrt(3)


def test_without_drivers_and_regression_or_enough_people_there_is_no_gap(people, small, worked):
    columns = tuple(replace(column, role=Role.ITEM) for column in people.schema)
    bare = Masked(replace(people.truth, schema=Schema(columns)), people.hidden)
    assert gap(bare, fills(bare, lambda *tables: None)) == {}
    assert gap(small, worked) == {}


def test_a_group_that_no_fill_belongs_to_counts_as_the_average_of_all(people):
    hidden = people.hidden.copy()
    hidden[:, 2] = True
    masked = Masked(people.truth, hidden)

    def drop_out(*tables):
        for table in tables:
            table[:, 2] = 8.0

    assert 0.1 < gap(masked, fills(masked, drop_out))[TABLE] < 3


def test_the_survey_is_grouped_by_schooling_too(masked_gss, gss_guesses):
    assert gap(masked_gss, gss_guesses["hot deck"])[TABLE] == pytest.approx(0.24, abs=0.03)
