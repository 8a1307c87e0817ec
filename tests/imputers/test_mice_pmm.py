import numpy as np
from scipy import stats

from datasets.schema import Column, Kind, Schema
from imputers.shared import completed
from imputers.statistical.mice_pmm import MicePmm


def test_only_observed_values_are_imputed(masked_gss):
    X = masked_gss.values
    prediction = MicePmm(max_iter=1).fit(X, schema=masked_gss.schema).impute(X, n_draws=1)
    columns = np.nonzero(np.isnan(X))[1]
    for j in np.unique(columns):
        assert np.isin(prediction.draws[:, columns == j], X[~np.isnan(X[:, j]), j]).all()


def test_an_item_that_others_decide_is_recovered():
    rng = np.random.default_rng(1)
    place = rng.integers(0, 4, 600)
    x = np.column_stack([np.array([3, -2, 5, 0])[place], np.array([0, 4, 1, -3])[place]]) + 0.01 * rng.normal(
        size=(600, 2)
    )
    schema = Schema(
        (
            Column("x", Kind.NUMERIC),
            Column("z", Kind.NUMERIC),
            Column("place", Kind.NOMINAL, {k: f"{k}" for k in range(4)}),
        )
    )
    X = np.column_stack([x, place])
    X[:200, 2] = np.nan
    prediction = MicePmm().fit(X, schema=schema).impute(X)
    assert (prediction.draws == place[:200]).all()


def test_bytes_and_doubles_give_the_same_distribution(monkeypatch):
    """Means of an item's fills over thirty seeds, by a two-sample test: a chain on bytes rounds predictions only."""
    rng = np.random.default_rng(7)
    X = np.clip(np.rint(rng.normal(size=(300, 1)) + rng.normal(size=(300, 3)) + 4), 1, 7)
    X[rng.random(X.shape) < 0.3] = np.nan
    schema = Schema(tuple(Column(f"x{j}", Kind.ORDINAL, {float(k): f"{k}" for k in range(1, 8)}) for j in range(3)))

    def means():
        fits = (MicePmm(max_iter=2).fit(X, schema=schema, random_state=seed) for seed in range(30))
        return [fit.impute(X, n_draws=1).draws[0] @ np.eye(3)[np.nonzero(np.isnan(X))[1]] for fit in fits]

    doubles = means()
    monkeypatch.setattr(completed, "LARGE", 0)
    assert min(stats.ttest_ind(doubles, means()).pvalue) > 1e-3


def rubin_interval(estimates, variances):
    """95 % interval of pooled estimates (m,), Rubin 1987."""
    m = len(estimates)
    between = np.var(estimates, ddof=1) * (1 + 1 / m)
    total = np.mean(variances) + between
    half = stats.t.ppf(0.975, (m - 1) * (total / between) ** 2) * np.sqrt(total)
    return np.mean(estimates) - half, np.mean(estimates) + half


def test_intervals_of_a_regression_slope_cover_the_truth():
    """Half the outcome missing: 95 % intervals over 100 samples; 88 is 3 standard errors below 95.

    Completely at random: under strong missingness at random matching runs short of donors at the end of the line, and
    R's pmm covers less too (88 % at 200 rows and an odds ratio of e per standard deviation).
    """
    rng = np.random.default_rng(4)
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC)))
    covered = []
    for sample in range(100):
        x = rng.normal(size=300)
        y = 0.5 * x + rng.normal(size=300)
        X = np.column_stack([x, np.where(rng.random(300) < 0.5, np.nan, y)])
        draws = MicePmm(max_iter=1).fit(X, schema=schema, random_state=sample).impute(X, n_draws=10).draws
        tables = np.where(np.isnan(X[:, 1]), 0.0, X[:, 1]) + np.zeros((10, 1))
        tables[:, np.isnan(X[:, 1])] = draws
        fits = [stats.linregress(x, table) for table in tables]
        low, high = rubin_interval([fit.slope for fit in fits], [fit.stderr**2 for fit in fits])
        covered.append(low < 0.5 < high)
    assert np.mean(covered) >= 0.88
