"""The order of turns, and which items one is not regressed on when its turn comes."""

import numpy as np

from imputers.shared.turns import turns


def holes(*rows, n=8):
    """Columns with holes in these rows."""
    return np.array([[row in own for own in rows] for row in range(n)])


def told(missing, least=1):
    order = np.argsort(missing.sum(axis=0), kind="stable").tolist()
    return list(turns(missing, order, least).items())


def test_items_with_the_same_holes_are_drawn_one_behind_the_other():
    assert told(holes({5}, {1, 2}, {3, 4}, {1, 2}, {1, 2})) == [(0, ()), (1, (3, 4)), (3, (4,)), (4, ()), (2, ())]


def test_an_item_joins_the_block_that_it_has_most_holes_in_common_with():
    assert told(holes({1}, {2, 3}, {1, 2, 3})) == [(0, ()), (1, (2,)), (2, ())]


def test_what_is_drawn_behind_an_item_is_a_chain_of_holes_within_holes():
    """Were both the second and the third passed over, the third would be regressed on an old fill of the second."""
    assert told(holes({1}, {1, 2}, {1, 3, 4})) == [(0, (1,)), (1, ()), (2, ())]


def test_items_with_few_holes_do_not_start_a_block():
    assert told(holes({1}, {1, 2}, {1, 2, 3}), least=2) == [(0, ()), (1, (2,)), (2, ())]


def test_an_item_that_all_others_are_missing_with_is_regressed_on_them():
    assert told(holes({1, 2}, {1, 2})) == [(0, ()), (1, ())]


def test_complete_items_start_no_block():
    assert told(holes(set(), set(), {1})) == [(0, ()), (1, ()), (2, ())]
