"""Columns of the survey's design: guessed and set aside, or stated by role and handed to who uses them."""

import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.files.design_columns import design_role
from datasets.files.survey_file import read_survey_file

RNG = np.random.default_rng(0)
N = 200
AROUND_ONE = RNG.gamma(4, 0.25, N) / 1.0
AROUND_ONE /= AROUND_ONE.mean()


@pytest.mark.parametrize(
    ("name", "question", "values", "wanted"),
    [
        ("wtssps", "", AROUND_ONE, "weight"),
        ("anweight", "", AROUND_ONE, "weight"),
        ("WTMEC2YR", "", AROUND_ONE * 30_000, "weight"),
        ("V240107a", "Post-stratified survey weight", AROUND_ONE, "weight"),
        ("x", "", AROUND_ONE, ""),
        ("Weight", "Weight in kg", 75 + 40 * AROUND_ONE, ""),
        ("weight", "Birth weight in grams", np.round(3_000 * AROUND_ONE), ""),
        ("wt", "", AROUND_ONE - 2, ""),
        ("SDMVSTRA", "", RNG.integers(1, 15, N), "stratum"),
        ("x", "Masked variance pseudo-stratum", RNG.integers(1, 15, N), "stratum"),
        ("vpsu", "", RNG.integers(1, 3, N), "psu"),
        ("strain", "", RNG.integers(1, 3, N), ""),
        ("wtf", "", np.where(np.arange(N) == 3, np.nan, AROUND_ONE), ""),
    ],
)
def test_roles_by_name_wording_and_values(name, question, values, wanted):
    assert design_role(name, question, np.asarray(values, dtype=float)) == wanted


@pytest.fixture
def read(tmp_path):
    trust = np.where(RNG.random(N) < 0.1, np.nan, RNG.integers(1, 6, N))
    columns = {"trust": trust, "age": RNG.integers(18, 90, N), "wt": AROUND_ONE, "psu": RNG.integers(1, 30, N)}
    pd.DataFrame(columns).to_csv(tmp_path / "a.csv", index=False)

    def read_with(schema=""):
        (tmp_path / "s.toml").write_text(schema)
        return read_survey_file(tmp_path / "a.csv", tmp_path / "s.toml")

    return read_with


def test_guessed_columns_are_set_aside_and_told(read):
    found = read()
    assert found.dataset.schema.names == ["trust", "age"]
    assert found.dataset.weights is None
    told = 'wt: set aside, looks like the survey\'s weight; to change it, write role = "weight" under [wt]'
    assert told in found.notes


def test_the_line_that_is_told_puts_them_to_use(read):
    found = read('[wt]\nkind = "ignore"\nrole = "weight"\n[psu]\nrole = "psu"\n').dataset
    assert found.schema.names == ["trust", "age"]
    assert found.weights == pytest.approx(AROUND_ONE)
    assert found.psu is not None
    assert found.strata is None


def test_a_kind_overrides_the_guess(read):
    assert "wt" in read('[wt]\nkind = "numeric"\n').dataset.schema.names


def test_one_weight_at_most(read):
    with pytest.raises(InputError, match="has role = 'weight', and so has 'age'"):
        read('[age]\nrole = "weight"\n[wt]\nrole = "weight"\n')


def test_an_identifier_by_role(read):
    assert read('[age]\nrole = "id"\n').dataset.schema.names == ["trust"]
