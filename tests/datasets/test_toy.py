"""The made-up table: its sample moments tend to the closed form, and it has what tests need."""

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.moments import pairwise_moments
from datasets.schema import Kind, Role
from datasets.surveys import toy as made_up
from datasets.table import Dataset, Reason


def test_population_moments_are_those_of_a_large_sample():
    n = 200_000
    truth = made_up.moments()
    found = pairwise_moments(made_up.SCHEMA.design(made_up.sample(n, np.random.default_rng(0))))
    sd = np.sqrt(np.diag(truth.covariance))
    assert np.abs((found.mean - truth.mean) / sd).max() < 5 / np.sqrt(n)
    assert np.abs((found.covariance - truth.covariance) / np.outer(sd, sd)).max() < 10 / np.sqrt(n)
    assert np.abs(found.correlation - truth.correlation).max() < 6 / np.sqrt(n)


def test_population_moments_by_hand():
    truth = made_up.moments()
    names = [
        name
        for name, block in zip(made_up.SCHEMA.names, made_up.SCHEMA.blocks, strict=True)
        for _ in range(block.stop - block.start)
    ]
    age, town = names.index("age"), names.index("town")
    assert truth.mean[age] == pytest.approx(0.5 * 38 + 0.3 * 50 + 0.2 * 62)
    assert truth.covariance[age, age] == pytest.approx(25 + 1 / 12 + 0.5 * 8.4**2 + 0.3 * 3.6**2 + 0.2 * 15.6**2)
    assert truth.mean[town] == pytest.approx(0.655)
    assert truth.covariance[town, town] == pytest.approx(0.655 * 0.345)
    assert truth.covariance[town, town + 1] == pytest.approx(-0.655 * 0.345)


def test_correlations_are_a_correlation_matrix_of_the_right_rank():
    eigenvalues = np.linalg.eigvalsh(made_up.moments().correlation)
    assert (eigenvalues > 1e-9).sum() == 9  # 11 columns, less one for each set of dummies
    assert eigenvalues.min() > -1e-12


def test_the_table_has_every_kind_but_text_and_some_holes(toy: Dataset):
    assert toy.values.shape == (400, 8)
    assert {column.kind for column in toy.schema} == {*Kind} - {Kind.TEXT}
    assert toy.schema["worry"].levels[0] == 0
    assert not np.isnan(toy.values[:, toy.schema.having(Role.DRIVER)]).any()
    assert np.isnan(toy.values).sum() == (toy.reasons[:, toy.schema.index("trust")] == Reason.DONT_KNOW).sum() > 20
    assert toy.title == "toy (synthetic)"


def test_the_table_is_the_same_every_time(toy: Dataset):
    assert made_up.load().fingerprint == toy.fingerprint


def test_it_has_no_file(tmp_path):
    with pytest.raises(InputError, match="has no file"):
        made_up.load(tmp_path)
