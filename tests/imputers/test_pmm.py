import numpy as np
import pytest

from imputers.shared.linear import fit_linear
from imputers.statistical.pmm import canonical_scores, nearest_donors


@pytest.mark.parametrize("d", [1, 2, 3])
def test_donors_are_the_nearest(d):
    rng = np.random.default_rng(d)
    offered, wanted = rng.normal(size=(200, d)), 1.5 * rng.normal(size=(70, d))
    found = nearest_donors(offered, wanted, 5, rng)
    apart = np.linalg.norm(offered[None] - wanted[:, None], axis=2)
    np.testing.assert_array_equal(np.sort(found), np.sort(np.argsort(apart, axis=1)[:, :5]))


@pytest.mark.parametrize("d", [1, 2])
def test_ties_call_on_everybody(d):
    rng = np.random.default_rng(0)
    offered = np.repeat([[0.0] * d, [1.0] * d], 50, axis=0)
    found = nearest_donors(offered, np.ones((400, d)), 5, rng)
    assert found.min() >= 50
    assert len(np.unique(found)) == 50
    assert all(len(set(row)) == 5 for row in found.tolist())


@pytest.mark.parametrize("d", [1, 2])
def test_with_few_rows_all_are_donors(d):
    found = nearest_donors(np.arange(3 * d).reshape(3, d) * 1.0, np.zeros((2, d)), 5, np.random.default_rng(0))
    assert sorted(found[0]) == [0, 1, 2] == sorted(found[1])


def test_canonical_scores_are_the_best_explained():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(300), rng.normal(size=(300, 4))])
    y = (X @ rng.normal(size=(5, 4)) + rng.gumbel(size=(300, 4))).argmax(axis=1)
    scores = canonical_scores(X, y, 4, 3, ridge=1e-8)[y]
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(scores.T, bias=True), np.eye(3), atol=1e-6)

    def explained(values):
        return 1 - fit_linear(X, values[:, None], 0.0).squares[0] / np.sum((values - values.mean()) ** 2)

    ours = [explained(values) for values in scores.T]
    assert ours == sorted(ours, reverse=True)
    assert ours[0] > max(explained(rng.normal(size=4)[y]) for _ in range(300))


def test_canonical_scores_agree_with_discriminant_analysis():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(300), rng.normal(size=(300, 4))])
    y = (X @ rng.normal(size=(5, 3)) + rng.gumbel(size=(300, 3))).argmax(axis=1)
    ours = fit_linear(X, canonical_scores(X, y, 3, 2, ridge=1e-9)[y], 1e-9)
    theirs = LinearDiscriminantAnalysis().fit(X[:, 1:], y).transform(X[:, 1:])
    together = np.corrcoef((X @ ours.coefficients).T, theirs.T)
    np.testing.assert_allclose(np.abs(together[:2, 2:]), np.eye(2), atol=1e-6)
