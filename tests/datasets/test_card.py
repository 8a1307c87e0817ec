"""The mask card: each mechanism must look on its card like what it claims to be."""

import json
import time

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.card import MaskCard, area_error, mask_card
from datasets.mechanisms.designs import own_design
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset, Masked

SEEDS = range(2)


@pytest.fixture(scope="module")
def cards(gss):
    """Two masks of the real table by each mechanism, 30 % hidden."""
    return {
        name: [
            mask_card(Masked(gss, MECHANISMS[name](gss, 0.3, np.random.default_rng(seed))), name, 0.3, seed)
            for seed in SEEDS
        ]
        for name in ("mcar", "mar", "ni")
    }


def pooled(cards, field):
    return np.array([getattr(column, field) for card in cards for column in card.columns])


def test_all_mechanisms_hide_the_same_number_of_cells(cards):
    counts = [pooled(cards[name], "hidden").tolist() for name in cards]
    assert counts[0] == counts[1] == counts[2]
    assert all(abs(card.realised_rate - 0.3) < 1e-4 for group in cards.values() for card in group)


def test_under_mar_the_own_value_adds_nothing_beyond_the_drivers(cards):
    """40 likelihood-ratio tests at 5 %: 2 rejections expected, 7 or more have probability .003."""
    p = pooled(cards["mar"], "own_p")
    assert (p < 0.05).sum() < 7
    assert abs(p.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 40)
    assert pooled(cards["mar"], "auc_drivers").mean() == pytest.approx(0.69, abs=0.015)


def test_under_ni_the_own_value_adds_beyond_the_drivers(cards):
    assert (pooled(cards["ni"], "own_p") < 1e-6).all()
    assert pooled(cards["ni"], "auc_own").mean() == pytest.approx(0.70, abs=0.01)


def test_under_mcar_nothing_predicts(cards):
    assert (pooled(cards["mcar"], "own_p") < 0.05).sum() < 7
    assert pooled(cards["mcar"], "auc_own").mean() == pytest.approx(0.5, abs=0.01)
    assert pooled(cards["mcar"], "auc_drivers").mean() == pytest.approx(0.5, abs=0.01)
    assert np.abs(pooled(cards["mcar"], "bias")).max() < 0.06


def test_only_ni_shifts_the_remaining_answers_far(cards):
    """Slope b and hidden share r move the mean of the rest by about -b·r SD; here -.2, shares by .1."""
    assert np.abs(pooled(cards["ni"], "bias")).min() > 0.08
    assert np.abs(pooled(cards["mar"], "bias")).mean() < 0.05


def test_no_item_of_the_survey_falls_short_of_the_dial(cards):
    assert not pooled(cards["ni"], "short").any() and not pooled(cards["mar"], "short").any()
    assert cards["mcar"][0].dial is None and not pooled(cards["mcar"], "short").any()
    assert (pooled(cards["ni"], "least_chance") > 0.03).all()


def test_an_item_too_lopsided_for_the_dial_is_named_on_the_card():
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.integers(18, 90, 2000), rng.choice([1.0, 2.0], 2000, p=[0.1, 0.9])])
    columns = Column("age", Kind.NUMERIC, role=Role.DRIVER), Column("yes", Kind.NOMINAL, {1.0: "no", 2.0: "yes"})
    dataset = Dataset("small", Schema(columns), values)
    card = mask_card(Masked(dataset, MECHANISMS["ni"](dataset, 0.3, rng)), "ni", 0.3, 0)
    assert card.columns[0].short
    assert "short of it: yes" in card.to_markdown()


def test_a_card_is_json_and_markdown(cards):
    card = cards["mar"][0]
    back = json.loads(json.dumps(card.to_dict(), allow_nan=False))
    assert back["columns"][0]["column"] == "income16" and back["dial"] == 0.7
    rows = [line for line in card.to_markdown().splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 20 and len({row.count("|") for row in rows}) == 1


def test_a_table_without_drivers_has_no_driver_figures():
    values = np.random.default_rng(1).standard_normal((200, 2))
    dataset = Dataset("small", Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC))), values)
    card = mask_card(Masked(dataset, MECHANISMS["ni"](dataset, 0.3, np.random.default_rng(0))), "ni", 0.3, 0)
    assert card.columns[0].auc_drivers is None
    assert card.columns[0].own_p < 0.01
    json.dumps(card.to_dict(), allow_nan=False)


def test_bias_by_hand():
    dataset = Dataset("small", Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC))), [[1, 0], [2, 0], [3, 1]])
    card = mask_card(Masked(dataset, np.array([[0, 0], [0, 0], [1, 0]], dtype=bool)), "mcar", 0.3, 0)
    assert [column.column for column in card.columns] == ["a"]
    assert card.columns[0].bias == pytest.approx((1.5 - 2) / np.sqrt(2 / 3))
    assert card.complete_rows == pytest.approx(2 / 3)


def test_an_unknown_mechanism_has_no_card(masked_toy):
    with pytest.raises(InputError, match="no mechanism"):
        mask_card(masked_toy, "mcarr", 0.3, 0)


def test_standard_error_of_an_auc_as_worked_in_its_paper():
    """Hanley & McNeil 1982: AUC .893, 51 abnormal and 58 normal images, standard error .032."""
    assert area_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.0006)


def of_many(n, n_levels):
    """A table with a driver of many levels, one with the same codes to be hidden, and a number."""
    rng = np.random.default_rng(3)
    labels = {float(code): f"place {code}" for code in range(n_levels)}
    values = np.column_stack([rng.integers(0, n_levels, n), rng.integers(0, n_levels, n), rng.normal(size=n)])
    place = Column("place", Kind.NOMINAL, labels, role=Role.DRIVER)
    columns = (place, Column("work", Kind.NOMINAL, labels), Column("x", Kind.NUMERIC))
    return Dataset("many", Schema(columns), values)


@pytest.mark.parametrize("name", ["mar", "ni"])
def test_a_driver_of_six_thousand_levels_is_measured_by_its_score(name):
    dataset = of_many(5000, 6000)
    start = time.process_time()
    mask = Masked(dataset, MECHANISMS[name](dataset, 0.3, np.random.default_rng(1)))
    card = mask_card(mask, name, 0.3, 1)
    assert time.process_time() - start < 10
    work, x = card.columns
    drives, idle = ("auc_drivers", "auc_own") if name == "mar" else ("auc_own", "auc_drivers")
    for column in (work, x):
        assert getattr(column, drives) == pytest.approx(0.70, abs=0.02)
        assert getattr(column, idle) == pytest.approx(0.5, abs=0.03)
        assert (column.own_p < 1e-6) == (name == "ni")
    assert not work.short and not x.short


def test_frequent_levels_among_many_have_dummies():
    codes = np.repeat(np.arange(100.0), [400, *[2] * 98, 300])
    column = Column("place", Kind.NOMINAL, {float(code): str(code) for code in range(100)})
    D = own_design(codes, column)
    assert D.shape == (896, 4)  # ones, the score, and a dummy each of the first and the last level
    assert (np.ptp(D[codes == 0], axis=0) == 0).all()
    assert (D[codes == 0, 2] > 0).all() and (D[codes == 0, 3] == 0).all() and (D[codes == 99, 3] > 0).all()


def test_bias_of_a_nominal_item_is_the_largest_change_of_a_share():
    labels = {1.0: "a", 2.0: "b", 5.0: "c"}
    dataset = Dataset("small", Schema((Column("a", Kind.NOMINAL, labels),)), [[1], [1], [2], [5]])
    card = mask_card(Masked(dataset, np.array([[1], [0], [0], [0]], dtype=bool)), "mcar", 0.3, 0)
    assert card.columns[0].bias == pytest.approx(1 / 3 - 2 / 4)


def test_of_many_rows_a_sample_is_fitted():
    n = 60_000
    values = np.random.default_rng(2).normal(size=(n, 2))
    dataset = Dataset("tall", Schema((Column("a", Kind.NUMERIC, role=Role.DRIVER), Column("b", Kind.NUMERIC))), values)
    mask = Masked(dataset, MECHANISMS["mar"](dataset, 0.3, np.random.default_rng(1)))
    card = mask_card(mask, "mar", 0.3, 1)
    assert (card.columns[0].observed, card.columns[0].hidden) == (n, 18_000)
    assert card.columns[0].auc_drivers == pytest.approx(0.7, abs=0.015)


def test_of_many_columns_some_are_measured_and_the_card_says_so():
    values = np.random.default_rng(2).normal(size=(60, 500))
    dataset = Dataset("wide", Schema(tuple(Column(f"q{j}", Kind.NUMERIC) for j in range(500))), values)
    card = mask_card(Masked(dataset, MECHANISMS["mcar"](dataset, 0.3, np.random.default_rng(1))), "mcar", 0.3, 1)
    names = [column.column for column in card.columns]
    assert (len(set(names)), names[0], names[-1]) == (200, "q0", "q499")
    assert "Measured are 200 of 500 columns" in card.to_markdown()
    assert card.realised_rate == pytest.approx(0.3)
    assert MaskCard(**card.to_dict()).touched == 500
