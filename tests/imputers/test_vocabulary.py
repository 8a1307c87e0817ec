"""Words for questions and answers, and back."""

import numpy as np
import pytest

from datasets.schema import Column, Kind
from imputers.shared.vocabulary import Item, Vocabulary


def test_words_and_values_are_inverse_on_every_column_of_the_core_table(masked_gss):
    X, schema = masked_gss.values, masked_gss.schema
    vocabulary = Vocabulary.fit(schema, X, n_bins=24)
    words = vocabulary.encode(X)
    assert np.array_equal(words < len(schema), np.isnan(X))
    rows, columns = np.nonzero(~np.isnan(X))
    assert np.array_equal(vocabulary.item_of[words[rows, columns]], columns)
    values = vocabulary.decode(words[rows, columns], columns, np.random.default_rng(0))
    exact = ~np.isin(columns, [schema.index("age")])  # the one item with more values than bins
    assert np.array_equal(values[exact], X[rows, columns][exact])
    again = X.copy()
    again[rows, columns] = values
    assert np.array_equal(vocabulary.encode(again), words)


def test_bins_are_equal_parts_and_keep_the_mean():
    values = np.random.default_rng(1).permutation(np.arange(100.0))
    item = Item.fit(Column("x", Kind.NUMERIC), values, n_bins=4)
    assert item.means.tolist() == [12.0, 37.0, 62.0, 87.0]
    assert item.encode(np.array([-5.0, 24.0, 24.9, 25.0, 200.0, np.nan])).tolist() == [0, 0, 0, 1, 3, -1]
    assert item.scores @ item.counts == pytest.approx(0)
    drawn = item.decode(np.full(4000, 1), np.random.default_rng(2))
    assert set(drawn) == set(np.arange(25.0, 50.0))


def test_level_never_observed_has_no_word_and_counts_as_unknown():
    item = Item.fit(Column("x", Kind.ORDINAL, {1.0: "a", 2.0: "b", 3.0: "c"}), np.array([3.0, 1.0, 1.0]), n_bins=9)
    assert item.encode(np.array([1.0, 2.0, 3.0, np.nan])).tolist() == [0, -1, 1, -1]
    assert item.spread(np.array([[0.25, 0.75]])).tolist() == [[0.25, 0.0, 0.75]]
