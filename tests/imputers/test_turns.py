"""Which items one is not regressed on when its turn comes."""

import numpy as np

from imputers.shared.turns import unread

MISSING = np.zeros((6, 4), dtype=bool)
MISSING[:2, [1, 3]] = MISSING[:3, 0] = MISSING[4, 2] = True


def told(missing, order, least=1):
    return [own.tolist() for own in unread(missing, order, least)]


def test_later_items_that_are_missing_wherever_one_is_are_not_read():
    assert told(MISSING, [2, 1, 3, 0]) == [[], [3, 0], [], [0]]
    assert told(MISSING, [2, 3, 1, 0]) == [[], [0], [], [1, 0]]
    assert told(MISSING, [0, 1, 2, 3]) == [[], [3], [], []]  # the first has a hole where the others are known


def test_items_with_few_holes_are_not_judged_by_these():
    assert told(MISSING, [2, 1, 3, 0], least=3) == [[], [], [], []]


def test_an_item_that_all_others_are_missing_with_keeps_them():
    assert told(MISSING[:, [1, 3]], [0, 1]) == [[], []]


def test_complete_items_read_all():
    assert told(np.zeros((5, 3), dtype=bool), [0, 1, 2]) == [[], [], []]
