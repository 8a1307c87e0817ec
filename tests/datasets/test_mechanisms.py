"""The mechanisms: how many cells they hide, which, and what a survey statistician would find out about it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.propensity import conditional_sample, hide_counts, propensities, scores
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset, Masked

NAMES = ("mcar", "mar", "ni", "systematic")


def hide(dataset, name, rate=0.3, seed=1):
    return MECHANISMS[name](dataset, rate, np.random.default_rng(seed))


def table(values, *columns):
    return Dataset("small", Schema(columns), np.array(values, dtype=float))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_each_column_hides_exactly_the_asked_share_of_its_observed_cells(gss, name, rate):
    hidden = hide(gss, name, rate)
    observed = ~np.isnan(gss.values)
    for j, column in enumerate(gss.schema):
        wanted = 0 if column.role is Role.DRIVER else round(rate * observed[:, j].sum())
        assert hidden[:, j].sum() == wanted
    assert not (hidden & ~observed).any()


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_alone_decides(gss, name):
    assert (hide(gss, name, seed=7) == hide(gss, name, seed=7)).all()
    assert (hide(gss, name, seed=7) != hide(gss, name, seed=8)).any()


def test_mar_depends_on_the_drivers_and_never_on_the_hidden_answers(gss):
    """Answers shuffled among the observed cells of each item: mar hides the same cells, ni others."""
    rng = np.random.default_rng(3)
    values = gss.values.copy()
    for j in hide_counts(gss, 0.3):
        known = ~np.isnan(values[:, j])
        values[known, j] = rng.permutation(values[known, j])
    shuffled = Dataset(gss.name, gss.schema, values)
    assert (hide(gss, "mar") == hide(shuffled, "mar")).all()
    assert (hide(gss, "ni") != hide(shuffled, "ni")).any()


def test_systematic_silences_one_stretch_of_a_driver_and_nothing_else():
    driver = np.repeat(np.arange(10.0), 20)
    rng = np.random.default_rng(0)
    values = np.column_stack([driver, rng.normal(size=200)])
    values[rng.choice(200, 20, replace=False), 1] = np.nan
    columns = Column("age", Kind.NUMERIC, role=Role.DRIVER), Column("answer", Kind.NUMERIC)
    for seed in range(20):
        hidden = hide(table(values, *columns), "systematic", seed=seed)[:, 1]
        known = ~np.isnan(values[:, 1])
        shares = np.array([hidden[known & (driver == level)].mean() for level in range(10)])
        silent, partly = shares == 1, (shares > 0) & (shares < 1)
        assert silent.sum() >= 1 and partly.sum() <= 2
        touched = np.flatnonzero(shares > 0)
        gaps = np.diff(np.append(touched, touched[0] + 10))  # around the circle there is one gap at most
        assert (gaps > 1).sum() <= 1
    with pytest.raises(InputError, match="finds no driver that varies"):
        hide(table(values, *(Column(name, Kind.NUMERIC) for name in ("age", "answer"))), "systematic")


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_ni_reaches_the_severity_on_every_item(gss, rate):
    hidden = hide(gss, "ni", rate)
    for j, count in hide_counts(gss, rate).items():
        known = ~np.isnan(gss.values[:, j])
        score = scores(gss.values[known, j], gss.schema.columns[j])
        error = 4 * 0.5 / np.sqrt(count)  # four generous standard errors
        assert abs(roc_auc_score(hidden[known, j], score) - 0.7) < error


def test_mar_reaches_the_severity_through_a_model_of_the_drivers(gss):
    hidden = hide(gss, "mar")
    drivers = gss.schema.having(Role.DRIVER)
    D = np.column_stack([scores(gss.values[:, j], gss.schema.columns[j]) for j in drivers])
    D = np.column_stack([np.ones(len(D)), D])
    areas = []
    for j in hide_counts(gss, 0.3):
        known = ~np.isnan(gss.values[:, j])
        model = LogisticRegression(C=1e6).fit(D[known][:, 1:], hidden[known, j])
        areas.append(roc_auc_score(hidden[known, j], model.decision_function(D[known][:, 1:])))
    assert np.mean(areas) == pytest.approx(0.7, abs=0.006)
    assert np.ptp(areas) < 0.07


@pytest.mark.parametrize("auc", [0.5, 0.6, 0.8])
def test_severity_is_a_dial(gss, auc):
    hidden = MECHANISMS["ni"](gss, 0.3, np.random.default_rng(1), auc=auc)
    j = gss.schema.index("income16")
    known = ~np.isnan(gss.values[:, j])
    assert roc_auc_score(hidden[known, j], gss.values[known, j]) == pytest.approx(auc, abs=0.035)


def test_propensities_meet_count_and_severity_exactly():
    score = np.random.default_rng(0).standard_normal(500)
    chance = propensities(score, 150, 0.7)
    later = score[:, None] > score
    pairs = chance[:, None] * (1 - chance)  # chance that row is hidden and column is not
    assert chance.sum() == pytest.approx(150, abs=1e-6)
    assert (pairs * (later + 0.5 * np.eye(500))).sum() / pairs.sum() == pytest.approx(0.7, abs=1e-6)
    odds = np.log(chance / (1 - chance))
    assert np.allclose(np.polyfit(score, odds, 1) @ [score, np.ones(500)], odds)  # logistic in the score


def test_a_lopsided_item_that_cannot_reach_the_dial_stays_a_fair_mixture():
    """9 of 10 say 'yes', listed last; hiding only them would give AUC .571 and never hide a 'no'."""
    score = np.repeat([-3.0, 1 / 3], [100, 900])
    chance = propensities(score, 300, 0.7)
    assert chance.sum() == pytest.approx(300)
    assert chance.min() == pytest.approx(0.3 / 100, rel=1e-4)


def test_conditional_sampling_is_the_logistic_model_given_its_count():
    """Two of three cells: P(all but i) ∝ 1/odds(i), so inclusion is known in closed form."""
    chance = np.array([0.4, 0.7, 0.9])
    without = (1 - chance) / chance
    exact = 1 - without / without.sum()
    rng = np.random.default_rng(5)
    drawn = np.mean([conditional_sample(chance, 2, rng) for _ in range(4000)], axis=0)
    assert drawn == pytest.approx(exact, abs=0.03)


def test_nominal_levels_score_their_ridits():
    column = Column("vote", Kind.NOMINAL, {1.0: "yes", 2.0: "no", 3.0: "may not"})
    codes = np.array([1.0, 1, 2, 3, np.nan])
    raw = np.array([0.25, 0.25, 0.625, 0.875])
    assert scores(codes, column)[:4] == pytest.approx((raw - raw.mean()) / raw.std())
    assert scores(codes, column)[4] == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_rate_outside_zero_and_one_is_an_error(gss, name, rate):
    with pytest.raises(InputError, match="between 0 and 1"):
        hide(gss, name, rate)


@pytest.mark.parametrize("name", NAMES)
def test_a_column_that_cannot_reach_the_rate_says_so(name):
    values = np.column_stack([np.arange(20.0), [1.0] + [np.nan] * 19, np.arange(20.0)])
    columns = (Column("age", Kind.NUMERIC, role=Role.DRIVER), Column("rare", Kind.NUMERIC), Column("b", Kind.NUMERIC))
    with pytest.raises(InputError, match="'rare' of 'small' cannot reach a missing rate of 0.3"):
        hide(table(values, *columns), name)


def test_mar_without_drivers_says_what_to_do():
    values = np.random.default_rng(0).standard_normal((20, 2))
    with pytest.raises(InputError, match='role = "driver"'):
        hide(table(values, Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC)), "mar")


def test_a_severity_out_of_range_is_an_error(gss):
    with pytest.raises(InputError, match="severity"):
        MECHANISMS["mar"](gss, 0.3, np.random.default_rng(0), auc=1.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_item_is_hidden_by_chance(name):
    values = np.column_stack([np.arange(40.0), np.ones(40)])
    hidden = hide(table(values, Column("age", Kind.NUMERIC, role=Role.DRIVER), Column("b", Kind.NUMERIC)), name)
    assert hidden.sum(axis=0).tolist() == [0, 12]


def test_an_unknown_mechanism_suggests_a_near_name():
    with pytest.raises(InputError, match="did you mean mcar"):
        MECHANISMS["mcra"]


def test_the_toy_table_is_hidden_too(toy):
    for name in NAMES:
        assert Masked(toy, hide(toy, name)).scored.sum() == sum(hide_counts(toy, 0.3).values())
