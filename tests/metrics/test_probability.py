import numpy as np
import pytest

from datasets.prediction import Prediction
from metrics import METRICS

REGION = np.array([[0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [1, 0, 0], [0.1, 0.1, 0.8], [0, 0, 1]])  # truth 1 2 2 3, unknown
HAPPY = np.array([[0.5, 0.5, 0], [0.2, 0.6, 0.2], [0, 0, 1], [1, 0, 0], [0, 0, 1]])  # truth 1 2 3 3, unknown


def score(name, masked, prediction):
    return METRICS[name].score(masked, prediction)


def test_worked_by_hand(small, worked):
    prediction = Prediction(worked.draws, None, {0: REGION, 1: HAPPY})
    floor = 1 / 60  # six rows
    surprise = -np.log([[0.5, 0.6, floor, 0.8], [0.5, 0.6, 1, floor]]).mean(axis=1)
    assert score("log-score", small, prediction) == pytest.approx({"region": surprise[0], "happy": surprise[1]})
    # region: .38 + .24 + 2 + .06; happy: .5 + .24 + 0 + 2
    assert score("brier", small, prediction) == pytest.approx({"region": 0.67, "happy": 0.685})
    # happy: ½(.25 + 0), ½(.04 + .04), 0, ½(1 + 1)
    assert score("rps", small, prediction) == pytest.approx({"happy": 0.29125})


def test_columns_without_probabilities_of_their_own_are_left_out(small, worked):
    for name in ("log-score", "brier", "rps"):
        assert score(name, small, worked) == {}
    assert set(score("brier", small, Prediction(worked.draws, None, {1: HAPPY}))) == {"happy"}


def test_the_shares_of_the_item_get_what_is_stated(masked_gss, gss_guesses):
    found = {name: score(name, masked_gss, gss_guesses["centre"]) for name in ("log-score", "brier", "rps")}
    for name in found["brier"]:
        column = masked_gss.schema[name]
        known = masked_gss.truth.values[:, masked_gss.schema.index(name)]
        shares = (known[~np.isnan(known), None] == column.levels).mean(axis=0)
        entropy = -np.sum(shares * np.log(np.where(shares > 0, shares, 1)))
        assert found["log-score"][name] == pytest.approx(entropy, rel=0.04)
        assert found["brier"][name] == pytest.approx(1 - np.sum(shares**2), rel=0.04)
        if name in found["rps"]:
            below = shares.cumsum()[:-1]
            assert found["rps"][name] == pytest.approx(np.mean(below * (1 - below)), rel=0.06)


@pytest.mark.parametrize("name", ["log-score", "brier", "rps"])
def test_is_proper(small, worked, name):
    # of all forecasts alike for all cells, the true shares ¼ ¼ ½ of happy are best
    def of(shares):
        return score(name, small, Prediction(worked.draws, None, {1: np.tile(shares, (5, 1))}))["happy"]

    assert all(of([0.25, 0.25, 0.5]) < of(other) for other in ([0.3, 0.2, 0.5], [0.2, 0.25, 0.55], [0, 0, 1]))
