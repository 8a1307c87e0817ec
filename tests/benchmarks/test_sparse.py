"""Columns with too few answers to hide some of them are left out of a benchmark of one's own file, and named."""

import numpy as np
import pytest

from benchmarks.sparse import without_sparse
from datasets.errors import InputError
from datasets.mechanisms.propensity import hide_counts
from datasets.schema import Column, Kind, Role, Schema
from datasets.table import Dataset


def small(*answers, driver=False):
    """A table of ten rows with so many answers a column."""
    values = np.full((10, len(answers)), np.nan)
    for j, number in enumerate(answers):
        values[:number, j] = np.arange(number)
    roles = [Role.DRIVER if driver and not j else Role.ITEM for j in range(len(answers))]
    columns = (Column(f"q{j}", Kind.NUMERIC, role=role) for j, role in enumerate(roles))
    return Dataset("small", Schema(tuple(columns)), values)


def test_what_is_left_reaches_every_rate():
    part, told = without_sparse(small(10, 1, 2, 5), [0.3, 0.2])
    assert part.schema.names == ["q0", "q3"]
    assert "small: left out, as they have too few answers to hide some, or one: q1, q2; more --rows" in told
    assert hide_counts(part, 0.2) == {0: 2, 1: 1} and hide_counts(part, 0.3) == {0: 3, 1: 2}


def test_a_table_that_reaches_them_is_the_same_object():
    table = small(10, 5)
    assert without_sparse(table, [0.3]) == (table, "")


def test_columns_of_one_answer_are_left_out():
    table = small(10, 10)
    values = table.values.copy()
    values[:, 1] = 7
    part, _ = without_sparse(Dataset("small", table.schema, values), [0.3])
    assert part.schema.names == ["q0"]


def test_drivers_stay_and_are_no_table_of_their_own():
    part, _ = without_sparse(small(1, 10, 1, driver=True), [0.3])
    assert part.schema.names == ["q0", "q1"]
    with pytest.raises(InputError, match="no column is left to hide"):
        without_sparse(small(1, 1, driver=True), [0.3])


def test_of_many_some_are_named():
    assert "q1, q2, q3, q4, q5 and 2 more" in without_sparse(small(10, *[1] * 7), [0.3])[1]
