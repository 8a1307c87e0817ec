"""Rubin's rules on a worked example, at their edges, and against statsmodels."""

from itertools import cycle

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from metrics.pooling import pool, pool_correlations, pool_proportions

Q = [10.2, 9.8, 10.5, 10.1, 9.9]
U = [0.25, 0.27, 0.24, 0.26, 0.25]


def test_a_worked_example():
    """Rubin (1987) with the degrees of freedom of Barnard & Rubin (1999), worked by hand to six digits."""
    found = pool(Q, U, freedom=100)
    expected = {
        "estimate": 10.1,
        "within": 0.254,
        "between": 0.075,
        "total": 0.344,
        "standard_error": 0.586515,
        "share_between": 0.261628,
        "relative_increase": 0.354331,
        "freedom": 32.3376,
        "fraction_missing": 0.303418,
    }
    for name, value in expected.items():
        assert float(getattr(found, name)) == pytest.approx(value, abs=1e-6 if name != "freedom" else 1e-4), name


def test_infinite_complete_data_freedom_is_rubins_own_rule():
    """Without Barnard & Rubin's correction, nu = (m - 1) / lambda² = 58.4375 for the worked example."""
    found = pool(Q, U)
    assert float(found.freedom) == pytest.approx(58.4375, abs=1e-4)
    assert float(found.freedom) == pytest.approx(4 * (1 + 1 / found.relative_increase) ** 2)


def test_interval_uses_students_t():
    from scipy.stats import t

    found = pool(Q, U, freedom=100)
    expected = t.interval(0.9, 32.337638, loc=10.1, scale=np.sqrt(0.344))
    assert found.interval(0.9) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("freedom", [20.0, 1e6])
def test_equal_draws_leave_only_the_loss_of_the_rule_itself(freedom):
    found = pool([3.0] * 4, [0.5] * 4, freedom)
    observed = (freedom + 1) / (freedom + 3) * freedom
    assert (float(found.between), float(found.relative_increase), float(found.share_between)) == (0, 0, 0)
    assert float(found.total) == 0.5
    assert float(found.freedom) == pytest.approx(observed)
    assert float(found.fraction_missing) == pytest.approx(2 / (observed + 3))


def test_equal_draws_of_an_infinite_sample_miss_nothing():
    found = pool([3.0] * 4, [1.0] * 4)
    assert float(found.freedom) == np.inf
    assert float(found.fraction_missing) == 0
    assert found.interval() == pytest.approx([3 - 1.959964, 3 + 1.959964], abs=1e-6)


def test_many_quantities_are_pooled_one_by_one():
    rng = np.random.default_rng(0)
    estimates, variances = rng.normal(size=(6, 3)), rng.uniform(0.5, 1, (6, 3))
    together = pool(estimates, variances, freedom=50)
    for k in range(3):
        alone = pool(estimates[:, k], variances[:, k], freedom=50)
        for name in ("estimate", "total", "freedom", "fraction_missing"):
            assert getattr(together, name)[k] == pytest.approx(float(getattr(alone, name)))
        assert together.interval()[:, k] == pytest.approx(alone.interval())


def test_it_agrees_with_statsmodels():
    """Multiple imputation of statsmodels, fed with given draws, pools coefficients to the same T and lambda."""
    import statsmodels.api as sm
    from statsmodels.imputation.bayes_mi import MI

    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=50), rng.normal(size=50)
    draws = []
    for _ in range(5):
        filled = np.where(np.arange(50) < 15, rng.normal(size=50), x)
        draws.append(pd.DataFrame({"one": 1.0, "x": filled, "y": 2 + x + noise}))

    class Given:
        turn = cycle(draws)

        def update(self):
            self.data = next(self.turn)

    theirs = MI(Given(), sm.OLS, lambda data: (data["y"], data[["one", "x"]]), burn=0, nrep=5, skip=0).fit()
    fits = [sm.OLS(data["y"], data[["one", "x"]]).fit() for data in draws]
    ours = pool([fit.params for fit in fits], [fit.bse**2 for fit in fits], freedom=48)
    assert ours.estimate == pytest.approx(theirs.params)
    assert ours.standard_error == pytest.approx(theirs.bse)
    assert ours.share_between == pytest.approx(theirs.fmi)  # what they call fmi is lambda


def test_coverage_of_a_mean_is_nominal():
    """A normal sample of 60 with 40 % missing completely at random, 5 proper draws (Rubin 1987, example 3.1)."""
    rng = np.random.default_rng(2)
    tries, n, seen, m = 4000, 60, 36, 5
    y = rng.normal(size=(tries, seen))
    variance = y.var(axis=1, ddof=1) * (seen - 1) / rng.chisquare(seen - 1, (m, tries))
    centre = y.mean(axis=1) + np.sqrt(variance / seen) * rng.normal(size=(m, tries))
    fills = centre[..., None] + np.sqrt(variance)[..., None] * rng.normal(size=(m, tries, n - seen))
    whole = np.concatenate([np.broadcast_to(y, (m, *y.shape)), fills], axis=2)
    low, high = pool(whole.mean(axis=2), whole.var(axis=2, ddof=1) / n, freedom=n - 1).interval()
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.95, abs=0.01)  # three standard errors: 0.0103
    single = whole[0].mean(axis=1) / np.sqrt(whole[0].var(axis=1, ddof=1) / n)
    assert np.mean(np.abs(single) < 2.0) < 0.87  # one draw taken for data covers far too seldom


@pytest.mark.parametrize(
    ("estimates", "variances", "freedom", "said"),
    [
        ([1.0], [1.0], 10, "got 1 draws; the variance between draws needs two at least"),
        ([[1.0, 2.0]], [[1.0, 2.0]], 10, "got 1 draws"),
        ([1.0, 2.0], [1.0], 10, "wanted (m,) or (m, k)"),
        (1.0, 1.0, 10, "wanted (m,) or (m, k)"),
        ([1.0, np.nan], [1.0, 1.0], 10, "finite"),
        ([1.0, 2.0], [1.0, 0.0], 10, "positive variances"),
        ([1.0, 2.0], [1.0, 1.0], 0, "positive degrees of freedom"),
    ],
)
def test_what_cannot_be_pooled(estimates, variances, freedom, said):
    with pytest.raises(InputError) as caught:
        pool(estimates, variances, freedom)
    assert said in str(caught.value)


def test_proportions_are_pooled_as_logits():
    p = np.array([0.95, 0.97, 0.99])
    found = pool_proportions(p, p * (1 - p) / 100, freedom=99)
    logits = np.log(p / (1 - p))
    by_hand = pool(logits, 1 / (100 * p * (1 - p)), freedom=99)
    assert float(found.estimate) == pytest.approx(1 / (1 + np.exp(-logits.mean())))
    assert found.interval() == pytest.approx(1 / (1 + np.exp(-by_hand.interval())))
    assert found.interval()[1] < 1 < pool(p, p * (1 - p) / 100, 99).interval()[1]  # the plain scale leaves the range


def test_correlations_are_pooled_as_fishers_z():
    r = np.array([[0.8, -0.1], [0.9, 0.1], [0.85, 0.0]])
    found = pool_correlations(r, 20)
    by_hand = pool(np.arctanh(r), np.full((3, 2), 1 / 17))
    assert found.estimate == pytest.approx([np.tanh(np.arctanh(r[:, 0]).mean()), 0])
    assert found.interval() == pytest.approx(np.tanh(by_hand.interval()))
    assert pool_correlations(r, [[20, 30], [20, 30], [20, 30]]).pooled.within == pytest.approx([1 / 17, 1 / 27])


@pytest.mark.parametrize("p", [[0.5, 1.0], [0.0, 0.5], [0.5, np.nan]])
def test_proportions_at_the_ends_are_refused(p):
    with pytest.raises(InputError, match="strictly between 0 and 1"):
        pool_proportions(p, [0.01, 0.01])


def test_perfect_correlations_are_refused():
    with pytest.raises(InputError, match="strictly between -1 and 1"):
        pool_correlations([0.5, -1.0], 20)
    with pytest.raises(InputError, match="four rows at least"):
        pool_correlations([0.5, 0.6], 3)
