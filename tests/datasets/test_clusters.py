"""Clusters: sampling units within strata where the file has them, random groups of respondents elsewhere."""

import numpy as np
import pytest

from datasets.clusters import clusters
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset


def table(n, **design):
    return Dataset("rows", Schema((Column("x", Kind.NUMERIC),)), np.zeros((n, 1)), **design)


def test_the_survey_has_two_units_in_each_of_its_strata(gss):
    found = clusters(gss)
    assert len(found) == 132
    assert np.bincount(found.stratum).tolist() == [2] * 66
    for c in range(len(found)):
        rows = found.of_row == c
        assert len(np.unique(gss.strata[rows])) == len(np.unique(gss.psu[rows])) == 1


@pytest.mark.parametrize(
    ("units", "joined"),
    [
        ([2, 2, 3], [0, 0, 1, 1, 2, 2, 2]),
        ([2, 1, 2], [0, 0, 1, 1, 1]),  # a lonely unit joins the next stratum
        ([2, 2, 1], [0, 0, 1, 1, 1]),  # and the last one the stratum before
        ([1, 1, 1], [0, 0, 0]),
        ([1, 2, 1, 1], [0, 0, 0, 1, 1]),
    ],
)
def test_no_stratum_is_left_with_a_single_unit(units, joined):
    strata = np.repeat(np.arange(len(units)) + 10, units)
    psu = np.concatenate([np.arange(size) for size in units])
    assert clusters(table(len(psu), strata=strata, psu=psu)).stratum.tolist() == joined


def test_units_bear_their_number_within_the_stratum_or_without_any():
    strata, psu = np.array([1, 1, 2, 2, 2]), np.array([1, 2, 1, 2, 2])
    assert clusters(table(5, strata=strata, psu=psu)).of_row.tolist() == [0, 1, 2, 3, 3]
    alone = clusters(table(5, psu=psu))
    assert alone.of_row.tolist() == [0, 1, 0, 1, 1]
    assert alone.stratum.tolist() == [0, 0]


def test_few_respondents_stand_for_themselves_also_where_all_are_of_one_unit():
    for design in ({}, {"psu": np.ones(60)}, {"strata": np.arange(60) % 2}):
        found = clusters(table(60, **design))
        assert found.of_row.tolist() == list(range(60))
        assert found.stratum.tolist() == [0] * 60


def test_many_respondents_form_a_hundred_groups_of_nearly_equal_size_that_stay_the_same():
    found = clusters(table(1234))
    sizes = np.bincount(found.of_row)
    assert (len(found), sizes.min(), sizes.max()) == (100, 12, 13)
    assert found.of_row[:200].tolist() != sorted(found.of_row[:200])
    assert (clusters(table(1234)).of_row == found.of_row).all()


def test_strata_without_units_are_dealt_out_evenly_over_the_groups():
    strata = np.arange(1000) % 4
    found = clusters(table(1000, strata=strata))
    shares = np.bincount(found.of_row * 4 + strata, minlength=400)
    assert shares.min() >= 2
    assert shares.max() <= 3
