"""The observed marginal as a forecast: its scores in closed form against integrals, sums and many draws."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.prediction import Prediction
from datasets.table import Masked
from metrics import marginals
from metrics.energy_scores import fair_score
from metrics.marginals import marginal_energy, marginal_row_energy
from metrics.metric import TABLE
from metrics.scaled import scaled_cells
from metrics.skill import cell_energy_skill, value_skill


@pytest.fixture
def cells(masked_toy, toy_guesses):
    return scaled_cells(masked_toy, toy_guesses["hot deck"])


def item(cells, name):
    return next(item for item in cells.items if item.cells.name == name)


@pytest.mark.parametrize("name", ["income", "trust", "party"])
def test_it_is_the_energy_score_of_the_empirical_distribution_itself(name, cells):
    """Over all pairs of observed answers, an answer with itself included: no draws, so nothing to be made fair."""
    own, cap = item(cells, name), 1.0 if name == "party" else np.inf
    x, truth = own.observed, cells.truth[own.at]
    apart = np.minimum(np.abs(x[:, None] - x), cap).mean() / 2
    from_truth = np.minimum(np.abs(x[:, None] - truth), cap).mean(axis=0)
    assert marginal_energy(own, truth) == pytest.approx(from_truth - apart)


def test_of_a_numeric_item_it_is_the_integral_of_the_squared_distribution_function(cells):
    own = item(cells, "income")
    grid = np.linspace(0, 200 / own.unit, 200_001)
    F = np.searchsorted(own.observed, grid, side="right") / len(own.observed)
    for t, score in zip(cells.truth[own.at][:10], marginal_energy(own, cells.truth[own.at])[:10], strict=True):
        assert score == pytest.approx(np.trapezoid((F - (grid >= t)) ** 2, grid), abs=1e-4)


def test_an_answer_that_nobody_left_to_see_gave_costs_as_one_of_probability_zero(cells):
    own = replace(item(cells, "party"), observed=np.array([0.0, 0.0, 0.0, 1.0]))
    assert marginal_energy(own, np.array([2.0, 0.0])) == pytest.approx([(1 + 0.625) / 2, (1 + 0.625) / 2 - 0.75])


def test_rows_get_the_score_of_independent_draws_without_noise_that_counts(masked_gss, gss_guesses, monkeypatch):
    """Other draws move the mean over the rows of the survey, and so a skill, by 0.0003 of it."""
    cells = scaled_cells(masked_gss, gss_guesses["centre"])
    first = marginal_row_energy(cells).mean()
    assert marginal_row_energy(cells).mean() == first
    others = []
    for seed in range(6):
        monkeypatch.setattr(marginals, "SEED", seed)
        others.append(marginal_row_energy(cells).mean())
    assert 0 < np.std([first, *others], ddof=1) / first < 0.0006
    draws = np.empty((80, len(cells.rows)))
    rng = np.random.default_rng(3)
    for own in cells.items:
        draws[:, own.at] = rng.choice(own.observed, (80, len(own.at)))
    assert np.mean(others) == pytest.approx(fair_score(draws, cells.truth, cells.row_distance).mean(), rel=0.002)


def test_rows_of_a_single_cell_get_the_marginal_of_that_cell(masked_toy, toy_guesses):
    hidden = np.zeros_like(masked_toy.hidden)
    trust = masked_toy.schema.index("trust")
    hidden[:, trust] = masked_toy.hidden[:, trust]
    masked = Masked(masked_toy.truth, hidden)
    cells = scaled_cells(masked, Prediction(np.ones((2, int(np.isnan(masked.values).sum())))))
    assert marginal_row_energy(cells).mean() == pytest.approx(
        marginal_energy(cells.items[0], cells.truth).mean(), rel=0.01
    )


def test_squared_error_and_half_brier_of_the_marginal_are_what_skill_is_measured_by(masked_toy, toy_guesses):
    """A method that answers the observed mean has no skill in a numeric item; a hot deck has none but for chance."""
    masked, prediction = masked_toy, toy_guesses["hot deck"]
    columns, income = np.nonzero(np.isnan(masked.values))[1], masked.schema.index("income")
    draws = prediction.draws.copy()
    draws[:, columns == income] = np.nanmean(masked.values[:, income])
    assert value_skill.score(masked, replace(prediction, draws=draws))["income"] == pytest.approx(0, abs=1e-12)
    rng = np.random.default_rng(1)
    many = np.empty((400, len(columns)))
    for j in np.unique(columns):
        seen = masked.values[~np.isnan(masked.values[:, j]), j]
        many[:, columns == j] = rng.choice(seen, (400, (columns == j).sum()))
    for metric in (value_skill, cell_energy_skill):
        found = metric.score(masked, replace(prediction, draws=many))
        assert found[TABLE].value == pytest.approx(0, abs=0.004)
