"""Joint scores: latent correlations against closed forms, two-way tables by hand, means, and groups by name."""

import numpy as np
import pytest

from datasets.schema import Column, Kind, Schema
from datasets.table import Dataset, Masked
from metrics import METRICS
from metrics.latent_correlation import bivariate_normal, polychoric, polyserial
from metrics.metric import TABLE

N = np.nan


def score(name, masked, prediction):
    return METRICS[name].score(masked, prediction)


def normal_pair(rho, n=40_000, seed=1):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 2))
    return z[:, 0], rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1]


@pytest.mark.parametrize("rho", [-0.95, -0.5, 0.0, 0.3, 0.8, 0.98])
def test_the_bivariate_normal_at_its_centre_is_sheppards_quarter(rho):
    """Sheppard 1899: P(X < 0, Y < 0) = 1/4 + asin(ρ) / 2π; and the margins, whatever ρ."""
    assert bivariate_normal(np.zeros(1), np.zeros(1), rho) == pytest.approx([0.25 + np.arcsin(rho) / (2 * np.pi)])
    assert bivariate_normal(np.array([0.7]), np.array([9.0]), rho) == pytest.approx([0.758036], abs=1e-6)


def test_the_bivariate_normal_agrees_with_scipy():
    from scipy.stats import multivariate_normal

    for rho in (-0.7, 0.2, 0.95):
        exact = multivariate_normal.cdf([0.4, -1.1], cov=[[1, rho], [rho, 1]])
        assert bivariate_normal(np.array([0.4]), np.array([-1.1]), rho)[0] == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("share", [0.3, 0.4])
def test_tetrachoric_of_median_cuts_has_a_closed_form(share):
    """Pearson 1900: of cuts at the medians, ρ = sin(2π (p - 1/4)) with p the share below both."""
    counts = np.round(np.array([share, 0.5 - share, 0.5 - share, share]) * 1000).astype(int)
    x, y = np.repeat([0.0, 0, 1, 1], counts), np.repeat([0.0, 1, 0, 1], counts)
    assert polychoric(x, y) == pytest.approx(np.sin(2 * np.pi * (share - 0.25)), abs=1e-4)


@pytest.mark.parametrize("rho", [-0.6, 0.2, 0.85])
def test_cuts_hide_a_correlation_that_is_found_again(rho):
    """Standard errors at 40,000 rows are below .006; correlations of the codes are far lower."""
    x, y = normal_pair(rho)
    codes = np.digitize(x, [-1.0, 0.2, 1.5]).astype(float), np.digitize(y, [-0.3, 0.9]).astype(float)
    assert polychoric(*codes) == pytest.approx(rho, abs=0.02)
    assert polyserial(codes[0], y) == pytest.approx(rho, abs=0.02)
    assert abs(np.corrcoef(*codes)[0, 1]) < 0.93 * abs(rho)


def test_latent_correlations_of_fills_without_relation_shrink_by_what_was_hidden(fill):
    """All of y's cells in half of the rows drawn anew: the correlation is near half of the true one, error near .5."""
    x, y = normal_pair(0.7, 8000)
    labels = {1.0: "low", 2.0: "middle", 3.0: "high"}
    values = np.column_stack([1.0 + np.digitize(v, [-0.5, 0.8]) for v in (x, y)])
    schema = Schema((Column("x", Kind.ORDINAL, labels), Column("y", Kind.ORDINAL, labels)))
    hidden = np.zeros(values.shape, dtype=bool)
    hidden[::2, 1] = True
    masked = Masked(Dataset("two", schema, values), hidden)
    drawn = np.random.default_rng(2).choice(values[:, 1], (2, 4000))
    found = score("latent-correlation-error", masked, fill(masked, {"y": drawn}))[TABLE]
    assert found == pytest.approx(0.5, abs=0.05)


def test_two_way_tables_by_hand(small, worked):
    """Region and happy: known together in rows 0 to 3; of draws 1 and 2 the first is worked out below.

    True pairs: (1,1), (1,2), (2,3), (2,3). Draw 1: (1,1), (1,1), (2,3), (1,2); draw 2: (1,1), (1,3), (2,3), (1,2).
    Mean shares: (1,1) 3/8, (1,2) 1/4, (1,3) 1/8, (2,3) 1/4; true: 1/4, 1/4, 0, 1/2. Total variation 1/4.
    """
    two = Masked(Dataset("two", small.schema.take([0, 1]), small.truth.values[:, :2]), small.hidden[:, :2])
    holes = np.isnan(small.values)
    columns = np.nonzero(holes)[1]
    draws = worked.draws[:, columns != 2]
    from datasets.prediction import Prediction

    assert score("pairwise-table-distance", two, Prediction(draws)) == pytest.approx({TABLE: 0.25})


def test_errors_of_means_by_hand(small, worked):
    """Age: true 20 30 40 50 60, SD √200; draws put 34, 50 and 30, 40 for 30 and 50: means off by .8 and -2 of five."""
    found = score("mean-error", small, worked)
    assert found["age"] == pytest.approx(0.6 / np.sqrt(200))
    shares = np.array([2, 2, 1]) / 5, np.array([2.5, 2.0, 0.5]) / 5
    total = np.sqrt((shares[0] * (1 - shares[0])).sum())
    drawn = np.mean([[3, 1, 1], [3, 2, 0]], axis=0) / 5
    assert found["region"] == pytest.approx(np.linalg.norm(drawn - shares[0]) / total)
    assert set(found) == {"region", "happy", "age"}


def test_groups_are_named_and_the_worst_is_the_headline(masked_gss, gss_guesses):
    for guess in ("hot deck", "centre"):
        gaps = score("subgroup-gaps", masked_gss, gss_guesses[guess])
        assert max(gaps.values()) == score("subgroup-gap", masked_gss, gss_guesses[guess])[TABLE]
    assert {"sex: female", "race: black"} <= set(gaps)
    assert sum(name.startswith("age: up to") and "~" not in name for name in gaps) == 2
    assert any(name.startswith("age: above") and "~ sex: male" in name for name in gaps)
