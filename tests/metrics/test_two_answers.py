"""Discrimination and calibration of items with two answers: worked by hand, and the question marginal."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.two_answers import chances

NAMES = ("auc", "pooled-auc", "pooled-accuracy", "pooled-f1", "pooled-log-loss", "pooled-brier", "ece")
SCHEMA = Schema(
    (
        Column("vote", Kind.NOMINAL, {1: "yes", 2: "no"}),
        Column("party", Kind.NOMINAL, {1: "a", 2: "b", 3: "c"}),
        Column("old", Kind.ORDINAL, {0: "young", 1: "old"}),
    )
)
N = np.nan
VOTE = np.array([0.1, 0.4, 0.4, 0.9, 0.3])  # chance of "no"; the last is for a natural hole
OLD = np.array([0.7, 0.55])


def score(name, masked, prediction):
    return METRICS[name].score(masked, prediction)


@pytest.fixture
def masked():
    """Hidden: vote of rows 0 1 2 3 (yes, yes, no, no), old of rows 0 1 (old, young), party of row 0."""
    truth = np.array([[1, 1, 1], [1, 2, 0], [2, 3, 1], [2, 1, 0], [N, 2, 1], [1, 2, 0]])
    hidden = np.zeros(truth.shape, dtype=bool)
    hidden[:4, 0] = hidden[:2, 2] = hidden[0, 1] = True
    return Masked(Dataset("votes", SCHEMA, truth), hidden)


@pytest.fixture
def prediction():
    tables = {0: VOTE, 2: OLD}
    own = {j: np.column_stack([1 - chance, chance]) for j, chance in tables.items()}
    return Prediction(np.ones((1, 8)), None, own | {1: np.full((1, 3), 1 / 3)})


def test_cells_are_those_hidden(masked, prediction):
    vote, old = chances(masked, prediction)
    assert (vote.name, old.name) == ("vote", "old")
    assert vote.chance.tolist() == [0.1, 0.4, 0.4, 0.9] and vote.second.tolist() == [False, False, True, True]
    assert old.chance.tolist() == [0.7, 0.55] and old.second.tolist() == [True, False]


def test_worked_by_hand(masked, prediction):
    # vote: pairs (.4, .9) against (.1, .4): 1, ½, 1, 1. old: .7 above .55
    assert score("auc", masked, prediction) == pytest.approx({"vote": 3.5 / 4, "old": 1})
    # (.4, .9, .7) against (.1, .4, .55): .4 wins 1½, .9 wins 3, .7 wins 3
    assert score("pooled-auc", masked, prediction) == pytest.approx({"(table)": 7.5 / 9})
    assert score("pooled-accuracy", masked, prediction) == pytest.approx({"(table)": 4 / 6})
    # said: .9, .7, .55, of which two are right; three are true
    assert score("pooled-f1", masked, prediction) == pytest.approx({"(table)": 4 / 6})
    true = np.array([0.9, 0.6, 0.4, 0.9, 0.7, 0.45])
    assert score("pooled-log-loss", masked, prediction) == pytest.approx({"(table)": -np.log(true).mean()})
    assert score("pooled-brier", masked, prediction) == pytest.approx({"(table)": ((1 - true) ** 2).mean()})
    # bins: .1 (no), .4 twice (one yes), .55 (no), .7 (yes), .9 (yes): .1 + |.8 - 1| + .55 + .3 + .1
    assert score("ece", masked, prediction) == pytest.approx({"(table)": 1.25 / 6})


def test_an_impossible_answer_costs_no_more_than_a_rare_one(masked, prediction):
    sure = Prediction(prediction.draws, None, {2: np.array([[1.0, 0.0], [1.0, 0.0]])})
    assert score("pooled-log-loss", masked, sure) == pytest.approx({"(table)": np.log(60) / 2})  # six rows


def test_halves_count_half(masked, prediction):
    even = Prediction(prediction.draws, None, {0: np.full((5, 2), 0.5)})
    assert score("pooled-accuracy", masked, even) == {"(table)": 0.5}
    assert score("pooled-f1", masked, even) == {"(table)": 0.0}
    assert score("pooled-auc", masked, even) == {"(table)": 0.5}


@pytest.mark.parametrize("name", NAMES)
def test_only_own_probabilities_of_items_with_two_answers_count(name, masked, prediction):
    bare = Prediction(prediction.draws, None, {1: prediction.probabilities[1]})
    assert score(name, masked, bare) == {}
    assert score(name, masked, Prediction(prediction.draws)) == {}


def test_bins_of_the_calibration_error_may_be_asked_for(masked, prediction):
    # two bins: .1, .4, .4 (one yes) | .55, .7, .9 (two yes): |.9 - 1| + |2.15 - 2|; one bin: |3.05 - 3|
    assert METRICS.resolve("ece(n_bins=2)").score(masked, prediction) == pytest.approx({"(table)": 0.25 / 6})
    assert METRICS.resolve("ece(1)").score(masked, prediction) == pytest.approx({"(table)": 0.05 / 6})
    with pytest.raises(InputError, match="n_bins=0; wanted a whole number from 1"):
        METRICS.resolve("ece(n_bins=0)").score(masked, prediction)
    with pytest.raises(InputError, match="no parameter 'bins'; its parameters are: n_bins"):
        METRICS.resolve("ece(bins=5)")


@pytest.mark.parametrize("name", ["auc", "pooled-auc"])
def test_one_sided_truth_has_no_area(name, masked, prediction):
    hidden = masked.hidden.copy()
    hidden[2:, 0] = hidden[:, 2] = False
    one_sided = Masked(masked.truth, hidden)
    own = {0: prediction.probabilities[0][[0, 1, 4]]}
    assert score(name, one_sided, Prediction(prediction.draws[:, :3], None, own)) == {}


def test_the_question_marginal_tells_nobody_apart_and_yet_pools_high():
    rng = np.random.default_rng(0)
    shares = np.linspace(0.05, 0.95, 20)
    truth = (rng.random((800, 20)) < shares).astype(float)
    schema = Schema(tuple(Column(f"q{j}", Kind.NOMINAL, {0.0: "no", 1.0: "yes"}) for j in range(20)))
    masked = Masked(Dataset("coins", schema, truth), rng.random(truth.shape) < 0.5)
    holes = masked.hidden.sum(axis=0)
    marginal = Prediction(
        np.zeros((1, int(holes.sum()))),
        None,
        {j: np.tile([1 - share, share], (holes[j], 1)) for j, share in enumerate(shares)},
    )
    assert set(score("auc", masked, marginal).values()) == {0.5}
    # P and Q drawn in proportion to s and 1 - s: the area of evenly spread coins is near 5/6
    assert score("pooled-auc", masked, marginal)["(table)"] == pytest.approx(0.81, abs=0.02)
    assert score("ece", masked, marginal)["(table)"] < 0.02
    assert score("pooled-brier", masked, marginal)["(table)"] == pytest.approx(np.mean(shares * (1 - shares)), rel=0.05)
