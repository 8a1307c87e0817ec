"""Levels are drawn by their probabilities, and get the share of a normal curve that is nearest to them."""

import numpy as np
import pytest
from scipy.stats import norm

from datasets.schema import Column, Kind
from imputers.shared.levels import draw_level, normal_mean, normal_shares


def test_draws_follow_the_probabilities():
    drawn = draw_level(np.tile([0.2, 0.0, 0.8], (5000, 1)), np.random.default_rng(1))
    np.testing.assert_allclose([(drawn == level).mean() for level in (0, 1, 2)], [0.2, 0, 0.8], atol=0.02)


def test_shares_are_areas_between_the_midpoints():
    shares = normal_shares(np.array([[1.0], [4.0]]), 2.0, np.array([0.0, 1.0, 3.0]))
    assert shares[0] == pytest.approx(np.diff(norm(1, 2).cdf([-np.inf, 0.5, 2.0, np.inf])))
    assert shares.sum(axis=1) == pytest.approx(1)


def test_mean_of_a_normal_number_kept_within_limits():
    """Against scipy's integral of the part within, and the limits times what lies beyond."""
    column, curve = Column("children", Kind.NUMERIC, low=0, high=8), norm(1, 2)
    within = curve.expect(lambda x: x, lb=0, ub=8) + 8 * curve.sf(8)
    assert normal_mean(column, np.array([1.0, 50.0]), 2.0) == pytest.approx([within, 8.0])
    assert normal_mean(Column("any", Kind.NUMERIC), np.array([1.0]), np.array([2.0])) == pytest.approx([1.0])
    half = Column("from one", Kind.NUMERIC, low=1)
    assert normal_mean(half, np.array([1.0]), 2.0) == pytest.approx([1 + 2 * norm.pdf(0)])
