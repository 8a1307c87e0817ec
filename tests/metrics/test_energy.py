import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import energy_distance

from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.cells import completed_tables
from metrics.metric import TABLE


def score(masked, prediction):
    return METRICS["energy-distance"].score(masked, prediction)[TABLE]


def test_worked_by_hand():
    # truth 0 2, SD 1, so ±1; completed 0 0, so -1 -1: 2·mean(0 0 2 2) - mean(0 2 2 0) - 0 = 1
    schema = Schema((Column("a", Kind.NUMERIC),))
    masked = Masked(Dataset("two", schema, np.array([[0.0], [2.0]])), np.array([[False], [True]]))
    assert score(masked, Prediction(np.array([[0.0]]))) == pytest.approx(1, rel=1e-6)
    assert score(masked, Prediction(np.array([[0.0], [2.0]]))) == pytest.approx(0.5, rel=1e-6)  # mean over draws


def test_equals_scipy_in_one_dimension():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=80), rng.normal(1, 2, size=80)
    schema = Schema((Column("a", Kind.NUMERIC),))
    masked = Masked(Dataset("line", schema, x[:, None]), np.ones((80, 1), dtype=bool))
    expected = energy_distance(x / x.std(), y / x.std()) ** 2  # scipy gives the root
    assert score(masked, Prediction(y[None])) == pytest.approx(expected, rel=1e-4)


def test_equals_the_definition_on_mixed_kinds(masked_toy, toy_guesses):
    prediction = toy_guesses["hot deck"]
    schema, truth = masked_toy.schema, masked_toy.truth.values
    D = schema.design(truth)
    scale = np.empty(D.shape[1])
    for block in schema.blocks:
        scale[block] = np.sqrt(np.nanvar(D[:, block], axis=0).sum())

    def points(table):
        return np.nan_to_num((schema.design(table) - np.nanmean(D, axis=0)) / scale)

    X = points(truth)
    found = []
    for table in completed_tables(masked_toy, prediction):
        Y = points(table)
        found.append(2 * cdist(X, Y).mean() - cdist(X, X).mean() - cdist(Y, Y).mean())
    assert score(masked_toy, prediction) == pytest.approx(np.mean(found), rel=1e-3)


def test_draws_beat_the_mean_on_whole_rows(masked_gss, gss_guesses):
    assert score(masked_gss, gss_guesses["hot deck"]) < score(masked_gss, gss_guesses["centre"]) / 5
