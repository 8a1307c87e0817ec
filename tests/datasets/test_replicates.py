"""Replicates: fresh samples of populations with known values, each masked as a table of its own."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.cells import make_mask
from datasets import DATASETS
from datasets.errors import InputError
from datasets.populations import POPULATIONS
from datasets.populations import twin as twin_law
from datasets.populations.clustered_twin import STRATA, UNITS
from datasets.table import parts
from imputers import make_imputer

LAWS = ("gss2022-twin", "gss2022-twin-clustered", "gaussian")


@pytest.mark.parametrize("population", LAWS)
def test_a_sample_is_the_same_in_whatever_block_it_stands(population):
    whole, later = (
        DATASETS["samples"](population=population, size=3),
        DATASETS["samples"](population=population, first=2),
    )
    numbers = {number: part for number, _, part in parts(whole)}
    for number, _, part in parts(later):
        assert np.array_equal(part.values, numbers[number].values)
    assert not np.array_equal(numbers[1].values, numbers[2].values)
    assert not np.isnan(whole.values).any()


@pytest.mark.parametrize("mechanism", ["mcar", "mar"])
def test_every_replicate_has_a_mask_of_its_own_which_does_not_depend_on_the_block(mechanism):
    whole, later = (
        DATASETS["samples"](population="gaussian", size=3),
        DATASETS["samples"](population="gaussian", first=2),
    )
    masked, again = make_mask(whole, mechanism, 0.3, 1), make_mask(later, mechanism, 0.3, 1)
    rows = [rows for _, rows, _ in parts(whole)]
    assert np.array_equal(np.vstack([masked.hidden[rows[1]], masked.hidden[rows[2]]]), again.hidden)
    assert not np.array_equal(masked.hidden[rows[0]], masked.hidden[rows[1]])
    shares = [masked.hidden[own].mean(axis=0).round(3).tolist() for own in rows]
    assert shares == [[0.0, 0.0, *[0.3] * 6]] * 3


def test_rows_of_a_replicate_stand_together():
    table = DATASETS["samples"](population="gaussian")
    with pytest.raises(InputError, match="must stand together"):
        replace(table, replicates=table.replicates[::-1])


def test_replicates_decide_the_fingerprint():
    table = DATASETS["samples"](population="gaussian")
    assert replace(table, replicates=None).fingerprint != table.fingerprint


def test_samples_refuse_a_path_and_numbers_that_are_none(tmp_path):
    with pytest.raises(InputError, match="has no file"):
        DATASETS["samples"](tmp_path)
    with pytest.raises(InputError, match="numbered from 1"):
        DATASETS["samples"](first=0)
    with pytest.raises(InputError, match="no multiple"):
        POPULATIONS["gss2022-twin-clustered"]().sample(1001, np.random.default_rng(1))


def test_the_support_of_latent_classes_has_their_exact_distribution():
    X, chance = POPULATIONS["gss2022-twin"]().support(["degree", "sex"])
    known = twin_law.marginals()
    assert chance.sum() == pytest.approx(1)
    for j, name in enumerate(("degree", "sex")):
        assert [chance[X[:, j] == code].sum() for code in known[name]] == pytest.approx(list(known[name].values()))


def test_the_support_of_the_clustered_twin_is_what_weighted_sums_estimate():
    law = POPULATIONS["gss2022-twin-clustered"]()
    X, chance = law.support(["income16", "educ"])
    moments, at = (
        twin_law.weighted_moments(),
        [law.schema.blocks[law.schema.index(n)].start for n in ("income16", "educ")],
    )
    assert chance @ X == pytest.approx(moments.mean[at])
    assert (chance @ X**2) - (chance @ X) ** 2 == pytest.approx(np.diag(moments.covariance)[at])


def test_the_support_of_the_normal_law_has_its_first_two_moments():
    law = POPULATIONS["gaussian"]()
    X, chance = law.support(["income", "age", "trust"])
    part = law.take(["income", "age", "trust"])
    centred = X - chance @ X
    assert chance @ X == pytest.approx(part.mean)
    assert (chance[:, None] * centred).T @ centred == pytest.approx(part.covariance)


def test_strata_of_the_clustered_twin_differ_and_make_up_the_whole():
    law = POPULATIONS["gss2022-twin-clustered"]()
    assert law.strata.sum(axis=1) == pytest.approx(np.ones(STRATA))
    assert law.strata.mean(axis=0) == pytest.approx(law.law.answers.shares)
    assert (law.strata > 0).all()
    assert np.ptp(law.strata / law.law.answers.shares, axis=0).min() > 0.3


def test_units_of_the_clustered_twin_are_alike_inside():
    table = DATASETS["samples"](population="gss2022-twin-clustered", size=5)
    y, unit = table.values[:, table.schema.index("marhomo")], table.psu + 1000 * table.replicates
    groups = [y[unit == number] for number in np.unique(unit)]
    assert len(groups) == 5 * STRATA * UNITS
    within = np.mean([group.var(ddof=1) for group in groups])
    between = np.var([group.mean() for group in groups], ddof=1) - within / len(groups[0])
    assert 0.005 < between / (between + within) < 0.1


def test_the_oracle_knows_the_law_of_samples_and_their_weights():
    table = DATASETS["samples"](population="gss2022-twin-clustered", size=1)
    X = np.where(make_mask(table, "mcar", 0.3, 1).hidden, np.nan, table.values)
    oracle = make_imputer("oracle").fit(X, schema=table.schema, weights=table.weights)
    assert oracle.impute(X, n_draws=2).draws.shape == (2, np.isnan(X).sum())
