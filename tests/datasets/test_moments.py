import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.stats.weightstats import DescrStatsW

from datasets.moments import pairwise_moments


@pytest.fixture
def holed():
    rng = np.random.default_rng(0)
    D = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5)) + 3
    D[rng.random(D.shape) < 0.3] = np.nan
    D[:, 4] = np.where(np.isnan(D[:, 3]), np.nan, D[:, 4])  # two columns with the same holes or more
    return D


def test_equals_pandas_with_holes(holed):
    found = pairwise_moments(holed)
    frame = pd.DataFrame(holed)
    assert_allclose(found.mean, frame.mean(), rtol=1e-12)
    assert_allclose(found.covariance, frame.cov(), rtol=1e-10, atol=1e-13)
    assert_allclose(found.correlation, frame.corr(), rtol=1e-10, atol=1e-13)
    known = frame.notna().astype(int)
    assert_array_equal(found.pairs, known.T @ known)


def test_equals_pandas_on_the_survey(gss):
    D = gss.schema.design(gss.values)
    found, frame = pairwise_moments(D), pd.DataFrame(D)
    assert_allclose(found.covariance, frame.cov(), rtol=1e-9, atol=1e-12)
    assert_allclose(found.correlation, frame.corr(), rtol=1e-9, atol=1e-12)


def test_weighted_equals_numpy_pair_by_pair(holed):
    w = np.random.default_rng(1).uniform(0.2, 4, len(holed))
    found = pairwise_moments(holed, w)
    for j in range(5):
        for k in range(5):
            both = ~np.isnan(holed[:, j]) & ~np.isnan(holed[:, k])
            expected = np.cov(holed[both][:, [j, k]].T, aweights=w[both])
            assert_allclose(found.covariance[j, k], expected[0, 1], rtol=1e-10)
            scale = np.sqrt(expected[0, 0] * expected[1, 1])
            assert_allclose(found.correlation[j, k], expected[0, 1] / scale, rtol=1e-10)


def test_weighted_equals_statsmodels():
    rng = np.random.default_rng(2)
    D, w = rng.normal(size=(50, 3)), rng.uniform(0.5, 2, 50)
    found, known = pairwise_moments(D, w), DescrStatsW(D, weights=w)
    assert_allclose(found.mean, known.mean, rtol=1e-12)
    assert_allclose(found.correlation, known.corrcoef, rtol=1e-10)


def test_equal_weights_change_nothing(holed):
    plain, weighted = pairwise_moments(holed), pairwise_moments(holed, np.full(len(holed), 7.0))
    assert_allclose(weighted.covariance, plain.covariance, rtol=1e-10)
    assert_allclose(weighted.correlation, plain.correlation, rtol=1e-10)
    assert_array_equal(weighted.pairs, plain.pairs)


def test_a_distant_origin_costs_no_digits(holed):
    assert_allclose(pairwise_moments(holed + 1e6).correlation, pairwise_moments(holed).correlation, rtol=1e-7)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_units_do_not_matter(holed, size):
    assert_allclose(pairwise_moments(holed * size).correlation, pairwise_moments(holed).correlation, rtol=1e-9)


def test_a_constant_has_no_correlation_and_unseen_pairs_have_nothing():
    D = np.array([[0.1, 1.0, np.nan], [0.1, 2.0, np.nan], [0.1, 4.0, 1.0], [0.1, np.nan, 2.0]])
    found = pairwise_moments(D)
    assert_allclose(found.covariance[0], [0, 0, 0], atol=1e-15)
    assert np.isnan(found.correlation[0]).all()
    assert found.pairs[1, 2] == 1
    assert np.isnan(found.covariance[1, 2])
    assert np.isnan(found.correlation[1, 2])


def test_a_column_constant_only_where_the_other_is_known_has_no_correlation_with_it():
    D = np.array([[5.0, 1.0], [5.0, 2.0], [5.0, 4.0], [9.0, np.nan]])
    found = pairwise_moments(D)
    assert found.covariance[0, 1] == pytest.approx(0, abs=1e-15)
    assert np.isnan(found.correlation[0, 1])
    assert found.correlation[0, 0] == 1


def test_a_column_never_seen_is_nan_without_a_warning():
    found = pairwise_moments(np.array([[1.0, np.nan], [2.0, np.nan]]))
    assert np.isnan(found.mean[1])
    assert np.isnan(found.covariance[1]).all()


def test_the_design_is_not_written_to(holed):
    before = holed.copy()
    pairwise_moments(holed, np.ones(len(holed)))
    assert_array_equal(holed, before)
