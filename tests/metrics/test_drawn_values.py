"""Single answers read off the draws, worked by hand and beside what a method states."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.prediction import Prediction
from metrics import METRICS


def score(name, masked, prediction):
    return METRICS[name].score(masked, prediction)


def test_worked_by_hand(small, worked):
    # happy: means 1 2 3 2 of variances 0 2 0 0 against 1 2 3 3; age: means 32 45 of variances 8 50 against 30 50
    assert score("draw-rmse", small, worked) == pytest.approx({"happy": 0.0, "age": 0.0})  # (1 - 2/2)/4; 29 - 29 over 2
    # region: modes 1 2 → 1 1 2, ties going down; happy: medians 1 1 3 2
    assert score("draw-accuracy", small, worked) == pytest.approx({"region": 0.5, "happy": 0.5})
    assert score("draw-kappa", small, worked) == pytest.approx({"happy": 1 - 0.5 / (11 / 8 + 1 / 4)})


def test_squared_error_is_freed_of_the_noise_of_the_draws(small, fill):
    draws = fill(small, {"region": [[1] * 5] * 2, "happy": [[1, 1, 3, 1, 1]] * 2, "age": [[30, 52, 1], [34, 50, 1]]})
    # age: means 32 51 against 30 50, variances 8 and 2 of two draws: (4 - 4 + 1 - 1) / 2
    assert score("draw-rmse", small, draws) == pytest.approx({"happy": np.sqrt(5 / 4), "age": 0.0})
    equal = fill(small, {"region": [[1] * 5] * 2, "happy": [[1, 1, 3, 1, 1]] * 2, "age": [[33, 54, 1]] * 2})
    assert score("draw-rmse", small, equal)["age"] == pytest.approx(np.sqrt((9 + 16) / 2))
    one = Prediction(equal.draws[:1])
    assert score("draw-rmse", small, one) == {}
    assert score("draw-accuracy", small, one) == score("draw-accuracy", small, equal)


@pytest.mark.parametrize("name", ["draw-rmse", "draw-accuracy", "draw-kappa"])
def test_what_a_method_states_beside_its_draws_does_not_count(name, masked_toy, toy_guesses):
    draws = toy_guesses["hot deck"].draws
    told = replace(toy_guesses["perfect"], draws=draws)
    assert score(name, masked_toy, told) == score(name, masked_toy, Prediction(draws))
    with pytest.raises(InputError, match="fills no holes"):
        score(name, masked_toy, Prediction())


def test_infinitely_many_draws_would_get_as_much(masked_toy):
    """Draws around the truth + 3 with a standard deviation of 4: an error of 3, whatever their number."""
    rng = np.random.default_rng(1)
    truth = np.nan_to_num(masked_toy.truth.values[np.isnan(masked_toy.values)])
    for m in (2, 40):
        found = score("draw-rmse", masked_toy, Prediction(truth + 3 + rng.normal(0, 4, (m, len(truth)))))
        assert np.mean([found[name] for name in ("income", "hours", "score")]) == pytest.approx(3, abs=0.4)
