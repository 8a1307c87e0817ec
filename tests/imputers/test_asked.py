"""A method may be asked for some holes alone; what it says of them is what it says of them among all."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from datasets.errors import InputError
from datasets.prediction import check_prediction, narrow
from datasets.schema import Column, Kind, Schema
from imputers import make_imputer
from imputers.conformance import example_table


def with_a_constant(schema, X):
    """The table with a column of one answer in front, which is filled by the base of all imputers."""
    same = np.where(np.arange(len(X)) % 3 == 0, np.nan, 2.0)
    return Schema((Column("same", Kind.NUMERIC), *schema.columns)), np.column_stack([same, X])


@pytest.mark.parametrize("name", ["hot-deck", "subgroup-mean", "latent-class"])
def test_some_holes_are_filled_as_among_all(name):
    schema, X = with_a_constant(*example_table())
    asked = np.isnan(X) & (np.random.default_rng(3).random(X.shape) < 0.4)
    assert asked[:, 0].any() and asked[:, 1:].any()
    imputer = make_imputer(name).fit(X, schema=schema, random_state=1)
    some, every = imputer.impute(X, 3, asked=asked), narrow(imputer.impute(X, 3), X, asked)
    check_prediction(some, X, schema, 3, asked)
    assert_array_equal(some.draws, every.draws)
    assert set(some.probabilities) == set(every.probabilities)
    for j, shares in every.probabilities.items():
        assert_array_equal(some.probabilities[j], shares)
    assert (some.expected is None) == (every.expected is None)


def test_nothing_asked_is_nothing_filled():
    schema, X = example_table()
    imputer = make_imputer("hot-deck").fit(X, schema=schema)
    assert imputer.impute(X, 3, asked=np.zeros(X.shape, dtype=bool)).draws.shape == (3, 0)


@pytest.mark.parametrize("wrong", [lambda X: ~np.isnan(X), lambda X: np.isnan(X)[:, :2]])
def test_holes_alone_can_be_asked(wrong):
    schema, X = example_table()
    imputer = make_imputer("hot-deck").fit(X, schema=schema)
    with pytest.raises(InputError, match=r"HotDeck.impute: asked has shape .*; it must be true in holes alone"):
        imputer.impute(X, asked=wrong(X))
