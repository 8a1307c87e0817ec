"""Which answer texts read like a scale."""

import pytest

from datasets.files.scales import known_order, reads_like_scale


@pytest.mark.parametrize(
    "texts",
    [
        ["very happy", "pretty happy", "not too happy"],
        ["far below average", "below average", "average", "above average", "far above average"],
        ["under $1,000", "$1,000 to $2,999", "$3,000 to $3,999", "$170,000 or over"],
        ["too little", "about right", "too much"],
        ["1 - rich", "2", "3", "4", "5", "6", "7 - poor"],
        ["7", "6", "5"],
    ],
)
def test_scales(texts):
    assert reads_like_scale(texts)


@pytest.mark.parametrize(
    "texts",
    [
        ["protestant", "catholic", "jewish", "none"],
        ["married", "widowed", "divorced", "separated", "never married"],
        ["always wrong", "almost always wrong", "wrong only sometimes", "not wrong at all", "other"],
        ["agree", "disagree", "don't know"],
        ["white", "black", "other"],
        ["3 rooms", "1 room", "2 rooms"],
    ],
)
def test_no_scales(texts):
    assert not reads_like_scale(texts)


@pytest.mark.parametrize(
    "ordered",
    [
        ["Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree"],
        ["never", "rarely", "sometimes", "often", "always"],
        ["18-24", "25-34", "65 and over", "100 or more"],
        ["poor", "fair", "good"],
    ],
)
def test_known_orders_are_found_from_any_order(ordered):
    assert known_order(reversed(ordered)) == ordered


@pytest.mark.parametrize(
    "texts", [["red", "green", "blue"], ["yes", "no"], ["007", "010", "020"], ["low", "high", "dunno"]]
)
def test_an_unknown_order_is_not_guessed(texts):
    assert known_order(texts) is None
