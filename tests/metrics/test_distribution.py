from dataclasses import replace

import numpy as np
import pytest

from datasets.schema import Kind
from datasets.table import Masked
from metrics import METRICS


def score(name, masked, prediction):
    return METRICS[name].score(masked, prediction)


def test_worked_by_hand(small, worked):
    # region: fills 4/8 3/8 1/8, truth 1/4 2/4 1/4
    assert score("total-variation", small, worked) == pytest.approx({"region": 0.25})
    # happy: fills 1 1 1 2 2 3 3 3, truth 1 1 2 2 3 3 3 3; age: fills 30 34 40 50, truth 30 30 50 50
    expected = {"happy": 0.25 / np.sqrt(0.56), "age": 3.5 / np.sqrt(200)}
    assert score("wasserstein", small, worked) == pytest.approx(expected)
    # happy: 11/16 both draws and truth; age: draws 64 and 25, truth 100
    assert score("variance-ratio", small, worked) == pytest.approx({"happy": 1.0, "age": 0.445})


def test_wasserstein_is_the_mean_distance_of_sorted_values(masked_toy, toy_guesses):
    prediction = toy_guesses["hot deck"]
    columns = np.nonzero(np.isnan(masked_toy.values))[1]
    found = score("wasserstein", masked_toy, prediction)
    for j in masked_toy.schema.where(Kind.ORDINAL, Kind.NUMERIC):
        name, at = masked_toy.schema.columns[j].name, masked_toy.scored & (columns == j)
        truth = masked_toy.truth.values[masked_toy.hidden[:, j], j]
        if len(truth):
            draws = prediction.draws[:, at]
            distance = np.abs(np.sort(draws, axis=None) - np.repeat(np.sort(truth), len(draws))).mean()
            assert found[name] == pytest.approx(distance / np.nanstd(masked_toy.truth.values[:, j]))


def test_constant_truth_has_no_variance_ratio(small, worked):
    values = small.truth.values.copy()
    values[[1, 3], 2] = 30
    flat = Masked(replace(small.truth, values=values), small.hidden)
    assert set(score("variance-ratio", flat, worked)) == {"happy"}
    assert set(score("wasserstein", flat, worked)) == {"happy", "age"}
