"""Distances between respondents against loops over pairs of rows, hand-worked values and scikit-learn."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.conformance import example_table
from imputers.shared.distances import BLOCK, Euclidean, Gower


def all_blocks(distance, X, donors):
    return np.vstack([block for _, block in distance.blocks(X, donors)])


def gower(a, b, schema, spans):
    """Gower 1971, equation 5, one pair at a time."""
    terms = []
    for j, column in enumerate(schema):
        if not (np.isnan(a[j]) or np.isnan(b[j])):
            terms.append(float(a[j] != b[j]) if column.kind is Kind.NOMINAL else abs(a[j] - b[j]) / spans[j])
    return np.mean(terms) if terms else 1.0


def mixed():
    names = Column("name", Kind.TEXT, {0.0: "kitten", 1.0: "sitting", 2.0: "kitchen"})
    return Schema((Column("age", Kind.NUMERIC), Column("vote", Kind.NOMINAL, {1.0: "yes", 2.0: "no"}), names))


def test_gower_is_the_mean_over_the_items_that_both_answered():
    schema, X = example_table(150)
    X[3] = np.nan
    ours = all_blocks(Gower.learn(schema, X), X, X[:40])
    spans = np.nanmax(X, axis=0) - np.nanmin(X, axis=0)
    assert ours == pytest.approx(np.array([[gower(a, b, schema, spans) for b in X[:40]] for a in X]), abs=2e-6)


def test_gower_of_text_is_the_edit_distance():
    """From kitten to sitting are 3 edits: 2·3 / (6 + 7 + 3); to kitchen 2, and one name is missing."""
    X = np.array([[20.0, 1, 0], [40, 2, 1], [30, 1, 2], [20, 1, np.nan]])
    ours = all_blocks(Gower.learn(mixed(), X), X[:1], X)
    wanted = [0, (1 + 1 + 6 / 16) / 3, (0.5 + 0 + 4 / 15) / 3, 0]
    assert ours[0] == pytest.approx(wanted)


def test_one_item_alone_is_zero_where_one_did_not_answer_and_less_the_usual_elsewhere():
    X = np.array([[20.0, 1, 0], [40, 2, 1], [30, np.nan, 2], [np.nan, 1, np.nan]])
    gower = Gower.learn(mixed(), X)
    assert gower.item(0, X[:2, 0], X[:, 0], usual=0.25).tolist() == [[-0.25, 0.75, 0.25, 0], [0.75, -0.25, 0.25, 0]]
    assert gower.item(1, X[:1, 1], X[:, 1]).tolist() == [[0, 1, 0, 0]]
    assert gower.item(2, X[:1, 2], X[:, 2]) == pytest.approx(np.array([[0, 6 / 16, 4 / 15, 0]]))


def test_euclidean_is_scikit_learns_on_numbers():
    from sklearn.metrics.pairwise import nan_euclidean_distances

    rng = np.random.default_rng(0)
    X = np.where(rng.random((150, 5)) < 0.4, np.nan, rng.normal(5, 3, (150, 5)))
    schema = Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(5)))
    ours = all_blocks(Euclidean.learn(schema, X), X, X)
    wanted = nan_euclidean_distances(X / np.nanstd(X, axis=0))
    assert np.isnan(wanted).any()
    assert ours == pytest.approx(np.where(np.isnan(wanted), np.inf, wanted), rel=1e-5, abs=1e-6)


def test_a_nominal_mismatch_costs_one():
    """Ages 0 and 2 have mean 1 and deviation 1, so they are 2 apart; with the mismatch √(4 + 1)."""
    schema = Schema((Column("age", Kind.NUMERIC), Column("vote", Kind.NOMINAL, {1.0: "yes", 2.0: "no", 3.0: "none"})))
    X = np.array([[0.0, 1], [2, 3], [np.nan, 3]])
    ours = all_blocks(Euclidean.learn(schema, X), X, X)
    far, alone = np.sqrt(5), np.sqrt(2)  # alone: one item of two shared, so 1 counts twice
    assert ours == pytest.approx(np.array([[0, far, alone], [far, 0, 0], [alone, 0, 0]]), abs=1e-6)


def test_blocks_cover_the_rows_in_order_and_stay_small():
    schema, X = example_table(150)
    rows, sizes = zip(*((rows, block.shape) for rows, block in Gower.learn(schema, X).blocks(X, X)), strict=True)
    assert np.concatenate([np.arange(150)[r] for r in rows]).tolist() == list(range(150))
    assert max(sizes) == (BLOCK, 150)


def test_euclidean_refuses_text():
    X = np.array([[20.0, 1, 0], [40, 2, 1]])
    with pytest.raises(InputError, match="text columns \\['name'\\]"):
        Euclidean.learn(mixed(), X)
