"""The classifier that tells completed rows from true ones: blind where it must be, and sharp where all can see it."""

import numpy as np
import pytest

from datasets.prediction import Prediction
from datasets.table import Masked
from metrics import METRICS
from metrics.metric import TABLE


def auc(masked, prediction):
    return METRICS["two-sample-auc"].score(masked, prediction)


def test_the_truth_cannot_be_told_from_itself(masked_gss, gss_guesses):
    assert auc(masked_gss, gss_guesses["perfect"]) == {TABLE: 0.5}


def test_completed_rows_with_a_mark_are_told_at_once(masked_gss):
    """Fills that nobody gave: nearly all rows have some."""
    holes = np.isnan(masked_gss.values)
    assert auc(masked_gss, Prediction(np.full((1, int(holes.sum())), 99.0)))[TABLE] > 0.99


def test_it_sees_relations_where_each_item_is_right_by_itself(masked_gss, gss_guesses):
    deck, centre = (auc(masked_gss, gss_guesses[name])[TABLE] for name in ("hot deck", "centre"))
    assert 0.7 < deck < 0.85
    assert deck + 0.05 < centre < 1


def test_draws_from_the_very_law_are_not_told_apart():
    """Two independent halves of one population: 0.5 but for chance, and the same whenever it is asked."""
    from datasets.schema import Column, Kind, Schema
    from datasets.table import Dataset

    rng = np.random.default_rng(5)
    z = rng.normal(size=3000)
    x, y, other = z + rng.normal(size=3000), z + rng.normal(size=3000), rng.normal(size=3000)
    hidden = np.column_stack([np.zeros(3000, dtype=bool), np.ones(3000, dtype=bool)])
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    masked = Masked(Dataset("pair", schema, np.column_stack([x, y])), hidden)
    conditional = x / 2 + np.sqrt(1.5) * other  # y given x
    found = auc(masked, Prediction(conditional[None]))
    assert found[TABLE] == pytest.approx(0.5, abs=0.04)
    assert auc(masked, Prediction(conditional[None])) == found
    assert auc(masked, Prediction(other[None] * np.sqrt(2)))[TABLE] > 0.55


def test_only_the_first_draw_is_judged_and_a_table_needs_rows(masked_toy, toy_guesses):
    draws = toy_guesses["hot deck"].draws
    assert auc(masked_toy, Prediction(draws)) == auc(masked_toy, Prediction(draws[:1]))
    nothing = np.zeros_like(masked_toy.hidden)
    holes = int(np.isnan(masked_toy.truth.values).sum())
    assert auc(Masked(masked_toy.truth, nothing), Prediction(np.ones((1, holes)))) == {}
