"""Calibration: factors and closed forms that temperatures must give back, and the cells they are learned on."""

import numpy as np
import pytest
from scipy.special import log_softmax

from datasets.errors import InputError
from imputers.shared.calibration import Temperatures, calibrate, calibration_cells, log_loss


def cells(n, k, rng, sharpness=1.5):
    """Log-probabilities (n, k) of a random truth, and answers drawn from it."""
    truth = log_softmax(sharpness * rng.normal(size=(n, k)), axis=-1)
    drawn = (np.exp(truth).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return truth, np.minimum(drawn, k - 1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_scores_that_are_the_truth_times_a_factor_get_the_factor_back(temperature):
    truth, answers = cells(20_000, 4, np.random.default_rng(0))
    found = calibrate({1: temperature * truth}, {1: answers}, 3)
    assert found.overall == pytest.approx(temperature, rel=0.03)
    assert found.of_items[1] == pytest.approx(temperature, rel=0.03)
    assert found.of_items[[0, 2]].tolist() == [found.overall, found.overall]  # items without cells
    np.testing.assert_allclose(found.probabilities(1, temperature * truth), np.exp(truth), atol=0.02)


def test_unnormalised_scores_are_as_good():
    truth, answers = cells(500, 3, np.random.default_rng(1))
    shift = np.random.default_rng(2).normal(size=(500, 1)) - 5
    plain = calibrate({0: truth}, {0: answers}, 1)
    shifted = calibrate({0: truth + shift}, {0: answers}, 1)
    assert shifted.of_items == pytest.approx(plain.of_items, rel=1e-4)


def test_two_answers_have_a_closed_form():
    """All cells with log-odds s, a share q right: without prior T = s / logit(q)."""
    s, right, n = 3.0, 0.8, 100_000
    scores = np.tile([s, 0.0], (n, 1))
    answers = (np.arange(n) >= right * n).astype(np.intp)
    found = calibrate({0: scores}, {0: answers}, 1)
    assert found.overall == pytest.approx(s / np.log(right / (1 - right)), rel=1e-3)


def test_few_cells_stay_near_the_common_temperature_and_many_decide():
    rng = np.random.default_rng(3)
    most, answers = cells(5_000, 4, rng)
    sharp, own = cells(5_000, 4, rng)
    few = calibrate({0: most, 1: 3 * sharp[:5]}, {0: answers, 1: own[:5]}, 2)
    many = calibrate({0: most, 1: 3 * sharp}, {0: answers, 1: own}, 2)
    assert few.overall == pytest.approx(1, rel=0.05)
    assert few.of_items[1] == pytest.approx(few.overall, rel=0.35)
    assert many.of_items == pytest.approx([1, 3], rel=0.06)


def test_posterior_is_largest_at_the_temperatures():
    """Against a grid: minus log-posterior of an item, with the prior as documented."""
    truth, answers = cells(40, 3, np.random.default_rng(4))
    found = calibrate({0: 2 * truth}, {0: answers}, 1)
    grid = np.exp(np.linspace(np.log(0.2), np.log(10), 4001))

    def best(centre, spread):
        losses = [log_loss(2 * truth / t, answers).sum() + np.log(t / centre) ** 2 / (2 * spread**2) for t in grid]
        return grid[np.argmin(losses)]

    assert found.overall == pytest.approx(best(1.0, 1.0), rel=2e-3)
    assert found.of_items[0] == pytest.approx(best(found.overall, 0.25), rel=2e-3)


def test_calibration_never_hurts_the_cells_it_saw_and_helps_an_overconfident_model():
    rng = np.random.default_rng(5)
    truth, answers = cells(2_000, 5, rng)
    found = calibrate({0: 4 * truth[:1000]}, {0: answers[:1000]}, 1)
    probabilities = found.probabilities(0, 4 * truth[1000:])
    assert probabilities.sum(axis=1) == pytest.approx(1)
    after = -np.log(probabilities[np.arange(1000), answers[1000:]]).mean()
    assert after < log_loss(4 * truth[1000:], answers[1000:]).mean() - 0.5


def test_answers_that_cannot_be_stay_impossible():
    scores = np.array([[0.0, -1.0, -np.inf]])
    assert Temperatures(1.0, np.array([2.0])).probabilities(0, scores)[0, 2] == 0


def test_validation_cells_are_observed_ones_and_a_tenth_at_most():
    answers = np.random.default_rng(6).integers(-1, 3, size=(50, 8))
    chosen = calibration_cells(answers, 10_000, np.random.default_rng(7))
    assert not (chosen & (answers < 0)).any()
    assert chosen.sum() == (answers >= 0).sum() // 10
    assert calibration_cells(answers, 12, np.random.default_rng(7)).sum() == 12
    assert np.array_equal(chosen, calibration_cells(answers, 10_000, np.random.default_rng(7)))


def test_no_cells_is_an_error_that_says_what_to_do():
    with pytest.raises(InputError, match="no validation cells"):
        calibrate({0: np.empty((0, 3))}, {0: np.empty(0, dtype=np.intp)}, 2)
