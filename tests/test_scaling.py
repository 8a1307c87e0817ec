"""The script that measures growth with rows."""

import numpy as np
import pytest

from scripts.scaling import exponent, measure


def test_the_exponent_is_the_slope_of_the_logarithms():
    assert exponent([1, 4, 16], [0.1, 1.6, 25.6]) == pytest.approx(2)
    assert exponent([1, 4, 16], [3.0, 12.0, None]) == pytest.approx(1)
    assert exponent([1, 4], [3.0, None]) is None


def test_a_measurement_is_of_its_own_process_and_stops_at_the_limit(toy):
    table = (np.array(toy.values), toy.schema, toy.weights)
    seconds, megabytes = measure("hot-deck", 2, table, limit=120)
    assert 0 < seconds < 60 and 50 < megabytes < 2000
    seconds, megabytes = measure("hot-deck", 2, table, limit=0.01)
    assert seconds is None and np.isnan(megabytes)
