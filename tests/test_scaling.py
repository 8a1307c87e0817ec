"""The script that measures growth with rows."""

import numpy as np
import pytest

from datasets.schema import Kind
from scripts.scaling import MadeUp, Resampled, exponent, labels_of, measure


def test_the_exponent_is_the_slope_of_the_logarithms():
    assert exponent([1, 4, 16], [0.1, 1.6, 25.6]) == pytest.approx(2)
    assert exponent([1, 4, 16], [3.0, 12.0, None]) == pytest.approx(1)
    assert exponent([1, 4], [3.0, None]) is None


def test_a_measurement_is_of_its_own_process_and_stops_at_the_limit(toy):
    source = Resampled(np.array(toy.values), toy.schema, toy.weights)
    found = measure("hot-deck", 2 * len(toy.values), source, 5, limit=120)
    assert 0 < found.seconds < 60 and 50 < found.before < 2000 and 0 <= found.above < 1000
    assert measure("latent-class", 2 * len(toy.values), source, 5, limit=0).seconds is None


def test_a_made_up_survey_has_holes_in_twenty_items():
    values, schema, _ = MadeUp("mixed").take(2000)
    schema.check(values)
    shares = np.isnan(values).mean(axis=0)
    assert (shares[:4] == 0).all() and np.abs(shares[4:] - 0.3).max() < 0.05
    assert {column.kind for column in schema} == {Kind.NUMERIC, Kind.NOMINAL, Kind.ORDINAL}
    frame = labels_of(values, schema)
    assert frame["item2"].cat.ordered and frame["item2"].isna().sum() == 0
    np.testing.assert_array_equal(frame["item5"].cat.codes + 1, np.where(np.isnan(values[:, 5]), 0, values[:, 5]))
