import numpy as np

from datasets.schema import Column, Kind, Schema
from imputers.shared.item import Item
from imputers.statistical.mice_cart import MiceCart, leaf_donors


def item(kind, codes, holes):
    labels = {} if kind is Kind.NUMERIC else {float(code): f"{code}" for code in range(10)}
    return Item.of(0, Column("y", kind, labels), np.arange(len(codes)), np.array(codes, dtype=float), np.arange(holes))


def test_donors_come_from_the_leaf_each_as_often_as_the_others():
    known = np.array([3, 1, 3, 3, 1, 6])
    holes = np.repeat([1, 3, 6], 3000)
    fill = leaf_donors(item(Kind.NUMERIC, [0, 1, 2, 3, 4, 5], 9000), known, holes, np.random.default_rng(1))
    for leaf, members in ((1, [1, 4]), (3, [0, 2, 3]), (6, [5])):
        values, counts = np.unique(fill.codes[holes == leaf], return_counts=True)
        assert values.tolist() == members
        np.testing.assert_allclose(counts / 3000, 1 / len(members), atol=0.04)
        np.testing.assert_allclose(fill.forecast()[holes == leaf], np.mean(members))


def test_forecast_of_a_category_is_its_share_of_the_leaf():
    fill = leaf_donors(
        item(Kind.NOMINAL, [7, 7, 2, 2, 2, 5], 2),
        np.array([1, 1, 1, 4, 4, 4]),
        np.array([4, 1]),
        np.random.default_rng(1),
    )
    np.testing.assert_allclose(fill.forecast(), [[2 / 3, 1 / 3, 0], [1 / 3, 0, 2 / 3]])  # levels 2, 5, 7


def test_an_interaction_is_found_that_linear_models_cannot_see():
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 2, (2, 1000)).astype(float)
    schema = Schema(tuple(Column(name, Kind.NOMINAL, {0.0: "no", 1.0: "yes"}) for name in "aby"))
    X = np.column_stack([a, b, (a != b).astype(float)])
    X[:300, 2] = np.nan
    prediction = MiceCart(max_iter=1).fit(X, schema=schema).impute(X, n_draws=2)
    assert (prediction.draws == (a != b)[:300]).all()


def test_the_tree_stops_where_rpart_does():
    """A split must gain 1e-4 of the root's impurity and leave 5 rows on either side."""
    rng = np.random.default_rng(3)
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    x = np.repeat([0.0, 1.0], 100)
    X = np.column_stack([x, 100 * x + rng.choice([-1e-3, 1e-3], 200)])
    X[:4, 1] = np.nan
    draws = MiceCart(max_iter=1).fit(X, schema=schema).impute(X, n_draws=20).draws
    assert np.abs(draws).max() < 1 and len(np.unique(draws)) == 2
    lonely = np.column_stack([np.r_[np.zeros(196), np.ones(4)], np.r_[np.zeros(196), np.full(4, 9.0)]])
    lonely[0, 1] = np.nan  # a leaf of 4 is too small: the split is refused, and all 199 rows are donors
    prediction = MiceCart(max_iter=1).fit(lonely, schema=schema).impute(lonely, n_draws=1)
    np.testing.assert_allclose(prediction.expected, 36 / 199)
