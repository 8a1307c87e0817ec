import numpy as np
import pytest
from scipy import stats

from datasets.schema import Column, Kind, Schema
from imputers.statistical.mice import Mice


@pytest.mark.parametrize("kind", [Kind.NOMINAL, Kind.ORDINAL])
def test_intervals_of_a_share_cover_the_truth(kind):
    """Missing at random, half of a yes/no item: 95 % intervals over 100 samples; 88 is 3 standard errors below 95."""
    rng = np.random.default_rng(5)
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", kind, {0.0: "no", 1.0: "yes"})))
    covered = []
    for sample in range(100):
        x = rng.normal(size=200)
        y = (x + rng.logistic(size=200) > 0).astype(float)  # half say yes
        X = np.column_stack([x, np.where(rng.random(200) < 1 / (1 + np.exp(-x)), np.nan, y)])
        draws = Mice(max_iter=1).fit(X, schema=schema, random_state=sample).impute(X, n_draws=10).draws
        shares = (np.nansum(X[:, 1]) + draws.sum(axis=1)) / 200
        between = 1.1 * shares.var(ddof=1)
        total = np.mean(shares * (1 - shares) / 200) + between
        half = stats.t.ppf(0.975, 9 * (total / between) ** 2) * np.sqrt(total)
        covered.append(abs(shares.mean() - 0.5) < half)
    assert np.mean(covered) >= 0.88


def test_draws_differ_by_the_uncertainty_of_the_coefficients_too():
    """From 20 rows the share among 10,000 imputed ones is uncertain although each is drawn from its probability."""
    rng = np.random.default_rng(6)
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NOMINAL, {0.0: "no", 1.0: "yes"})))
    X = np.column_stack([rng.normal(size=10020), np.full(10020, np.nan)])
    X[:20, 1] = np.arange(20) % 2
    draws = Mice(max_iter=1).fit(X, schema=schema).impute(X, n_draws=40).draws
    assert draws.mean(axis=1).std() > 0.06  # √(0.25 / 20) = 0.11 for a share of 20 rows; 0.005 were it known


def test_each_kind_keeps_its_marginals(masked_gss):
    X, truth = masked_gss.values, masked_gss.truth.values
    prediction = Mice(max_iter=2).fit(X, schema=masked_gss.schema).impute(X, n_draws=1)
    columns = np.nonzero(np.isnan(X))[1]
    for name in ("marital", "health", "income16", "educ"):
        j = masked_gss.schema.index(name)
        codes = np.unique(truth[~np.isnan(truth[:, j]), j])
        hidden = truth[masked_gss.hidden[:, j], j]
        fills = prediction.draws[0, (columns == j)]
        assert np.abs([(fills == code).mean() - (hidden == code).mean() for code in codes]).max() < 0.06
