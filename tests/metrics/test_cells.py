import numpy as np
from numpy.testing import assert_array_equal

from datasets.schema import Kind
from metrics.cells import completed_tables, hidden_cells


def test_hidden_cells_know_their_places(small):
    cells = {found.name: found for found in hidden_cells(small, *Kind)}
    # holes row by row: region happy | happy age | region happy | region happy age | region happy | region age
    assert_array_equal(cells["region"].holes, [0, 4, 6, 9])
    assert_array_equal(cells["happy"].holes, [1, 2, 5, 7])
    assert_array_equal(cells["age"].holes, [3, 8])
    assert_array_equal(cells["region"].truth, [1, 2, 2, 3])
    assert_array_equal(cells["age"].own, [0, 1])
    assert cells["age"].spread == np.sqrt(200)


def test_columns_without_hidden_cells_are_left_out(masked_gss):
    names = {found.name for found in hidden_cells(masked_gss, *Kind)}
    assert names == set(masked_gss.schema.names) - {"age", "sex", "race", "region"}


def test_completed_tables_leave_natural_holes_open(small, worked):
    first, second = completed_tables(small, worked)
    N = np.nan
    assert_array_equal(first, [[1, 1, 20], [1, 1, 34], [2, 3, 40], [1, 2, 50], [3, N, 60], [N, 2, N]])
    assert_array_equal(second[:, 0], [1, 1, 2, 1, 2, N])
    assert np.isnan(small.truth.values).sum() == 3
