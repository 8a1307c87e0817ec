"""The twin: its closed forms against its samples, and its likeness to the survey with the distance stated."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest

from datasets import DATASETS
from datasets.errors import InputError
from datasets.moments import pairwise_moments
from datasets.populations import twin
from datasets.populations.latent_class import levels_of
from datasets.schema import Kind
from datasets.surveys import twin as samples
from datasets.table import Dataset, Reason


@pytest.fixture(scope="module")
def default() -> Dataset:
    return DATASETS["gss2022-twin"](None)


@pytest.fixture(scope="module")
def large() -> Dataset:
    return samples.sample(60_000, 7)


@pytest.fixture(scope="module")
def resampled(gss) -> list[np.ndarray]:
    """Two bootstrap samples of the survey: how far two surveys of this size lie apart."""
    rng = np.random.default_rng(0)
    return [gss.values[rng.integers(0, len(gss.values), len(gss.values))] for _ in range(2)]


def test_shape_title_and_seed(default):
    assert default.values.shape == (3544, 24)
    assert default.title == "gss2022-twin (synthetic)"
    assert default.fingerprint == samples.load().fingerprint
    assert default.fingerprint != samples.sample(3544, 1).fingerprint
    assert set(default.origin) == {"model", "sha256", "seed"}


def test_bad_requests():
    with pytest.raises(InputError, match="leave the path out"):
        samples.load(twin.FILE)
    with pytest.raises(InputError, match="one at least"):
        samples.sample(0, 1)


def test_parameter_file_is_small_and_holds_no_rows():
    assert twin.FILE.stat().st_size < 100_000
    with np.load(twin.FILE, allow_pickle=False) as arrays:  # raises on objects
        assert max(arrays[name].shape[0] for name in arrays if arrays[name].ndim) < 300
    truth = twin.population()
    for model in (truth.answers, truth.silence):
        assert model.shares.min() * 3544 > 20
        np.testing.assert_allclose(model.levels.normalise(model.profiles), model.profiles, atol=1e-12)
    assert (truth.answers.profiles > 0).all()


def test_writing_what_was_read_gives_the_same_bytes(tmp_path):
    twin.write(twin.population(), tmp_path / "again.npz")
    with np.load(tmp_path / "again.npz") as again, np.load(twin.FILE) as stored:
        assert again.files == stored.files
        for name in stored.files:
            if stored[name].dtype.kind == "f":
                np.testing.assert_allclose(again[name], stored[name], rtol=1e-6)
            else:
                np.testing.assert_array_equal(again[name], stored[name])
    twin.write(twin.population(), tmp_path / "twice.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "twice.npz").read_bytes()


def test_closed_form_moments_against_a_large_sample(large):
    """Pair by pair within 5 standard errors; a covariance has standard error sqrt(E(z²w²) - cov²) / sqrt(pairs)."""
    truth = twin.population_moments()
    D = large.schema.design(large.values)
    found = pairwise_moments(D)
    sd = np.sqrt(np.diag(truth.covariance))
    known = ~np.isnan(D)
    Z = np.where(known, (D - truth.mean) / sd, 0)
    assert (np.abs(found.mean - truth.mean) < 5 * sd / np.sqrt(known.sum(axis=0))).all()
    error = np.sqrt((Z**2).T @ Z**2 + 25) / found.pairs  # 25: rare levels may hardly occur
    assert (np.abs(found.covariance - truth.covariance) / np.outer(sd, sd) < 5 * error).all()
    np.testing.assert_allclose(np.diag(truth.correlation), 1)


def test_weighted_moments_against_a_large_sample(large):
    D = large.schema.design(large.values)
    truth, plain = twin.weighted_moments(), twin.population_moments()
    found = pairwise_moments(D, large.weights)
    sd = np.sqrt(np.diag(truth.covariance))
    n_effective = large.weights.sum() ** 2 / (large.weights**2).sum()
    assert (np.abs(found.mean - truth.mean) < 5 * sd / np.sqrt(n_effective / 2)).all()
    age = large.schema.blocks[large.schema.index("age")].start
    assert abs(truth.mean[age] - plain.mean[age]) > 0.5  # weights matter, as in the survey


def test_marginals_are_those_of_a_large_sample(large):
    for j, (name, shares) in enumerate(twin.marginals().items()):
        column = large.values[:, j]
        column = column[~np.isnan(column)]
        found = np.array([(column == code).mean() for code in shares])
        assert name == large.schema.names[j]
        assert np.abs(found - np.array(list(shares.values()))).sum() / 2 < 0.03


def test_conditionals_are_calibrated(default):
    """Their mean over holes is the share of each answer there: holes are hidden at random, truth known."""
    complete = np.where(np.isnan(default.values), -1, default.values)
    hidden = np.random.default_rng(2).random(default.values.shape) < 0.3
    hidden &= complete >= 0
    values = np.where(hidden, np.nan, default.values)
    shares = twin.conditional(values)
    log_score, marginal_score = 0.0, 0.0
    for j, (codes, found) in enumerate(zip(twin.marginals().values(), shares.values(), strict=True)):
        np.testing.assert_allclose(found.sum(axis=1), 1)
        scored = hidden[np.isnan(values[:, j]), j]
        truth = np.searchsorted(list(codes), default.values[hidden[:, j], j])
        picked = found[scored][np.arange(len(truth)), truth]
        expected = (found[scored] * np.log(found[scored])).sum(axis=1)  # E log p under p itself
        assert abs(np.log(picked).mean() - expected.mean()) < 0.2
        log_score += np.log(picked).sum()
        marginal_score += np.log(np.array(list(codes.values()))[truth]).sum()
    assert log_score > marginal_score + 1000


def test_conditional_refuses_codes_off_the_scale(default):
    wrong = np.array(default.values[:2])
    wrong[0, 1] = 9
    with pytest.raises(InputError, match="'sex'"):
        twin.conditional(wrong)


def test_schema_is_that_of_the_survey(gss, default):
    assert dataclasses.replace(default.schema, population="") == gss.schema
    assert default.schema.population == "gss2022-twin"


def test_marginals_are_close_to_the_survey(gss, default, resampled):
    """Mean total variation over the 24 items .014; two bootstrap samples of the survey are .021 apart."""
    levels = levels_of(gss.values, gss.schema)

    def distance(one, other):
        a, b = (levels.normalise(levels.indicate(X).sum(axis=0)) for X in (one, other))
        return np.array([np.abs(a[block] - b[block]).sum() / 2 for block in levels.blocks])

    apart = distance(*resampled)
    found = distance(gss.values, default.values)
    assert found.mean() <= apart.mean()
    assert found.max() <= 1.25 * apart.max()


def test_correlations_are_close_to_the_survey(gss, default, resampled):
    """Relative Frobenius distance .31, .20 between two bootstrap samples; conditional independence costs the rest."""
    assert _correlation_distance(gss, gss.values, default.values) <= 1.6 * _correlation_distance(gss, *resampled)


def test_associations_are_close_to_the_survey(gss, default, resampled):
    """Cramér's V of all 210 pairs of categorical items: root mean square difference .041.

    Two bootstrap samples of the survey are .017 apart, and the survey with each item shuffled on its own .113. The
    order of the pairs is kept (rank correlation .90); the strongest pairs are attenuated, as within a class items are
    independent: marhomo with homosex has .46 in the survey and .30 here.
    """
    levels = levels_of(gss.values, gss.schema)
    shuffled = np.random.default_rng(0).permuted(gss.values, axis=0)
    real, made, sample, other, none = (
        _cramers(levels, gss, X) for X in (gss.values, default.values, *resampled, shuffled)
    )

    def difference(one, two):
        return np.sqrt(np.mean((one - two) ** 2))

    assert difference(real, made) <= 2.5 * difference(sample, other)
    assert difference(real, made) <= 0.4 * difference(real, none)
    assert np.corrcoef(real, made)[0, 1] > 0.9


def _correlation_distance(gss, one, other):
    a, b = (pairwise_moments(gss.schema.design(X)).correlation for X in (one, other))
    scored = np.isfinite(a) & np.isfinite(b) & ~np.eye(len(a), dtype=bool)
    return np.linalg.norm((a - b)[scored]) / np.linalg.norm(a[scored])


def _cramers(levels, gss, X):
    Z = levels.indicate(X).astype(float)
    counts = Z.T @ Z
    found = []
    for j, k in combinations(gss.schema.where(Kind.NOMINAL, Kind.ORDINAL), 2):
        table = counts[levels.blocks[j], levels.blocks[k]]
        table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
        chi2 = ((table - expected) ** 2 / expected).sum()
        found.append(np.sqrt(chi2 / table.sum() / (min(table.shape) - 1)))
    return np.array(found)


def test_holes_are_those_of_the_survey(gss, default):
    """Share of each reason in each item within 5 standard errors; the split ballot is one decision."""
    for reason in Reason:
        real, made = ((data.reasons == reason).mean(axis=0) for data in (gss, default))
        assert (np.abs(real - made) < 5 * np.sqrt(2 * (real + 1 / 3544) / 3544)).all()
    ballot = [gss.schema.index(name) for name in ("marhomo", "homosex")]
    skipped = default.reasons[:, ballot] == Reason.NOT_ASKED
    np.testing.assert_array_equal(skipped[:, 0], skipped[:, 1])

    def spread(data):
        return (np.delete(data.reasons, ballot, axis=1) > 0).sum(axis=1).var()

    assert spread(default) == pytest.approx(spread(gss), rel=0.35)  # silent people are silent on several items


def test_no_row_is_a_respondents(gss, default):
    """Not one sampled row agrees with a respondent on every item that both answered (20 at least)."""
    levels = levels_of(gss.values, gss.schema)
    agree = levels.indicate(default.values) @ levels.indicate(gss.values).T
    both = (~np.isnan(default.values)).astype(np.float32) @ (~np.isnan(gss.values)).T.astype(np.float32)
    assert not ((agree == both) & (both >= 20)).any()


def test_population_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        twin.population().split_share = 0.0
