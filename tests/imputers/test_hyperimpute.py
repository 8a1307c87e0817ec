import os
import random

import numpy as np
import pandas as pd
import pytest
import torch

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.generative.hyperimpute_search import HyperImpute
from imputers.generative.isolation import isolated


def linear_table(n=200):
    """Three items of which each follows from the other two up to a little noise, and a nominal one that does, too."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, n))
    c = a + b + 0.1 * rng.normal(size=n)
    X = np.column_stack([a, b, c, np.digitize(c, [-0.5, 0.5])]).astype(float)
    truth = X.copy()
    X[rng.random(n) < 0.2, 2] = np.nan
    X[rng.random(n) < 0.2, 3] = np.nan
    numbers = tuple(Column(name, Kind.NUMERIC) for name in "abc")
    return Schema((*numbers, Column("group", Kind.NOMINAL, {0.0: "low", 1.0: "middle", 2.0: "high"}))), X, truth


def test_linear_relation_is_found_by_the_search():
    schema, X, truth = linear_table()
    imputer = HyperImpute().fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=2)
    assert imputer.models_["c"] == "linear_regression"
    columns = np.nonzero(np.isnan(X))[1]
    hidden = truth[np.isnan(X)]
    assert np.sqrt(np.mean((prediction.expected - hidden)[columns == 2] ** 2)) < 0.25  # the noise has 0.1, the item 1.4
    assert (prediction.draws[0] == hidden)[columns == 3].mean() > 0.8
    assert (prediction.draws[0] == prediction.draws[1]).all()


def test_fills_are_those_of_the_package():
    from hyperimpute.plugins.imputers.plugin_hyperimpute import HyperImputePlugin

    schema, X, _ = linear_table()
    X, schema = X[:, :3], schema.take(range(3))
    imputer = HyperImpute().fit(X, schema=schema, random_state=1)
    with isolated():
        plugin = HyperImputePlugin(
            classifier_seed=["random_forest"],
            class_threshold=0,
        )
        plugin.model.avail_data_thresh = 0
        table = plugin.fit_transform(pd.DataFrame(X)).to_numpy()
    assert imputer.impute(X, n_draws=1).expected == pytest.approx(table[np.isnan(X)], abs=1e-12)


def test_copy_on_write_does_not_turn_fills_into_means():
    schema, X, _ = linear_table()
    plain = HyperImpute(max_iter=1).fit(X, schema=schema).impute(X, n_draws=1)
    with pd.option_context("mode.copy_on_write", True):
        other = HyperImpute(max_iter=1).fit(X, schema=schema).impute(X, n_draws=1)
    assert (plain.draws == other.draws).all()
    assert np.std(plain.expected[~np.isnan(plain.expected)]) > 0.5


@pytest.mark.parametrize("wrong", [{"classifiers": ()}, {"regressors": ("oracle",)}, {"max_iter": 0}])
def test_senseless_parameters_are_refused(wrong):
    schema, X, _ = linear_table()
    with pytest.raises(InputError, match=next(iter(wrong))):
        HyperImpute(**wrong).fit(X, schema=schema)


def test_new_rows_run_again_with_the_fitted_ones_and_leave_their_prediction_as_it_was():
    schema, X, truth = linear_table()
    imputer = HyperImpute(max_iter=1).fit(X[:150], schema=schema)
    before = imputer.impute(X[:150], n_draws=1).draws
    fresh = imputer.impute(X[150:], n_draws=1)
    columns = np.nonzero(np.isnan(X[150:]))[1]
    hidden = truth[150:][np.isnan(X[150:])]
    assert np.sqrt(np.mean((fresh.expected - hidden)[columns == 2] ** 2)) < 0.7
    assert (imputer.impute(X[:150], n_draws=1).draws == before).all()


def test_isolation_gives_back_environment_and_random_states(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = random.getstate(), repr(np.random.get_state(legacy=False)), torch.get_rng_state()  # noqa: NPY002
    with isolated():
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "2"
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        torch.manual_seed(0)
    assert os.environ["OMP_NUM_THREADS"] == "1" and "MKL_NUM_THREADS" not in os.environ
    assert (random.getstate(), repr(np.random.get_state(legacy=False))) == before[:2]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])
