"""Trees grown on histograms are those of a search among all values."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from datasets.schema import Column, Kind, Schema
from imputers.statistical import mice_cart
from imputers.statistical.histogram_tree import MOST, NumericOutcome, Outcome, binned, cuts, grow
from imputers.statistical.mice_cart import MiceCart

LIMITS = {"min_samples_leaf": 5, "min_samples_split": 15}


def survey(n):
    rng = np.random.default_rng(0)
    D = np.column_stack([rng.integers(0, K, n) for K in (2, 3, 5, 9)]).astype(float)
    y = np.clip(np.rint(D[:, 1] + (D[:, 0] > 0) * (D[:, 2] > 2) + rng.normal(size=n)), 0, 3).astype(int)
    return D, y


def partition(leaves):
    """Groups of rows that share a leaf, whatever the leaves are called."""
    return {frozenset(np.flatnonzero(leaves == leaf).tolist()) for leaf in np.unique(leaves)}


@pytest.mark.parametrize("kind", ["nominal", "ordinal", "numeric"])
def test_leaves_are_those_of_an_exact_tree(kind):
    D, y = survey(1500)
    codes = y + np.where(kind == "numeric", 0.1, 0.0) * np.random.default_rng(1).normal(size=len(y))
    edges = [cuts(x) for x in D[:1000].T]
    outcome = {
        "nominal": Outcome(y[:1000], np.eye(4)),
        "ordinal": Outcome(y[:1000], np.arange(4.0)[:, None]),
        "numeric": NumericOutcome(codes[:1000]),
    }[kind]
    known, others = grow(binned(D[:1000].T, edges), outcome, binned(D[1000:].T, edges), min_gain=2e-3, **LIMITS)
    root = 1 - np.sum((np.bincount(y[:1000]) / 1000) ** 2) if kind == "nominal" else np.var(codes[:1000])
    model = DecisionTreeClassifier if kind == "nominal" else DecisionTreeRegressor
    tree = model(min_impurity_decrease=2e-3 * root, random_state=0, **LIMITS)
    tree.fit(D[:1000], y[:1000] if kind == "nominal" else codes[:1000])
    assert len(np.unique(known)) > 5
    assert partition(np.concatenate([known, others])) == partition(tree.apply(D))


def test_a_leaf_is_no_smaller_than_asked_for():
    D, y = survey(400)
    known, others = grow(
        binned(D.T, [cuts(x) for x in D.T]), Outcome(y, np.eye(4)), np.zeros((4, 0), np.uint8), min_gain=0.0, **LIMITS
    )
    assert np.bincount(known).min() >= 5 and len(others) == 0
    assert (np.unique(known) == np.arange(known.max() + 1)).all()


def test_bins_are_the_distinct_values_or_quantiles():
    rng = np.random.default_rng(2)
    few, many = rng.choice([-1.5, 0.2, 7.0], 500), rng.normal(size=5000)
    np.testing.assert_array_equal(cuts(np.array([-1.5, 0.2, 7.0, 7.0])), [-0.65, 3.6])
    bins = binned([few, few], [cuts(few)] * 2)
    np.testing.assert_array_equal(bins[1], np.searchsorted([-1.5, 0.2, 7.0], few))
    counts = np.bincount(binned([many], [cuts(many)])[0])
    assert len(counts) == MOST and counts.min() > 0.9 * 5000 / MOST - 2


def test_large_tables_are_filled_as_small_ones_are(monkeypatch):
    """Trees are the same, where no two splits are equal."""
    D, y = survey(600)
    schema = Schema(
        (
            *(Column(f"x{j}", Kind.ORDINAL, {float(k): f"{k}" for k in range(9)}) for j in range(4)),
            Column("y", Kind.NOMINAL, {float(k): f"{k}" for k in range(4)}),
        )
    )
    X = np.column_stack([D, y]).astype(float)
    X[:200, 4] = np.nan
    exact = MiceCart(max_iter=1, min_impurity_decrease=2e-3).fit(X, schema=schema)
    monkeypatch.setattr(mice_cart, "EXACT", 0)
    large = MiceCart(max_iter=1, min_impurity_decrease=2e-3).fit(X, schema=schema)
    assert not exact.edges_ and len(large.edges_) == large.predictors_.width - 1
    ours, theirs = (imputer.impute(X, n_draws=1).probabilities[4] for imputer in (large, exact))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert large.decided() == ""  # nothing is numeric
