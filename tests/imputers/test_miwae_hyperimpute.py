import numpy as np
import pytest
import torch

from datasets.schema import Column, Kind, Schema
from imputers.generative.miwae_hyperimpute import MIWAEHyperimpute


@pytest.fixture(scope="module")
def gaussian():
    """Two standard normal items with correlation 0.9, half of the second one missing, and MIWAE fitted to them."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=600)
    X = np.column_stack([x, 0.9 * x + np.sqrt(1 - 0.81) * rng.normal(size=600)])
    X[rng.random(600) < 0.5, 1] = np.nan
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    return X, MIWAEHyperimpute(n_components=2, n_hidden=16, max_iter=1200).fit(X, schema=schema)


def test_expectation_and_spread_are_those_of_the_conditional_gaussian(gaussian):
    X, imputer = gaussian
    prediction = imputer.impute(X, n_draws=200)
    x = X[np.isnan(X[:, 1]), 0]
    inner = np.abs(x) < 1.5
    assert np.abs(prediction.expected - 0.9 * x)[inner].mean() < 0.08
    quartiles = np.quantile(prediction.draws[:, inner], [0.25, 0.75], axis=0)
    assert np.diff(quartiles, axis=0).mean() / 1.349 == pytest.approx(np.sqrt(1 - 0.81), abs=0.07)


def test_draws_have_the_stated_probabilities(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    imputer = MIWAEHyperimpute(max_iter=60, n_hidden=32).fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=300)
    columns = np.nonzero(np.isnan(X))[1]
    for j, probabilities in prediction.probabilities.items():
        drawn = prediction.draws[:, columns == j]
        if not drawn.size:
            continue
        shares = (drawn[:, :, None] == schema.columns[j].levels).mean(axis=0)
        assert np.abs((shares - probabilities).mean(axis=0)).max() < 0.02
    means = prediction.draws.mean(axis=0)
    for name in ("worry", "trust"):
        j = schema.index(name)
        assert np.abs((means - prediction.expected)[columns == j]).mean() < 0.2


def test_unseen_rows_are_imputed_by_the_trained_networks(gaussian):
    new = np.array([[1.0, np.nan], [-1.0, np.nan]])
    assert gaussian[1].impute(new, n_draws=1).expected == pytest.approx([0.9, -0.9], abs=0.2)


def test_it_leaves_every_global_generator_as_it_was(masked_toy):
    before = np.random.get_state(legacy=False), torch.get_rng_state()  # noqa: NPY002
    MIWAEHyperimpute(max_iter=10, n_hidden=8).fit(masked_toy.values, schema=masked_toy.schema).impute(masked_toy.values)
    assert repr(before[0]) == repr(np.random.get_state(legacy=False))  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


@pytest.mark.slow
def test_error_on_the_demonstration_of_the_authors():
    """Mattei and Frellsen's notebook: breast cancer, 50 % of the cells missing at seed 1234, error 0.2867."""
    from sklearn.datasets import load_breast_cancer

    D = load_breast_cancer().data
    D = (D - D.mean(axis=0)) / D.std(axis=0)
    n, p = D.shape
    X = D.copy()
    X.flat[np.random.RandomState(1234).choice(n * p, n * p // 2, replace=False)] = np.nan
    schema = Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(p)))
    imputer = MIWAEHyperimpute(n_importance=20, max_iter=4000, batch_size=32, n_samples=1000).fit(X, schema=schema)
    fills = imputer.impute(X, n_draws=1).expected
    assert np.mean((fills - D[np.isnan(X)]) ** 2) == pytest.approx(0.2867, abs=0.02)
