"""Deletion against pandas and statsmodels."""

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Role, Schema
from imputers.deletion.listwise import Listwise
from imputers.deletion.pairwise import Pairwise

NAMES = ["y", "a", "b"]
SCHEMA = Schema(tuple(Column(name, Kind.NUMERIC) for name in NAMES))


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    a = rng.standard_normal(200)
    table = np.column_stack([1 + 2 * a + rng.standard_normal(200), a, a + rng.standard_normal(200)])
    table[rng.random((200, 3)) < 0.2] = np.nan
    return pd.DataFrame(table, columns=NAMES)


def moments(imputer, frame, **parameters):
    return imputer.fit(frame.to_numpy(), schema=SCHEMA, **parameters).answer(frame.to_numpy()).moments


def test_listwise_is_dropna_then_cov(frame):
    imputer = Listwise()
    found = moments(imputer, frame)
    assert found.covariance == pytest.approx(frame.dropna().cov().to_numpy())
    assert found.correlation == pytest.approx(frame.dropna().corr().to_numpy())
    assert found.mean == pytest.approx(frame.dropna().mean().to_numpy())
    assert imputer.rows_kept_.sum() == len(frame.dropna())
    assert imputer.share_lost_ == pytest.approx(1 - len(frame.dropna()) / 200)


def test_listwise_slopes_are_those_of_statsmodels(frame):
    import statsmodels.formula.api as smf

    S = moments(Listwise(), frame).covariance
    theirs = smf.ols("y ~ a + b", frame, missing="drop").fit().params[["a", "b"]]
    assert np.linalg.solve(S[1:, 1:], S[1:, 0]) == pytest.approx(theirs.to_numpy())


def test_listwise_on_named_variables(frame):
    found = moments(Listwise(variables=["y", "a"]), frame)
    assert found.covariance[:2, :2] == pytest.approx(frame[["y", "a"]].dropna().cov().to_numpy())
    assert np.isnan(found.covariance[2]).all()


def test_listwise_takes_the_targets(masked_gss):
    schema = masked_gss.schema
    imputer = Listwise().fit(masked_gss.values, schema=schema)
    targets = schema.having(Role.TARGET)
    complete = ~np.isnan(masked_gss.values[:, targets]).any(axis=1)
    assert (imputer.rows_kept_ == complete).all() and 200 < complete.sum() < 600


def test_listwise_without_complete_rows_says_so(masked_gss):
    with pytest.raises(InputError, match=r"finds \d complete rows of 3,544 in its 24 variables"):
        Listwise(variables=masked_gss.schema.names).fit(masked_gss.values, schema=masked_gss.schema)


def test_pairwise_is_the_cov_of_a_frame(frame):
    imputer = Pairwise()
    found = moments(imputer, frame)
    assert found.covariance == pytest.approx(frame.cov().to_numpy())
    assert found.correlation == pytest.approx(frame.corr().to_numpy())
    known = frame.notna().to_numpy().astype(int)
    counts = (known.T @ known)[np.triu_indices(3, 1)]
    assert imputer.pair_counts_["min"] == counts.min()
    assert imputer.pair_counts_["harmonic"] == pytest.approx(3 / (1 / counts).sum())
    assert not imputer.indefinite_


def test_an_indefinite_pairwise_matrix_is_flagged():
    """Three pairs on rows of their own: correlations 1, 1, -1, whose eigenvalues are 2, 2, -1."""
    hole = np.nan
    X = [[1, 1, hole], [2, 2, hole], [hole, 1, 1], [hole, 2, 2], [1, hole, 2], [2, hole, 1]]
    imputer = Pairwise().fit(np.array(X), schema=SCHEMA)
    assert imputer.indefinite_
    assert imputer.smallest_eigenvalue_ == pytest.approx(-1)


@pytest.mark.parametrize("make", [Listwise, Pairwise])
def test_deletion_fills_nothing(make, frame):
    imputer = make().fit(frame.to_numpy(), schema=SCHEMA)
    assert imputer.answer(frame.to_numpy()).draws is None
    with pytest.raises(InputError, match="fills no holes"):
        imputer.transform(frame.to_numpy())


def test_constant_columns_have_no_moments(frame):
    wide = frame.assign(c=1.0)
    schema = Schema((*SCHEMA.columns, Column("c", Kind.NUMERIC)))
    found = Pairwise().fit(wide.to_numpy(), schema=schema).moments_
    assert found.covariance[:3, :3] == pytest.approx(frame.cov().to_numpy())
    assert np.isnan(found.covariance[3]).all()
