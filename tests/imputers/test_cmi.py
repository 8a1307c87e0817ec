"""Clustering and kernel regression against loops over pairs of rows, and refits without each row."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.schema import Column, Kind, Schema
from imputers.clusters import cmi
from imputers.clusters.cmi import ClusterKernel, bandwidths, kernel_weights, leave_one_out
from imputers.clusters.k_means import Space, choose_clusters, k_means, nearest
from imputers.conformance import example_table

PAIR = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))


def regress(x, y, at, h):
    """Nadaraya–Watson estimate at one point with n⁻² in the denominator, on answers less their mean."""
    n = len(y)
    kernel = [np.exp(-((at - xi) ** 2) / (2 * h**2)) for xi in x]
    above = sum(k * (yi - np.mean(y)) for k, yi in zip(kernel, y, strict=True))
    return np.mean(y) + above / (sum(kernel) + n**-2)


def blobs(n, rng):
    """Three groups of n rows, far apart in four columns, with a fifth of the cells missing; and the groups."""
    group = np.repeat([0, 1, 2], n)
    D = np.array([[6, 0, 0, 6], [-6, 6, 0, 0], [0, -6, 0, -6]])[group] + rng.normal(size=(3 * n, 4))
    return np.where(rng.random(D.shape) < 0.2, np.nan, D), group


def test_one_dimension_is_nadaraya_watson_with_the_best_left_out_bandwidth():
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, 40)
    y = np.sin(x) + rng.normal(0, 0.2, 40)
    imputer = ClusterKernel(n_clusters=1).fit(np.column_stack([x, y]), schema=PAIR)
    new = np.array([-1.0, 2.5, 5.0, 40.0])  # the last is far from everybody
    prediction = imputer.impute(np.column_stack([new, np.full(4, np.nan)]))
    z = (x - x.mean()) / x.std()
    errors = [
        sum((y[i] - regress_without(z, y, i, h)) ** 2 for i in range(40)) for h in bandwidths(40)
    ]  # every bandwidth refitted without each row
    h = bandwidths(40)[np.argmin(errors)]
    assert imputer.bandwidths_[0, 1] == h
    assert prediction.expected == pytest.approx([regress(z, y, (a - x.mean()) / x.std(), h) for a in new], rel=1e-9)
    assert prediction.expected[3] == pytest.approx(y.mean())


def regress_without(x, y, i, h):
    """The estimate at x[i] from the other rows, each with weight kernel + n⁻³, n as with row i."""
    others = [j for j in range(len(y)) if j != i]
    weights = [np.exp(-((x[i] - x[j]) ** 2) / (2 * h**2)) + len(y) ** -3 for j in others]
    return np.average(y[others], weights=weights)


def test_leaving_one_out_equals_fitting_again_without_the_row():
    rng = np.random.default_rng(1)
    squared = rng.chisquare(5, (30, 30))
    Y = rng.normal(size=(30, 2))
    some = np.array([4, 17, 29])
    wanted = []
    for h in bandwidths(30):
        weights = kernel_weights(squared, h)
        refits = [np.delete(weights[i], i) @ np.delete(Y, i, axis=0) / np.delete(weights[i], i).sum() for i in some]
        wanted.append(np.mean(((Y[some] - refits) ** 2).sum(axis=1)))
    assert leave_one_out(squared[some], some, Y) == pytest.approx(wanted, rel=1e-9)


def test_the_bandwidth_widens_for_noise_and_narrows_for_a_curve():
    rng = np.random.default_rng(2)
    x = rng.normal(size=300)
    factors = {}
    for name, y in (("noise", rng.normal(size=300)), ("curve", np.sin(6 * x) + 0.1 * rng.normal(size=300))):
        imputer = ClusterKernel(n_clusters=1).fit(np.column_stack([x, y]), schema=PAIR)
        factors[name] = imputer.bandwidths_[0, 1] * 300**0.2
    assert factors["curve"] < 0.6 < 2 < factors["noise"]


def test_the_bandwidth_widens_with_the_number_of_items():
    """A product of 30 kernels at a bandwidth fit for one leaves no donor any weight."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 31))
    X[:, -1] = X[:, :-1].sum(axis=1)
    schema = Schema(tuple(Column(f"x{j}", Kind.NUMERIC) for j in range(31)))
    imputer = ClusterKernel(n_clusters=1).fit(X, schema=schema)
    assert imputer.bandwidths_[0, -1] * 300**0.2 > 4
    new = X.copy()
    new[:50, -1] = np.nan
    assert np.corrcoef(imputer.impute(new).expected, X[:50, -1])[0, 1] > 0.5


def test_distances_are_those_of_a_loop():
    schema, X = example_table(40)
    X[3], X[4] = np.nan, [1, 50, *[np.nan] * 4]
    X[5, :2] = np.nan  # shares nothing with row 4
    space = Space.of(X, schema)
    spread = np.nanstd(X, axis=0)
    wanted = np.empty((40, 40))
    for a in range(40):
        for b in range(40):
            terms = [
                float(X[a, j] != X[b, j]) if column.kind is Kind.NOMINAL else ((X[a, j] - X[b, j]) / spread[j]) ** 2
                for j, column in enumerate(schema)
                if not np.isnan(X[a, j] + X[b, j])
            ]
            wanted[a, b] = 5 * (np.mean(terms) if terms else space.apart)
    D = space.place(X)
    assert space.squared_distances(D, D) == pytest.approx(wanted, abs=1e-9)
    complete = X[~np.isnan(X).any(axis=1)]
    C = Space.of(complete, schema)
    D = C.place(complete)
    assert C.squared_distances(D, D).mean() == pytest.approx(5 * C.apart)  # two respondents at random


def test_clusters_are_those_of_scikit_learn():
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(4)
    D = rng.normal(size=(200, 3))
    D -= D.mean(axis=0)
    ours = k_means(D, 4, rng, n_init=20, max_iter=100)
    theirs = KMeans(4, n_init=20, random_state=0).fit(D)
    total = ((D - ours[nearest(D, ours)]) ** 2).sum()
    assert total == pytest.approx(theirs.inertia_, rel=0.005)


def test_three_groups_with_holes_are_found_by_silhouette():
    rng = np.random.default_rng(5)
    X, group = blobs(60, rng)
    space = Space.of(X, Schema(tuple(Column(name, Kind.NUMERIC) for name in "abcd")))
    D = space.place(X)
    centres = choose_clusters(space, D, rng)
    assert len(centres) == 3
    informed = ~np.isnan(X[:, [0, 1, 3]]).any(axis=1)
    pairs = set(zip(nearest(D, centres)[informed].tolist(), group[informed].tolist(), strict=True))
    assert len(pairs) == 3


def test_a_worked_table_of_nominal_answers():
    """Four donors, two with x = a: matches weigh 1, mismatches exp(-1/2h²), and everybody 4⁻³ more."""
    schema = Schema((Column("x", Kind.NOMINAL, {1.0: "a", 2.0: "b"}), Column("y", Kind.NOMINAL, {1.0: "p", 2.0: "q"})))
    X = np.array([[1, 1], [1, 1], [2, 1], [2, 2], [1, np.nan]])
    imputer = ClusterKernel(n_clusters=1, min_samples=4).fit(X, schema=schema)
    far = np.exp(-0.5 / imputer.bandwidths_[0, 1] ** 2) + 4**-3
    near = 1 + 4**-3
    p = (2 * near + far) / (2 * near + 2 * far)
    prediction = imputer.impute(X, n_draws=4000)
    assert prediction.probabilities[1] == pytest.approx(np.array([[p, 1 - p]]))
    assert np.isnan(prediction.expected).all()
    assert (prediction.draws == 1).mean() == pytest.approx(p, abs=0.025)


def test_ordinal_expectation_is_that_of_the_shares():
    schema, X = example_table()
    prediction = ClusterKernel().fit(X, schema=schema).impute(X, n_draws=2000)
    j = schema.index("trust")
    at = np.nonzero(np.isnan(X))[1] == j
    assert prediction.expected[at] == pytest.approx(prediction.probabilities[j] @ [0, 1, 2, 3])
    assert prediction.draws[:, at].mean(axis=0) == pytest.approx(prediction.expected[at], abs=0.1)


def test_an_item_with_few_answers_in_a_cluster_is_filled_from_everybody():
    rng = np.random.default_rng(6)
    X = np.column_stack([np.repeat([-10.0, 10.0], 50), np.repeat([0.0, 5.0], 50)]) + rng.normal(size=(100, 2))
    X[55:, 1] = np.nan  # five answers in the right-hand cluster
    for least, pool in ((5, X[50:55, 1]), (6, X[:55, 1])):
        imputer = ClusterKernel(n_clusters=2, min_samples=least).fit(X, schema=PAIR)
        draws = imputer.impute(X, n_draws=500).draws
        assert set(draws.ravel()) <= set(pool)
        assert np.isfinite(imputer.bandwidths_[-1, 1]) == (least == 6)


def test_a_row_without_answers_gets_everybodys_mean():
    schema, X = example_table()
    X[7] = np.nan
    prediction = ClusterKernel().fit(X, schema=schema).impute(X)
    at = (np.nonzero(np.isnan(X))[0] == 7) & (np.nonzero(np.isnan(X))[1] == 4)
    assert prediction.expected[at] == pytest.approx([np.nanmean(X[:, 4])])


def test_blocks_do_not_show(monkeypatch):
    schema, X = example_table()
    whole = ClusterKernel().fit(X, schema=schema).impute(X)
    monkeypatch.setattr(cmi, "BLOCK", 7)
    parts = ClusterKernel().fit(X, schema=schema).impute(X)
    assert parts.expected == pytest.approx(whole.expected, nan_ok=True)
    assert np.array_equal(parts.draws, whole.draws)


@pytest.mark.parametrize("parameters", [{"n_clusters": 0}, {"min_samples": 1}, {"max_donors": 1}])
def test_impossible_parameters_are_errors(parameters):
    schema, X = example_table()
    with pytest.raises(InputError, match=f"'{next(iter(parameters))}' parameter of ClusterKernel must be"):
        ClusterKernel(**parameters).fit(X, schema=schema)


def test_more_clusters_than_different_rows():
    X = np.array([[0.0, 0.0], [1.0, 1.0]] * 20)
    X[0, 1] = np.nan
    prediction = ClusterKernel(n_clusters=12).fit(X, schema=PAIR).impute(X)
    assert prediction.expected == pytest.approx([0.0], abs=1e-3)
