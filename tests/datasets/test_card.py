"""The mask card: each mechanism must look on its card like what it claims to be."""

import json

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.mechanisms import MECHANISMS
from datasets.mechanisms.card import area_error, mask_card
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
