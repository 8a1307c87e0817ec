"""Skill against the observed marginals, and what each cluster of respondents has to do with it."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.clusters import clusters
from datasets.prediction import Prediction
from datasets.schema import Kind
from metrics import METRICS
from metrics.energy_scores import fair_score
from metrics.marginals import marginal_energy, marginal_row_energy
from metrics.metric import TABLE, Measured
from metrics.scaled import scaled_cells
from metrics.skill import skill, squared_error

PRIMARY = ("row-energy-skill", "cell-energy-skill", "value-skill")


@pytest.fixture(scope="session")
def knowing(masked_gss):
    """Draws for the survey that know something: the truth in a third of the cells, else any observed answer."""
    rng = np.random.default_rng(7)
    rows, columns = np.nonzero(np.isnan(masked_gss.values))
    draws = np.empty((4, len(rows)))
    for j in np.unique(columns):
        seen = masked_gss.values[~np.isnan(masked_gss.values[:, j]), j]
        draws[:, columns == j] = rng.choice(seen, (4, (columns == j).sum()))
    truth = masked_gss.truth.values[rows, columns]
    return Prediction(np.where(~np.isnan(truth) & (rng.random(draws.shape) < 1 / 3), truth, draws))


def test_worked_by_hand():
    found = skill(np.array([1.0, 2.0, 3.0]), np.array([4.0, 4.0, 4.0]), np.array([0, 2, 2]), 3)
    assert found.value == 1 - 2 / 4
    assert found.influence == pytest.approx([1 / 12, 0, -1 / 12])  # (2 - 1) / (3 × 4), and (2 - 2 + 2 - 3) / 12
    assert skill(np.zeros(3), np.zeros(3), np.zeros(3, dtype=int), 1) is None


def test_squared_error_is_unbiased_in_the_draws():
    """Draws of variance 9 around 2, for a truth of 1: (2 - 1)² whatever their number."""
    rng = np.random.default_rng(1)
    for m in (2, 5, 50):
        found = squared_error(rng.normal(2, 3, (m, 200_000)), np.ones(200_000))
        assert found.mean() == pytest.approx(1, abs=4 * found.std() / np.sqrt(200_000))
    assert squared_error(np.full((3, 1), 2.0), np.array([5.0])) == pytest.approx(9)  # equal draws as they are


def test_skill_of_an_item_is_what_is_saved_of_the_marginals_score(masked_toy, toy_guesses):
    prediction = toy_guesses["hot deck"]
    cells, energy = scaled_cells(masked_toy, prediction), METRICS["cell-energy"].score(masked_toy, prediction)
    found = METRICS["cell-energy-skill"].score(masked_toy, prediction)
    for item in cells.items:
        name = item.cells.name
        trivial = marginal_energy(item, cells.truth[item.at]).mean()
        assert found[name] == pytest.approx(1 - energy[name] / trivial)
    by_kind = {kind: [found[c.name] for c in masked_toy.schema if c.kind is kind and c.name in found] for kind in Kind}
    for kind in (Kind.NUMERIC, Kind.ORDINAL, Kind.NOMINAL):
        assert found[f"({kind})"] == pytest.approx(np.mean(by_kind[kind]))
    assert found[TABLE].value == pytest.approx(np.mean([found[item.cells.name] for item in cells.items]))


def test_skill_of_values_by_kind_of_item(masked_toy, toy_guesses):
    """Squared error of the codes of numeric and ordinal items, half the Brier score of nominal ones."""
    prediction = toy_guesses["hot deck"]
    found = METRICS["value-skill"].score(masked_toy, prediction)
    rows, columns = np.nonzero(np.isnan(masked_toy.values))
    for name in ("income", "trust"):
        j = masked_toy.schema.index(name)
        at = (columns == j) & masked_toy.scored
        x, t = prediction.draws[:, at], masked_toy.truth.values[rows[at], j]
        error = np.mean((x.mean(axis=0) - t) ** 2 - x.var(axis=0, ddof=1) / len(x))
        assert found[name] == pytest.approx(1 - error / np.mean((np.nanmean(masked_toy.values[:, j]) - t) ** 2))
    party = METRICS["cell-energy-skill"].score(masked_toy, prediction)["party"]
    assert found["party"] == pytest.approx(party)


@pytest.mark.parametrize("name", PRIMARY)
def test_the_truth_has_all_skill_and_its_value_hangs_on_nobody(name, masked_gss, gss_guesses):
    found = METRICS[name].score(masked_gss, gss_guesses["perfect"])[TABLE]
    assert found.value == pytest.approx(1)
    assert found.influence == pytest.approx(np.zeros(132))


@pytest.mark.parametrize("name", PRIMARY)
def test_what_a_method_states_beside_its_draws_moves_no_primary_score(name, masked_toy, toy_guesses):
    draws = toy_guesses["hot deck"].draws
    bare = METRICS[name].score(masked_toy, Prediction(draws))
    for stated in ("perfect", "centre"):
        told = METRICS[name].score(masked_toy, replace(toy_guesses[stated], draws=draws))
        assert told.keys() == bare.keys()
        for key, value in bare.items():
            if isinstance(value, Measured):
                assert told[key].value == value.value
                assert (told[key].influence == value.influence).all()
            else:
                assert told[key] == value


@pytest.mark.parametrize("name", PRIMARY)
def test_influences_sum_to_zero_and_foretell_what_other_weights_of_the_clusters_make_of_the_value(
    name, masked_gss, knowing
):
    found = METRICS[name].score(masked_gss, knowing)[TABLE]
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)
    assert reweighted(name, masked_gss, knowing, np.ones(132)) == pytest.approx(found.value)
    for c in (0, 17, 131):
        step = np.zeros(132)
        step[c] = 1e-5
        higher, lower = (reweighted(name, masked_gss, knowing, 1 + sign * step) for sign in (1, -1))
        assert (higher - lower) / 2e-5 == pytest.approx(found.influence[c], rel=1e-5, abs=1e-10)
    rng = np.random.default_rng(3)  # whole samples of clusters: to first order
    for _ in range(3):
        w = rng.multinomial(132, np.full(132, 1 / 132))
        linear = found.value + (w - 1) @ found.influence
        assert reweighted(name, masked_gss, knowing, w) == pytest.approx(
            linear, abs=0.1 * np.linalg.norm(found.influence)
        )


def reweighted(name, masked, prediction, w):
    """The score with the units of each cluster counted by its weight (C,), worked out anew."""
    cells, of_row = scaled_cells(masked, prediction), clusters(masked.truth).of_row
    if name == "row-energy-skill":
        unit = w[of_row[cells.rows[cells.starts]]]
        own = fair_score(cells.draws, cells.truth, cells.row_distance)
        return 1 - (unit @ own) / (unit @ marginal_row_energy(cells))
    energy, skills = fair_score(cells.draws, cells.truth, cells.distance), []
    for item in cells.items:
        own, trivial = energy[item.at], marginal_energy(item, cells.truth[item.at])
        if name == "value-skill" and not item.unordered:
            own = squared_error(prediction.draws[:, item.cells.holes], item.cells.truth)
            trivial = (np.nanmean(masked.values[:, item.cells.position]) - item.cells.truth) ** 2
        unit = w[of_row[cells.rows[item.at]]]
        skills.append(1 - (unit @ own) / (unit @ trivial))
    return np.mean(skills)


@pytest.mark.parametrize("name", PRIMARY)
def test_influences_foretell_how_far_samples_of_clusters_differ(name, masked_toy, toy_guesses):
    """The spread of the score over bootstrap samples of the groups is that of the sum of their influences."""
    prediction = toy_guesses["hot deck"]
    found = METRICS[name].score(masked_toy, prediction)[TABLE]
    rng = np.random.default_rng(4)
    samples = rng.multinomial(100, np.full(100, 0.01), 100)
    values = [reweighted(name, masked_toy, prediction, w) for w in samples]
    assert np.std(values) == pytest.approx(np.linalg.norm(found.influence), rel=0.25)
