"""Impossible rows: worked by hand."""

import numpy as np
import pytest

from datasets.condition import Condition
from datasets.prediction import Prediction
from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.metric import TABLE

COLUMNS = tuple(Column(name, Kind.NUMERIC) for name in ("age", "first"))
TRUTH = np.array([[30.0, 20.0], [40.0, 25.0], [50.0, np.nan], [20.0, 30.0]])
HIDDEN = np.array([[False, True], [False, True], [True, False], [False, True]])


def score(checks, fills):
    """Fills of rows 0, 1, of both holes of row 2, and of row 3."""
    masked = Masked(Dataset("d", Schema(COLUMNS, checks=checks), TRUTH), HIDDEN)
    return METRICS["impossible-rows"].score(masked, Prediction(np.array(fills, dtype=float)))


def test_rows_that_hidden_cells_decide_are_counted_over_draws():
    found = score((Condition("age >= first"),), [[31, 25, 1, 9, 10], [20, 41, 1, 9, 99]])
    assert found == {TABLE: pytest.approx(3 / 6)}  # row 2 would be open with its hidden cell known, too


def test_no_checks_no_score():
    assert score((), [[31, 25, 1, 9, 10]]) == {}
    assert score((Condition("age >= 0 or first >= 0"),), [[31, 25, 1, 9, 10]]) == {TABLE: 0.0}
