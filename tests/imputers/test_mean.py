"""Mean substitution against published errors and a table worked by hand."""

import numpy as np
import pytest

from datasets.prediction import expectation
from datasets.schema import Column, Kind, Schema
from imputers.substitution.mean import Mean


def expected_error(Z, hidden, schema):
    X = np.where(hidden, np.nan, Z)
    prediction = Mean().fit(X, schema=schema).impute(X, n_draws=1)
    return np.mean((expectation(prediction, X, schema) - Z[hidden]) ** 2)


def test_breast_cancer_self_masked(breast_cancer):
    """Ipsen, Mattei & Frellsen 2021, table 1: RMSE 1.82 for the mean; 1.820 re-run."""
    Z, _, schema = breast_cancer
    hidden = Z.mean(axis=0) < Z
    hidden[:, Z.shape[1] // 2 :] = False
    assert np.sqrt(expected_error(Z, hidden, schema)) == pytest.approx(1.820, abs=5e-4)


def test_breast_cancer_half_hidden_at_random(breast_cancer):
    """The mask of the public MIWAE notebook (seed 1234): MSE 1.0275."""
    assert expected_error(*breast_cancer) == pytest.approx(1.0275, abs=5e-5)


def test_each_kind_gets_its_statistic():
    schema = Schema(
        (
            Column("numeric", Kind.NUMERIC, decimals=1),
            Column("ordinal", Kind.ORDINAL, {1.0: "a", 2.0: "b", 3.0: "c", 4.0: "never chosen"}),
            Column("nominal", Kind.NOMINAL, {0.0: "x", 1.0: "y"}),
        )
    )
    hole = np.nan
    X = np.array([[1, 1, 1], [2, 1, 1], [6, 2, 0], [hole, 3, 0], [2, 3, 1], [hole, hole, hole]])
    prediction = Mean().fit(X, schema=schema).impute(X, n_draws=2)
    assert prediction.draws.tolist() == [[2.8, 2.8, 2.0, 1.0]] * 2  # 11/4 rounded half to even; median; mode
    assert prediction.expected[:3] == pytest.approx([2.75, 2.75, 2.0])
    assert prediction.probabilities[1] == pytest.approx(np.array([[0.4, 0.2, 0.4, 0.0]]))
    assert prediction.probabilities[2] == pytest.approx(np.array([[0.4, 0.6]]))
