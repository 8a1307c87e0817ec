"""Energy scores on worked cases: CRPS, RPS and half the Brier score of the draws, fair in their number."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.energy_scores import fair_score
from metrics.metric import TABLE, Measured
from metrics.scaled import scaled_cells


def cell_scores(masked, prediction, name):
    """Energy scores of the hidden cells of one item, in SDs, with its draws, truths and SD."""
    cells = scaled_cells(masked, prediction)
    item = next(item for item in cells.items if item.cells.name == name)
    scores = fair_score(cells.draws, cells.truth, cells.distance)[item.at]
    return scores, prediction.draws[:, item.cells.holes], item.cells.truth, item.unit


def test_numeric_cells_get_the_crps_made_fair_by_integration_of_the_distribution_function(masked_toy, toy_guesses):
    """``∫ (F - 1{x ≥ t})² - F (1 - F) / (m - 1) dx``: Ferro 2014, equation 6, for each threshold x."""
    scores, draws, truth, sd = cell_scores(masked_toy, toy_guesses["hot deck"], "income")
    assert sd == pytest.approx(np.std(masked_toy.truth.values[:, masked_toy.schema.index("income")]))
    for score, x, t in zip(scores[:20], draws[:, :20].T, truth[:20], strict=True):
        grid = np.linspace(0, 200, 200_001)
        F = (x[:, None] <= grid).mean(axis=0)
        integrand = (F - (grid >= t)) ** 2 - F * (1 - F) / (len(x) - 1)
        assert score == pytest.approx(np.trapezoid(integrand, grid) / sd, abs=2e-4)


def test_ordinal_cells_get_the_ranked_probability_score_of_the_places(masked_toy, toy_guesses):
    scores, draws, truth, sd = cell_scores(masked_toy, toy_guesses["hot deck"], "trust")
    levels = masked_toy.schema["trust"].levels
    known = masked_toy.truth.values[:, masked_toy.schema.index("trust")]
    assert sd == pytest.approx(np.std(np.searchsorted(levels, known[~np.isnan(known)])))
    P = (draws[:, :, None] <= levels).mean(axis=0)  # (h, K)
    rps = ((P - (truth[:, None] <= levels)) ** 2 - P * (1 - P) / (len(draws) - 1)).sum(axis=1)
    assert scores == pytest.approx(rps / sd)


def test_nominal_cells_get_half_the_brier_score(masked_toy, toy_guesses):
    scores, draws, truth, _ = cell_scores(masked_toy, toy_guesses["hot deck"], "party")
    levels = masked_toy.schema["party"].levels
    p = (draws[:, :, None] == levels).mean(axis=0)
    brier = ((p - (truth[:, None] == levels)) ** 2 - p * (1 - p) / (len(draws) - 1)).sum(axis=1)
    assert scores == pytest.approx(brier / 2)


def test_worked_by_hand(small, worked):
    """Two draws a cell: mean distance from the truth less half of the distance of the draws."""
    happy, age = np.std([0, 1, 2, 2, 1]), np.std([20, 30, 40, 50, 60])  # of all observed answers
    assert METRICS["cell-energy"].score(small, worked) == pytest.approx(
        {"region": 1 / 4, "happy": 1 / happy / 4, "age": 0.0}  # wrong in both draws once, or in opposite directions
    )
    rows = [
        0.0,
        (np.hypot(1 / happy, 4 / age) + 1 / happy) / 2 - np.hypot(2 / happy, 4 / age) / 2,
        0.0,
        (np.hypot(1, 1 / happy) + np.sqrt(1 + 1 / happy**2 + (10 / age) ** 2)) / 2 - 10 / age / 2,
        0.0,  # region right in one draw of two
    ]
    assert METRICS["row-energy"].score(small, worked) == pytest.approx({TABLE: np.mean(rows)})


def test_the_row_score_sees_whether_the_holes_of_a_row_are_drawn_together():
    """Two items that are always alike: draws that are so too get the same for cells and more for rows."""
    rng = np.random.default_rng(1)
    schema = Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC)))
    x = rng.normal(size=4000)
    hidden = np.repeat(rng.random(4000) < 0.5, 2).reshape(-1, 2)
    masked = Masked(Dataset("twice", schema, np.column_stack([x, x])), hidden)
    draws = rng.normal(size=(20, hidden[:, 0].sum(), 1))
    together = Prediction(np.repeat(draws, 2, axis=2).reshape(20, -1))
    apart = Prediction(rng.normal(size=(20, int(hidden.sum()))))
    found = {
        name: [METRICS[name].score(masked, one) for one in (together, apart)] for name in ("cell-energy", "row-energy")
    }
    assert found["cell-energy"][0] == pytest.approx(found["cell-energy"][1], rel=0.05)
    half = 1 / np.sqrt(np.pi)  # CRPS of N(0, 1) against itself: E|X - X'| / 2
    assert found["row-energy"][0][TABLE] == pytest.approx(np.sqrt(2) * half, rel=0.05)
    assert found["row-energy"][1][TABLE] > found["row-energy"][0][TABLE] * 1.05


@pytest.mark.parametrize("name", ["cell-energy", "row-energy", "value-skill"])
def test_five_draws_and_fifty_of_one_method_are_worth_the_same(name, masked_toy):
    """A method that draws from the answers of those who live in the same sort of town, over and over.

    Uncorrected, each of the scores would be off by about a tenth of the variance or the spread at five draws: by 0.05
    and more.
    """

    def value(m, rng):
        found = METRICS[name].score(masked_toy, by_town(masked_toy, m, rng))
        return np.mean([one.value if isinstance(one, Measured) else one for one in found.values()])

    rng = np.random.default_rng(2)
    few, many = (np.array([value(m, rng) for _ in range(runs)]) for m, runs in ((5, 200), (50, 40)))
    error = np.sqrt(few.var(ddof=1) / len(few) + many.var(ddof=1) / len(many))
    assert error < 0.004
    assert abs(few.mean() - many.mean()) < 3 * error


def by_town(masked, m, rng):
    """Draws (m, holes) of observed answers of people in the same sort of town."""
    rows, columns = np.nonzero(np.isnan(masked.values))
    town = masked.values[:, masked.schema.index("town")]
    draws = np.empty((m, len(rows)))
    for j in np.unique(columns):
        for here in (1.0, 2.0):
            at = (columns == j) & (town[rows] == here)
            seen = masked.values[town == here, j]
            draws[:, at] = rng.choice(seen[~np.isnan(seen)], (m, at.sum()))
    return Prediction(draws)


def test_equal_draws_are_the_one_answer_that_they_are(masked_toy, toy_guesses):
    centre = toy_guesses["centre"].draws
    found = METRICS["cell-energy"].score(masked_toy, Prediction(centre))
    assert found == pytest.approx(METRICS["cell-energy"].score(masked_toy, Prediction(np.tile(centre[:1], (9, 1)))))
    income = masked_toy.schema.index("income")
    sd = np.nanstd(masked_toy.truth.values[:, income])
    error = METRICS["mae"].score(masked_toy, toy_guesses["centre"])["income"]
    assert found["income"] == pytest.approx(error / sd, rel=0.01)
    wrong = 1 - METRICS["accuracy"].score(masked_toy, Prediction(centre))["party"]
    assert found["party"] == pytest.approx(wrong)


@pytest.mark.parametrize("name", ["cell-energy", "row-energy", "cell-energy-skill", "row-energy-skill", "value-skill"])
def test_one_draw_shows_no_spread_and_is_not_scored(name, masked_toy, toy_guesses):
    assert METRICS[name].score(masked_toy, Prediction(toy_guesses["hot deck"].draws[:1])) == {}


def test_items_whose_answers_are_all_the_same_or_all_hidden_are_left_out(masked_toy, toy_guesses):
    truth, hidden = masked_toy.truth.values.copy(), masked_toy.hidden.copy()
    income, party = masked_toy.schema.index("income"), masked_toy.schema.index("party")
    truth[:, income], hidden[:, party] = 40.0, True
    masked = Masked(replace(masked_toy.truth, values=truth), hidden)
    holes = int(np.isnan(masked.values).sum())
    prediction = Prediction(np.ones((3, holes)))
    assert set(METRICS["cell-energy"].score(masked, prediction)) == set(masked.schema.names) - {
        "age",
        "town",
        "income",
        "party",
    }


def test_a_method_that_fills_nothing_is_told_so(masked_toy):
    with pytest.raises(InputError, match="fills no holes"):
        METRICS["row-energy"].score(masked_toy, Prediction())
