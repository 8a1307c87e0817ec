import numpy as np
import pytest

from imputers.shared.linear import Sums, fit_linear
from imputers.shared.nearest import nearest_donors
from imputers.shared.pmm import canonical_scores


def donor_rows(donors):
    """Numbers of the donors (h, n_donors) of each hole."""
    return np.column_stack([donors.order[places] for places in donors.each()])


def scores_of(X, positions, K, n_components, ridge):
    counts = np.bincount(positions, minlength=K)
    dummies = (positions[:, None] == np.arange(K)) - counts / len(X)
    return canonical_scores(Sums.of(X, dummies), counts, n_components, ridge)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_donors_are_the_nearest(d):
    rng = np.random.default_rng(d)
    offered, wanted = rng.normal(size=(200, d)), 1.5 * rng.normal(size=(70, d))
    found = donor_rows(nearest_donors(offered, wanted, 5, rng))
    apart = np.linalg.norm(offered[None] - wanted[:, None], axis=2)
    np.testing.assert_array_equal(np.sort(found), np.sort(np.argsort(apart, axis=1)[:, :5]))


@pytest.mark.parametrize("d", [1, 2])
def test_ties_call_on_everybody(d):
    rng = np.random.default_rng(0)
    offered = np.repeat([[0.0] * d, [1.0] * d], 50, axis=0)
    donors = nearest_donors(offered, np.ones((4000, d)), 5, rng)
    found = donor_rows(donors)
    assert found.min() >= 50
    assert all(len(set(row)) == 5 for row in found.tolist())
    drawn = np.bincount(donors.order[donors.one(rng)], minlength=100)[50:]
    assert drawn.min() > 0
    if d == 1:
        np.testing.assert_allclose(drawn / 4000, 1 / 50, atol=4.5 * np.sqrt(0.02 / 4000))


def test_a_hole_draws_from_all_that_are_predicted_equal_though_it_is_not_predicted_so_itself():
    """Two levels of a predictor: thirty rows lie below the hole, two above it, nearer; a draw is one of five."""
    offered = np.repeat([[0.0], [1.0]], [30, 2], axis=0)
    rng = np.random.default_rng(0)
    donors = nearest_donors(offered, np.full((2000, 1), 0.6), 5, rng)
    drawn = donors.order[donors.one(rng)]
    counts = np.bincount(drawn, minlength=32) / 2000
    np.testing.assert_allclose(counts[:30], 3 / 5 / 30, atol=4 * np.sqrt(0.02 / 2000))
    np.testing.assert_allclose(counts[30:], 1 / 5, atol=4 * np.sqrt(0.16 / 2000))


def test_each_donor_is_drawn_as_often_as_the_others():
    rng = np.random.default_rng(3)
    donors = nearest_donors(rng.normal(size=(40, 1)), np.full((5000, 1), 0.2), 5, rng)
    counts = np.unique(donors.order[donors.one(rng)], return_counts=True)[1]
    assert len(counts) == 5
    np.testing.assert_allclose(counts / 5000, 0.2, atol=4 * np.sqrt(0.16 / 5000))


@pytest.mark.parametrize("n_donors", [1, 5, 40])
def test_donors_at_the_ends_of_the_line_are_the_nearest_too(n_donors):
    rng = np.random.default_rng(n_donors)
    offered = rng.normal(size=(50, 1)).astype(np.float32)
    wanted = np.array([[-9.0], [9.0], [float(offered.min())], [float(offered.max())], [0.0]], dtype=np.float32)
    found = donor_rows(nearest_donors(offered, wanted, n_donors, rng))
    nearest = np.argsort(np.abs(offered.T - wanted), axis=1)[:, :n_donors]
    np.testing.assert_array_equal(np.sort(found), np.sort(nearest))


@pytest.mark.parametrize("d", [1, 2])
def test_with_few_rows_all_are_donors(d):
    found = donor_rows(
        nearest_donors(np.arange(3 * d).reshape(3, d) * 1.0, np.zeros((2, d)), 5, np.random.default_rng(0))
    )
    assert sorted(found[0]) == [0, 1, 2] == sorted(found[1])


def test_canonical_scores_are_the_best_explained():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(300), rng.normal(size=(300, 4))])
    y = (X @ rng.normal(size=(5, 4)) + rng.gumbel(size=(300, 4))).argmax(axis=1)
    scores = scores_of(X, y, 4, 3, ridge=1e-8)[y]
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(scores.T, bias=True), np.eye(3), atol=1e-6)

    def explained(values):
        return 1 - fit_linear(Sums.of(X, values[:, None]), 0.0).squares[0] / np.sum((values - values.mean()) ** 2)

    ours = [explained(values) for values in scores.T]
    assert ours == sorted(ours, reverse=True)
    assert ours[0] > max(explained(rng.normal(size=4)[y]) for _ in range(300))


def test_canonical_scores_agree_with_discriminant_analysis():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(300), rng.normal(size=(300, 4))])
    y = (X @ rng.normal(size=(5, 3)) + rng.gumbel(size=(300, 3))).argmax(axis=1)
    ours = fit_linear(Sums.of(X, scores_of(X, y, 3, 2, ridge=1e-9)[y]), 1e-9)
    theirs = LinearDiscriminantAnalysis().fit(X[:, 1:], y).transform(X[:, 1:])
    together = np.corrcoef((X @ ours.coefficients).T, theirs.T)
    np.testing.assert_allclose(np.abs(together[:2, 2:]), np.eye(2), atol=1e-6)
