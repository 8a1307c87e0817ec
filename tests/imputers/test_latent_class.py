"""Latent-class imputation against exact conditionals, the theory of proper imputation, and the floor on the survey."""

import numpy as np
import pytest

from datasets.moments import pairwise_moments
from datasets.populations.latent_class import conditional_levels
from datasets.prediction import check_prediction, complete, expectation, point
from datasets.schema import Column, Kind, Schema
from imputers import IMPUTERS
from imputers.statistical import latent_class
from imputers.statistical.latent_class import LatentClassImputer

YES_NO = {0: "no", 1: "yes"}


def binary(p: int) -> Schema:
    return Schema(tuple(Column(f"item{j}", Kind.ORDINAL, YES_NO) for j in range(p)))


def test_is_registered():
    assert IMPUTERS["latent-class"] is LatentClassImputer


def test_probabilities_are_the_mean_of_the_exact_conditionals(masked_toy):
    X = masked_toy.values
    imputer = LatentClassImputer(n_init=3, n_components=(3,)).fit(X, schema=masked_toy.schema)
    found = imputer.impute(X).probabilities
    each = [conditional_levels(model, imputer._binned(X)) for model in imputer.fits_]
    for j in masked_toy.schema.where(Kind.NOMINAL, Kind.ORDINAL):
        if np.isnan(X[:, j]).any():
            np.testing.assert_allclose(found[int(j)], np.mean([shares[int(j)] for shares in each], axis=0), atol=1e-6)


def test_a_table_looked_at_in_blocks_gives_the_same(masked_toy, monkeypatch):
    X, schema = masked_toy.values, masked_toy.schema
    imputer = LatentClassImputer(n_init=2, n_components=(3,)).fit(X, schema=schema)
    whole = imputer.impute(X, n_draws=2)
    monkeypatch.setattr(latent_class, "BLOCK", 37)
    parts = imputer.impute(X, n_draws=2)
    np.testing.assert_array_equal(parts.draws, whole.draws)
    np.testing.assert_allclose(parts.expected, whole.expected, atol=1e-5)
    assert parts.probabilities.keys() == whole.probabilities.keys()
    for j, shares in whole.probabilities.items():
        np.testing.assert_allclose(parts.probabilities[j], shares, atol=1e-6)


def test_classes_are_learned_from_a_sample_of_a_large_table_and_all_holes_are_filled(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    settings = {"n_init": 2, "n_components": (2,)}
    imputer = LatentClassImputer(**settings, max_rows=100).fit(X, schema=schema)
    counted = [counts.sum(axis=0) for counts in imputer.counts_]
    assert all((counts < 100.01).all() and (counts > 20).any() for counts in counted)  # sums in single precision
    check_prediction(imputer.impute(X, n_draws=2), X, schema)
    enough = LatentClassImputer(**settings, max_rows=len(X)).fit(X, schema=schema)
    usual = LatentClassImputer(**settings).fit(X, schema=schema)
    np.testing.assert_array_equal(enough.fits_[0].profiles, usual.fits_[0].profiles)


def test_expected_is_the_mean_over_levels(masked_toy):
    X, schema = masked_toy.values, masked_toy.schema
    prediction = LatentClassImputer(n_init=2).fit(X, schema=schema).impute(X)
    columns = np.nonzero(np.isnan(X))[1]
    trust = schema.index("trust")
    np.testing.assert_allclose(
        prediction.expected[columns == trust], prediction.probabilities[trust] @ schema["trust"].levels, atol=1e-6
    )
    assert np.isnan(prediction.expected[columns == schema.index("party")]).all()


def test_draws_have_the_stated_probabilities(masked_toy):
    """Over many draws the mean of ordinal fills is the expectation; each within 5 standard errors of a mean."""
    X, schema = masked_toy.values, masked_toy.schema
    imputer = LatentClassImputer(n_init=5, n_components=(5,)).fit(X, schema=schema)
    prediction = imputer.impute(X, n_draws=400)
    check_prediction(prediction, X, schema)
    columns = np.nonzero(np.isnan(X))[1]
    for name in ("worry", "trust", "age", "income"):
        fills = prediction.draws[:, columns == schema.index(name)]
        if fills.shape[1]:
            gap = fills.mean() - prediction.expected[columns == schema.index(name)].mean()
            assert abs(gap) < 5 * fills.mean(axis=1).std() / np.sqrt(400) + 0.02 * fills.std()


def test_between_draw_variance_is_that_of_proper_imputation():
    """Rubin 1987, sect. 4.3: with r of n answers known at random, the mean varies by s² (1/r - 1/n) between draws.

    Draws that ignore what n - r unknown answers leave uncertain vary by s² (n - r) / n², half of it here.
    """
    rng = np.random.default_rng(0)
    n, r = 400, 200
    X = (rng.random((n, 6)) < 0.4).astype(float)
    X[rng.permutation(n)[r:], 0] = np.nan
    imputer = LatentClassImputer(n_init=10, n_components=(3,)).fit(X, schema=binary(6))
    means = [complete(X, fills)[:, 0].mean() for fills in imputer.impute(X, n_draws=600).draws]
    s2 = np.nanvar(X[:, 0])
    proper, improper = s2 * (1 / r - 1 / n), s2 * (n - r) / n**2
    assert np.var(means) > (proper + improper) / 2
    assert np.var(means) < 1.5 * proper


def test_draws_keep_the_correlation_between_two_holes():
    """Two copies of one latent trait hidden in the same rows: fills of a draw must go together."""
    rng = np.random.default_rng(1)
    trait = rng.random((1500, 1)) < 0.5
    X = (trait ^ (rng.random((1500, 5)) < 0.1)).astype(float)
    truth = np.corrcoef(X[:, 0], X[:, 1])[0, 1]
    X[:700, :4] = np.nan  # one item left, so the trait of these rows is uncertain
    prediction = LatentClassImputer(n_init=5, n_components=(2,)).fit(X, schema=binary(5)).impute(X, n_draws=20)
    tables = [complete(X, fills)[:700] for fills in prediction.draws]
    found = np.mean([np.corrcoef(table[:, 0], table[:, 1])[0, 1] for table in tables])
    assert found == pytest.approx(truth, abs=0.06)


def test_numeric_columns_of_many_values_fill_from_donors():
    rng = np.random.default_rng(2)
    x = rng.normal(size=1200)
    X = np.column_stack([x, x + 0.5 * rng.normal(size=1200), x > 0])
    schema = Schema((Column("x", Kind.NUMERIC), Column("y", Kind.NUMERIC), Column("sign", Kind.NOMINAL, YES_NO)))
    truth = X.copy()
    X[rng.random(1200) < 0.3, 1] = np.nan
    prediction = LatentClassImputer(n_init=10).fit(X, schema=schema).impute(X)
    holes = np.isnan(X[:, 1])
    assert np.isin(prediction.draws, X[~holes, 1]).all()
    residual = np.std(prediction.expected - truth[holes, 1])
    assert residual < 0.65  # 0.5 is what nobody can beat, 1.12 the spread of the column
    assert np.corrcoef(prediction.draws[0], truth[holes, 0])[0, 1] > 0.7


def test_new_rows_unused_levels_and_empty_rows():
    rng = np.random.default_rng(4)
    labels = {k: f"level {k}" for k in range(13)}
    schema = Schema(
        (
            Column("religion", Kind.NOMINAL, labels),
            Column("age", Kind.NUMERIC, decimals=0, low=0, high=120),
            Column("view", Kind.ORDINAL, {1: "low", 2: "middle", 3: "high"}),
        )
    )
    X = np.column_stack([rng.integers(0, 5, 150), rng.integers(18, 60, 150), rng.integers(1, 3, 150)]).astype(float)
    X[rng.random(X.shape) < 0.2] = np.nan
    imputer = LatentClassImputer(n_init=3).fit(X, schema=schema)
    new = np.array([[12.0, np.nan, 3.0], [np.nan, 110.0, np.nan], [np.nan] * 3])
    prediction = imputer.impute(new)
    check_prediction(prediction, new, schema)
    shares = prediction.probabilities[0][1]
    observed = np.bincount(X[~np.isnan(X[:, 0]), 0].astype(int), minlength=13)
    np.testing.assert_allclose(shares, observed / observed.sum(), atol=0.04)


def test_same_seed_same_answer_and_input_untouched(masked_toy):
    X = np.array(masked_toy.values)
    first, second = (
        LatentClassImputer(n_init=2).fit(X, schema=masked_toy.schema, random_state=5).impute(X) for _ in range(2)
    )
    np.testing.assert_array_equal(first.draws, second.draws)
    np.testing.assert_array_equal(first.expected, second.expected)
    np.testing.assert_array_equal(X, masked_toy.values)


def test_number_of_classes_follows_the_data():
    """Independent items need the fewest classes there are; twenty distinct types of people need more."""
    rng = np.random.default_rng(6)
    noise = (rng.random((600, 12)) < 0.5).astype(float)
    types = (rng.random((20, 12)) < 0.5)[rng.integers(20, size=2000)]
    typed = (types ^ (rng.random(types.shape) < 0.05)).astype(float)
    few, many = (
        LatentClassImputer(n_init=1, n_components=(1, 4, 20)).fit(X, schema=binary(12)).n_components_
        for X in (noise, typed)
    )
    assert few == 1
    assert many == 20


def test_quality_on_the_survey(masked_gss):
    """Floors with a margin of about 3 % over the measured .82 (NRMSE), .625 (accuracy), .163 (correlation error)."""
    X, schema, truth = masked_gss.values, masked_gss.schema, masked_gss.truth.values
    prediction = LatentClassImputer(n_init=10, n_components=(40,)).fit(X, schema=schema).impute(X, n_draws=2)
    check_prediction(prediction, X, schema)
    holes = np.isnan(X)
    columns, wanted = np.nonzero(holes)[1], truth[holes]
    expected, best = expectation(prediction, X, schema), point(prediction, X, schema)
    errors, hits = [], []
    for j in np.flatnonzero(masked_gss.hidden.any(axis=0)):
        cells = masked_gss.scored & (columns == j)
        if schema.columns[j].kind is Kind.NOMINAL:
            hits.append((best[cells] == wanted[cells]).mean())
        else:
            errors.append(np.sqrt(np.mean((expected[cells] - wanted[cells]) ** 2)) / np.nanstd(truth[:, j]))
    assert np.mean(errors) < 0.845
    assert np.mean(hits) > 0.605
    assert np.mean([_correlation_error(masked_gss, complete(X, fills)) for fills in prediction.draws]) < 0.18


def _correlation_error(masked, table):
    known = np.where(np.isnan(masked.truth.values), np.nan, table)
    a, b = (pairwise_moments(masked.schema.design(X)).correlation for X in (masked.truth.values, known))
    scored = np.isfinite(a) & np.isfinite(b) & ~np.eye(len(a), dtype=bool)
    return np.linalg.norm((a - b)[scored]) / np.linalg.norm(a[scored])
