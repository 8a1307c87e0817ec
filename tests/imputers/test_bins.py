"""Bins at quantiles: every value in one, none empty."""

import numpy as np
import pytest

from datasets.schema import Column, Kind, Schema
from imputers.shared.bins import into_bins, quantile_bins, quantile_edges, table_edges

HOLE = np.nan


def test_quantile_bins_hold_every_value_once():
    values = np.random.default_rng(3).gamma(0.3, size=1000).round(2)  # many ties
    bins = quantile_bins(values, 30)
    np.testing.assert_array_equal(np.concatenate(bins.donors), np.sort(values))
    assert all(len(donors) for donors in bins.donors)
    for number, donors in enumerate(bins.donors):
        assert (bins.of(donors) == number).all()
    assert quantile_bins(np.array([1.0, 1.0, 1.0, 2.0]), 30).means.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("method", ["lower", "inverted_cdf"])
def test_edges_are_observed_values_and_leave_no_bin_empty(method):
    values = np.random.default_rng(4).gamma(0.3, size=500).round(1)
    edges = quantile_edges(values, 8, method)
    assert np.isin(edges, values).all() and (np.diff(edges) > 0).all()
    assert np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1).all()


def test_a_table_is_binned_by_level_or_quantile_and_holes_are_bin_zero():
    schema = Schema((Column("place", Kind.NOMINAL, {1.0: "a", 2.0: "b", 7.0: "c"}), Column("age", Kind.NUMERIC)))
    X = np.array([[1, 10], [7, 20], [2, 30], [HOLE, HOLE], [1, 40]], dtype=float)
    edges = table_edges(X, schema, 2)
    assert [e.tolist() for e in edges] == [[1.5, 4.5], [20.0]]
    assert into_bins(X, edges).tolist() == [[1, 1], [3, 1], [2, 2], [0, 0], [1, 2]]
