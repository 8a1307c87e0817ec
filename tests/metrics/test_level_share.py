"""Shares of answers among fills and among the truth, worked by hand, and the bins of numeric items."""

import numpy as np
import pytest

from datasets.schema import Column, Kind
from metrics import METRICS
from metrics.level_share import _answers


def test_worked_by_hand(small, worked):
    found, true = (METRICS[name].score(small, worked) for name in ("level-share", "level-share-true"))
    assert list(found) == list(true)
    # region: fills 1 2 1 3 and 1 2 1 2 of the truth 1 2 2 3; happy: 1 1 3 2 and 1 3 3 2 of 1 2 3 3
    for name, share, truth in (
        ("region: north", 4 / 8, 1 / 4),
        ("region: south", 3 / 8, 2 / 4),
        ("region: west", 1 / 8, 1 / 4),
        ("happy: no", 3 / 8, 1 / 4),
        ("happy: so-so", 2 / 8, 1 / 4),
        ("happy: yes", 3 / 8, 2 / 4),
        ("age: 20", 0.0, 0.0),
        ("age: 30", 1 / 4, 1 / 2),  # 34 50 and 30 40 of 30 50: a value between two answers belongs to the higher one
        ("age: 40", 2 / 4, 0.0),
        ("age: 50", 1 / 4, 1 / 2),
        ("age: 60", 0.0, 0.0),
    ):
        assert (found[name], true[name]) == (share, truth), name
    assert len(found) == 11


def test_many_numbers_stand_in_bins_between_their_deciles():
    column = Column("age", Kind.NUMERIC, decimals=0)
    names, upper = _answers(column, np.arange(1.0, 101.0))
    assert names[0] == "1 to 10"
    assert names[-1] == "91 to 100"
    assert upper.tolist() == [*np.arange(10.0, 100.0, 10.0), np.inf]


def test_an_answer_of_many_is_a_bin_of_its_own():
    column = Column("educ", Kind.NUMERIC, decimals=0)
    answers = np.repeat([8.0, 11.0, 12.0, 13.0, 16.0, 20.0], [5, 5, 50, 5, 30, 5])
    names, upper = _answers(column, answers)
    assert names == ["8 to 11", "12", "13 to 16", "20"]
    assert upper.tolist() == [11.0, 12.0, 16.0, np.inf]


def test_shares_of_an_item_sum_to_one(masked_gss, gss_guesses):
    found = METRICS["level-share"].score(masked_gss, gss_guesses["hot deck"])
    items = {key.split(": ")[0] for key in found}
    assert items == {name for j, name in enumerate(masked_gss.schema.names) if masked_gss.hidden[:, j].any()}
    for name in items:
        assert sum(share for key, share in found.items() if key.startswith(f"{name}: ")) == pytest.approx(1)
