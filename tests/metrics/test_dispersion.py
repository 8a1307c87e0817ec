"""Dispersion within groups: worked by hand, small groups, and methods whose flattening is known."""

from dataclasses import replace
from time import process_time

import numpy as np
import pytest

from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.dispersion import CELLS_PER_GROUP
from metrics.metric import TABLE

SCHEMA = Schema(
    (
        Column("sex", Kind.NOMINAL, {1: "male", 2: "female"}, role=Role.DRIVER),
        Column("happy", Kind.ORDINAL, {1: "no", 2: "so-so", 3: "yes"}),
        Column("age", Kind.NUMERIC),
        Column("work", Kind.NOMINAL, {1: "job", 2: "none"}),
    )
)
VARIANCE, ENTROPY = "within-variance-ratio", "within-entropy-ratio"
BY_GROUP = {VARIANCE: "subgroup-variance-ratio", ENTROPY: "subgroup-entropy-ratio"}
N = np.nan


def score(name, masked, prediction):
    return METRICS[name].score(masked, prediction)


@pytest.fixture
def people():
    """Rows of sex, happy, age, work: all but sex is hidden, the last person's sex is unknown."""
    rows = [[1, 1, 10, 1], [1, 3, 30, 2], [2, 1, 50, 1], [2, 2, 50, 1], [2, 3, 80, 1], [N, 1, 0, 1]]
    truth = np.array(rows, dtype=float)
    hidden = np.repeat([[False, True, True, True]], len(truth), axis=0)
    return Masked(Dataset("people", SCHEMA, truth), hidden)


def many(masked, copies):
    """The same people many times over, with the fills of an answer to match."""
    values, hidden = np.tile(masked.truth.values, (copies, 1)), np.tile(masked.hidden, (copies, 1))
    return Masked(Dataset("people", SCHEMA, values), hidden)


def fills(masked, table):
    """Answer of one draw from a completed table."""
    return Prediction(table[np.isnan(masked.values)][None])


def test_variance_worked_by_hand(people):
    table = people.truth.values.copy()
    table[:, 1] = [2, 3, 2, 2, 3, 3]
    table[:, 2] = [20, 30, 50, 50, 50, 90]
    happy, age = people.truth.values[:, 1].var(), people.truth.values[:, 2].var()
    # sums of squares about the group's mean, male and female; the person of unknown sex is in no group
    true = (2 + 2) / happy + (200 + 600) / age
    found = (1 / 2 + 2 / 3) / happy + (50 + 0) / age
    assert score(VARIANCE, people, fills(people, table)) == pytest.approx({TABLE: found / true})


def test_entropy_worked_by_hand(people):
    table = people.truth.values.copy()
    table[:, 1] = [2, 3, 2, 2, 3, 3]
    table[:, 3] = [2, 1, 1, 1, 2, 2]
    thirds = -3 * (np.log(1 / 3) / 3 + 2 * np.log(2 / 3) / 3)  # three cells, split 1 and 2
    true = (2 * np.log(2) + 3 * np.log(3)) + (2 * np.log(2) + 0)  # happy, then work
    found = (2 * np.log(2) + thirds) + (2 * np.log(2) + thirds)
    assert score(ENTROPY, people, fills(people, table)) == pytest.approx({TABLE: found / true})


def test_draws_are_measured_one_by_one(people):
    """Two constant draws that differ from each other do not make people of one group differ."""
    tables = [people.truth.values.copy() for _ in range(2)]
    for table, level in zip(tables, (1, 3), strict=True):
        table[:, 1:3] = level
        table[:, 3] = 1 + (level == 3)
    prediction = Prediction(np.concatenate([fills(people, table).draws for table in tables]))
    assert score(VARIANCE, people, prediction) == pytest.approx({TABLE: 0.0}, abs=1e-12)
    assert score(ENTROPY, people, prediction) == pytest.approx({TABLE: 0.0}, abs=1e-12)


@pytest.mark.parametrize("name", [VARIANCE, ENTROPY])
def test_a_small_group_has_no_ratio_of_its_own_but_counts_with_the_others(name, people):
    """Two men and three women, two items of each sort: 25 copies make 100 cells of men, 24 make too few."""
    table = people.truth.values.copy()
    table[[0, 1], 1:] = [2, 20, 1]  # the men are all alike
    found, whole = {}, {}
    for copies in (CELLS_PER_GROUP // 4, CELLS_PER_GROUP // 4 - 1):
        masked = many(people, copies)
        prediction = fills(masked, np.tile(table, (copies, 1)))
        found[copies], whole[copies] = score(BY_GROUP[name], masked, prediction), score(name, masked, prediction)[TABLE]
    assert found == {
        25: pytest.approx({"sex: male": 0.0, "sex: female": 1.0}),
        24: pytest.approx({"sex: female": 1.0}),
    }
    assert whole[24] == pytest.approx(whole[25])
    assert 0 < whole[25] < 1


def test_stereotypes_are_seen_within_groups_where_the_whole_looks_right(people):
    """Half of a group says one thing, half the other: a method that gives each group one answer keeps half of it."""
    rng = np.random.default_rng(1)
    sex = np.repeat([1.0, 2.0], 2000)
    happy = np.where(rng.random(4000) < 0.9, 2 * sex - 1, 4 - (2 * sex - 1))
    values = np.column_stack([sex, happy, rng.normal(size=4000), np.ones(4000)])
    masked = Masked(Dataset("people", SCHEMA, values), np.repeat([[False, True, False, False]], 4000, axis=0))
    stereotype = np.column_stack([sex, 2 * sex - 1, values[:, 2:]])
    prediction = fills(masked, stereotype)
    assert score("variance-ratio", masked, prediction)["happy"] == pytest.approx(1.0, abs=0.01)
    for name, by_group in BY_GROUP.items():
        assert score(name, masked, prediction) == pytest.approx({TABLE: 0}, abs=1e-9)
        assert score(by_group, masked, prediction) == pytest.approx({"sex: male": 0, "sex: female": 0}, abs=1e-9)


def test_a_driver_is_not_judged_within_its_own_groups(people):
    """Hidden sex has no entropy among men; with it counted, wrong fills would raise that of the fills alone."""
    masked = Masked(people.truth, people.hidden | [True, False, False, False] & ~np.isnan(people.truth.values))
    table = people.truth.values.copy()
    table[:, 0] = [2, 1, 1, 2, 2, 1]
    assert score(ENTROPY, masked, fills(masked, table)) == pytest.approx({TABLE: 1.0})


def test_without_nominal_drivers_there_are_no_groups(people):
    columns = tuple(replace(column, role=Role.ITEM) for column in SCHEMA)
    masked = Masked(Dataset("people", Schema(columns), people.truth.values), people.hidden)
    prediction = fills(masked, people.truth.values)
    for name, by_group in BY_GROUP.items():
        assert score(name, masked, prediction) == score(by_group, masked, prediction) == {}


def test_the_survey_draws_from_margins_and_modes_and_costs_little(masked_gss, gss_guesses):
    """Draws from an item's margins are more dispersed within groups than people are; a centre is not at all."""
    centre, deck = gss_guesses["centre"], gss_guesses["hot deck"]
    five = Prediction(np.tile(deck.draws[:1], (5, 1)))
    for name, by_group in BY_GROUP.items():
        assert score(name, masked_gss, centre) == pytest.approx({TABLE: 0.0}, abs=1e-9)
        assert 1.0 < score(name, masked_gss, deck)[TABLE] < 1.05
        assert {"sex: female", "race: black", "region: pacific"} <= set(score(by_group, masked_gss, deck))
        start = process_time()
        score(name, masked_gss, five)
        assert process_time() - start < 0.3
